import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readDeployed } from '../bench/aws-costs/deployed.ts';
import { AWS_COSTS_PAGE, awsCostsPage } from '../bench/aws-costs/page.ts';
import { OWN_SECRETS } from '../bench/scale/deployment.ts';

describe('docs/aws-costs.md', () => {
  it('says what is deployed today, and what it takes', async () => {
    const hint = 'run node test/bench/aws-costs/page.ts --write';
    assert.equal(readFileSync(AWS_COSTS_PAGE, 'utf8'), await awsCostsPage(), hint);
  });

  it('has the key of the alarms in the bill, and docs/scale.md every secret', () => {
    const { keys, secrets } = readDeployed();
    assert.equal(keys, 2);
    assert.equal(secrets, OWN_SECRETS);
  });
});
