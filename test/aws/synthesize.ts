import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { brokerStacks } from '../../infra/broker-stacks.ts';

/** The context that `cdk` itself would hand to the app: the pinned feature flags. */
const CONTEXT = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')).context;

const BUNDLES = fileURLToPath(new URL('../../dist/functions', import.meta.url));

/** A whole cloud assembly with the built bundles, as `npx cdk synth` writes it, in a folder of its own. */
export const synthesizeAssembly = (settings: Readonly<Record<string, unknown>> = {}) => {
  const outdir = mkdtempSync(join(tmpdir(), 'token-broker-synth-'));
  const app = new App({ context: { ...CONTEXT, ...settings }, analyticsReporting: false, outdir });
  brokerStacks(app, BUNDLES);
  return { folder: outdir, stacks: app.synth().stacks };
};
