import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { brokerStacks } from '../../../infra/broker-stacks.ts';
import { FUNCTIONS } from '../../../scripts/build.ts';

/** What `cdk` itself would hand to the app: the pinned feature flags, and the settings. */
export const CONTEXT: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(new URL('../../../cdk.json', import.meta.url), 'utf8'),
).context;

const REGION = 'us-east-1';
const certificateArn = `arn:aws:acm:${REGION}:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef`;

/** Every option of docs/aws.md that adds something. */
export const EVERYTHING: Readonly<Record<string, unknown>> = {
  domain: { name: 'mail.example.com', certificateArn, hostedZoneId: 'Z0123456789ABC' },
  legacyTls: { name: 'devices.example.com', certificateArn, hostedZoneId: 'Z0123456789ABC' },
  staticEgress: 'on',
  smtpGateway: {
    hostName: 'scan.example.com',
    allowFrom: ['203.0.113.0/24'],
    enrolmentTokenSecret: `arn:aws:secretsmanager:${REGION}:111122223333:secret:gateway-token-AbC123`,
  },
  notificationAddress: 'it@example.com',
  rollout: 'canary-10-percent-5-minutes',
  tracing: 'on',
};

export interface Resource {
  readonly Type: string;
  readonly Properties?: { readonly [name: string]: unknown };
}

export interface StackTemplate {
  readonly stack: string;
  /** Of the file that is sent to CloudFormation. */
  readonly bytes: number;
  readonly resources: readonly Resource[];
}

/** The templates of the deployment with these settings, as they are written for CloudFormation. */
export const templatesOf = (settings: Readonly<Record<string, unknown>> = {}): readonly StackTemplate[] => {
  const folder = mkdtempSync(join(tmpdir(), 'token-broker-templates-'));
  try {
    const bundles = join(folder, 'bundles');
    for (const name of FUNCTIONS) {
      // Their contents are no part of a template.
      mkdirSync(join(bundles, name), { recursive: true });
      writeFileSync(join(bundles, name, 'index.mjs'), 'export const handler = async () => undefined;\n');
    }
    const context = { ...CONTEXT, ...settings };
    const app = new App({ context, analyticsReporting: false, outdir: join(folder, 'out') });
    brokerStacks(app, bundles);
    return app.synth().stacks.map(({ stackName, templateFullPath, template }) => ({
      stack: stackName,
      bytes: statSync(templateFullPath).size,
      resources: Object.values((template as { Resources: Readonly<Record<string, Resource>> }).Resources),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
