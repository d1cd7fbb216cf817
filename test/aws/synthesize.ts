import { fileURLToPath } from 'node:url';
import { brokerApp, type SettingsGiven } from '../../scripts/rights/synthesize.ts';

const BUNDLES = fileURLToPath(new URL('../../dist/functions', import.meta.url));

/** A whole cloud assembly with the built bundles, as `npx cdk synth` writes it, in a folder of its own. */
export const synthesizeAssembly = (settings: SettingsGiven = {}) => {
  const { app, outdir } = brokerApp(settings, BUNDLES);
  return { folder: outdir, stacks: app.synth().stacks };
};
