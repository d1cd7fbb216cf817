/** The deployment: what must survive in one stack, what can be made anew in the other. `npx cdk deploy --all`. */
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { brokerStacks } from './broker-stacks.ts';
import { addRulePacks } from './rule-packs/rule-packs.ts';
import { DeploymentError } from './settings/deployment-error.ts';

const BUNDLES = fileURLToPath(new URL('../dist/functions', import.meta.url));

try {
  const app = new App();
  brokerStacks(app, BUNDLES);
  addRulePacks(app);
  app.synth();
} catch (error) {
  if (!(error instanceof DeploymentError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
