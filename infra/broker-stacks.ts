import type { App } from 'aws-cdk-lib';
import { GatewayStack } from './gateway-service.ts';
import { readSettings } from './settings.ts';
import { StatefulStack } from './stateful-stack.ts';
import { StatelessStack } from './stateless-stack.ts';

/** The stacks as the app's context asks for them. `bundles`: the folder with `<function>/index.mjs`. */
export const brokerStacks = (app: App, bundles: string): { stateful: StatefulStack; stateless: StatelessStack } => {
  const settings = readSettings(app.node);
  const stateful = new StatefulStack(app, `${settings.name}-data`, settings);
  const stateless = new StatelessStack(app, settings.name, { settings, stateful, bundles });
  const { name, smtpGateway } = settings;
  if (smtpGateway !== undefined) {
    new GatewayStack(app, `${name}-smtp-gateway`, { settings: smtpGateway, brokerUrl: stateless.publicUrl });
  }
  return { stateful, stateless };
};
