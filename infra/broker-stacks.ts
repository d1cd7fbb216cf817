import type { App } from 'aws-cdk-lib';
import { readSettings } from './settings.ts';
import { StatefulStack } from './stateful-stack.ts';
import { StatelessStack } from './stateless-stack.ts';

/** Both stacks as the app's context asks for them. `bundles`: the folder with `<function>/index.mjs`. */
export const brokerStacks = (app: App, bundles: string): { stateful: StatefulStack; stateless: StatelessStack } => {
  const settings = readSettings(app.node);
  const stateful = new StatefulStack(app, `${settings.name}-data`, settings);
  const stateless = new StatelessStack(app, settings.name, { settings, stateful, bundles });
  return { stateful, stateless };
};
