import type { App } from 'aws-cdk-lib';
import { GatewayStack } from './gateway/gateway-stack.ts';
import { EgressStack } from './network/egress-stack.ts';
import { readSettings } from './settings/settings.ts';
import { StatefulStack } from './stateful-stack.ts';
import { StatelessStack } from './stateless-stack.ts';

export interface BrokerStacks {
  readonly stateful: StatefulStack;
  /** Where calls to providers come from fixed addresses. */
  readonly egress: EgressStack | undefined;
  readonly stateless: StatelessStack;
}

/** The stacks as the app's context asks for them. `bundles`: the folder with `<function>/index.mjs`. */
export const brokerStacks = (app: App, bundles: string): BrokerStacks => {
  const settings = readSettings(app.node);
  const { name, smtpGateway } = settings;
  const stateful = new StatefulStack(app, `${name}-data`, settings);
  const egress = settings.staticEgress === 'on' ? new EgressStack(app, `${name}-egress`, settings) : undefined;
  const stateless = new StatelessStack(app, name, { settings, stateful, egress, bundles });
  if (smtpGateway !== undefined) {
    const { logRetentionDays, removalPolicy } = settings;
    const { publicUrl: brokerUrl, alarmTopic: topic } = stateless;
    const given = { brokerUrl, alarms: { broker: name, topic }, logRetentionDays, removalPolicy };
    new GatewayStack(app, `${name}-smtp-gateway`, { settings: smtpGateway, ...given });
  }
  return { stateful, egress, stateless };
};
