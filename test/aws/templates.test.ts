import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CFN_LINT } from '../../scripts/aws-emulators/python-environment.ts';
import { EVERYTHING } from '../../scripts/rights/synthesize.ts';
import { ensureBuilt } from '../wire/bundles/built.ts';
import { synthesizeAssembly } from './synthesize.ts';

const CONFIG = fileURLToPath(new URL('cfnlintrc.yaml', import.meta.url));

const SETTINGS = {
  'as it is set unless somebody chooses': {},
  'with everything that can be chosen': { ...EVERYTHING, vault: 'secrets-manager-to-envelope' },
} as const;

/** What cfn-lint has to say; nothing is a complaint about nothing. */
const lint = async (templates: readonly string[]): Promise<string> => {
  const args = ['--config-file', CONFIG, '--format', 'parseable', '--', ...templates];
  const wait = { maxBuffer: 1e8 };
  // It exits with another code for each kind of finding, and prints them all.
  const ended = await promisify(execFile)(CFN_LINT, args, wait).catch((error: { stdout?: string }) => {
    if (error.stdout) return { stdout: error.stdout };
    throw error;
  });
  return ended.stdout.trim();
};

describe('cfn-lint has nothing to say of the deployment', () => {
  for (const [how, settings] of Object.entries(SETTINGS)) {
    it(how, async () => {
      await ensureBuilt();
      const { folder } = synthesizeAssembly(settings);
      try {
        const templates = globSync(`${folder}/*.template.json`);
        assert.ok(templates.length >= 2);
        assert.equal(await lint(templates), '');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
