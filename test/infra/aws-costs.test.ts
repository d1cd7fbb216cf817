import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { AWS_COSTS_PAGE, awsCostsPage } from '../bench/aws-costs/page.ts';

describe('docs/aws-costs.md', () => {
  it('says what is deployed today, and what it takes', async () => {
    const hint = 'run node test/bench/aws-costs/page.ts --write';
    assert.equal(readFileSync(AWS_COSTS_PAGE, 'utf8'), await awsCostsPage(), hint);
  });
});
