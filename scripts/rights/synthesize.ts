/** The deployment as `cdk synth` makes it, for whoever looks at its templates: the page on rights, tests, benches. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { brokerStacks } from '../../infra/broker-stacks.ts';
import { FUNCTIONS } from '../build.ts';

/** The context that `cdk` itself would hand to the app: the pinned feature flags. */
export const CONTEXT: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'),
).context;

export type Stacks = ReturnType<typeof brokerStacks>;
export type SettingsGiven = Readonly<Record<string, unknown>>;

const PLACE = 'us-east-1:111122223333';
const certificateArn = `arn:aws:acm:${PLACE}:certificate/01234567-89ab-cdef-0123-456789abcdef`;
const hostedZoneId = 'Z0123456789ABC';

/** Every setting that brings resources, roles or rights of its own, at once. A test finds one that is left out. */
export const EVERYTHING = {
  domain: { name: 'mail.example.com', certificateArn, hostedZoneId },
  legacyTls: { name: 'devices.example.com', certificateArn, hostedZoneId },
  staticEgress: 'on',
  smtpGateway: {
    hostName: 'scan.example.com',
    allowFrom: ['203.0.113.0/24'],
    enrolmentTokenSecret: `arn:aws:secretsmanager:${PLACE}:secret:enrolment-token-AbC123`,
  },
  notificationAddress: 'operator@example.com',
  rollout: 'canary-10-percent-5-minutes',
  tracing: 'on',
} as const satisfies SettingsGiven;

let scratch: string | undefined;

const scratchFolder = (): string => {
  if (scratch !== undefined) return scratch;
  const folder = mkdtempSync(join(tmpdir(), 'deployment-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Stand-ins for the bundles, so that what is deployed can be looked at before it is built.
  for (const name of FUNCTIONS) {
    mkdirSync(join(folder, 'bundles', name), { recursive: true });
    writeFileSync(join(folder, 'bundles', name, 'index.mjs'), 'export const handler = async () => undefined;\n');
  }
  scratch = folder;
  return folder;
};

/** With stand-ins for the functions' code unless `bundles` says where it is; `outdir` goes when the process ends. */
export const brokerApp = (settings: SettingsGiven, bundles = join(scratchFolder(), 'bundles')) => {
  const outdir = mkdtempSync(join(scratchFolder(), 'out-'));
  const app = new App({ context: { ...CONTEXT, ...settings }, analyticsReporting: false, outdir });
  return { app, outdir, stacks: brokerStacks(app, bundles) };
};

/** Every template of the deployment with these settings, by the name of its stack, after what `change` does to the stacks. */
export const synthesizeTemplates = (
  settings: SettingsGiven = {},
  change: (stacks: Stacks) => void = () => undefined,
): { readonly stacks: Stacks; readonly templates: ReadonlyMap<string, Template>; readonly outdir: string } => {
  const { app, stacks, outdir } = brokerApp(settings);
  change(stacks);
  const all = app.node.children.filter((child): child is Stack => 'stackName' in child);
  return { stacks, templates: new Map(all.map((stack) => [stack.stackName, Template.fromStack(stack)])), outdir };
};
