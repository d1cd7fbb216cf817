import { type App, CfnOutput, Stack } from 'aws-cdk-lib';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { addHttpFront } from './front/http-front.ts';
import { addLegacyFront } from './front/legacy-front.ts';
import { addRoutes } from './front/routes.ts';
import { BrokerFunctions } from './functions/broker-functions.ts';
import { addRollout } from './functions/rollout.ts';
import { addTriggers } from './functions/triggers.ts';
import type { Egress } from './network/egress-stack.ts';
import { addObservability } from './observability/observability.ts';
import type { Settings } from './settings/settings.ts';
import type { StatefulStack } from './stateful-stack.ts';

export interface StatelessStackProps {
  readonly settings: Settings;
  readonly stateful: StatefulStack;
  /** From where providers are called; `undefined`: from wherever. */
  readonly egress: Egress | undefined;
  /** The folder with `<function>/index.mjs`. */
  readonly bundles: string;
}

/** Functions, their address and what sets them going: can be deleted and made anew at any time. */
export class StatelessStack extends Stack {
  readonly publicUrl: string;
  readonly functions: BrokerFunctions;
  /** Who is told of alarms, if anybody is. */
  readonly alarmTopic: ITopic | undefined;

  constructor(app: App, id: string, { settings, stateful, egress, bundles }: StatelessStackProps) {
    super(app, id, { description: 'MFP Token Broker: functions, HTTP API, schedules' });
    // The functions need to know the address, and the address leads to the functions. That is no circle: the API itself
    // is made first and names no function; its routes and integrations are resources of their own, made after both.
    const { api, url } = addHttpFront(this, settings);
    this.publicUrl = settings.publicUrl ?? url;
    const functions = new BrokerFunctions(this, { settings, stateful, egress, bundles, publicUrl: this.publicUrl });
    this.functions = functions;
    addTriggers(this, functions, { stateful, settings });
    addRoutes(api, functions);
    const { legacyTls: domain, rollout } = settings;
    const legacyApi = domain && addLegacyFront(this, { domain, settings, functions });
    addRollout(this, { rollout, functions, api, legacyApi });
    const { byName } = functions;
    const watched = { settings, stateful, functions: byName, api, legacyApi, publicUrl: this.publicUrl };
    this.alarmTopic = addObservability(this, watched);
    this.outputs();
  }

  private outputs(): void {
    const output = (id: string, value: string, description: string) => new CfnOutput(this, id, { value, description });
    output('PublicUrl', this.publicUrl, 'The address that devices and gateways are given');
    output('ConsoleUrl', `${this.publicUrl}/`, 'The console, in a browser');
    for (const provider of ['Microsoft', 'Google']) {
      const value = `${this.publicUrl}/oauth/callback/${provider.toLowerCase()}`;
      output(`RedirectUri${provider}`, value, `Enter as redirect URI in the app registration at ${provider}`);
    }
  }
}
