import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const lockfile = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');

describe('the runtime', () => {
  it('is Node 24, as in AWS Lambda', () => {
    assert.equal(process.versions.node.split('.')[0], '24');
  });

  it('has every dependency pinned to one version', () => {
    const { dependencies, devDependencies, optionalDependencies } = packageJson;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
    }
  });

  it('has a lockfile that names no download addresses', () => {
    assert.doesNotMatch(lockfile, /"resolved"|https?:\/\/[^"]*\.tgz/);
  });
});
