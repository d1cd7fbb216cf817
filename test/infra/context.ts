import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FUNCTIONS } from '../../scripts/build.ts';

/** The context that `cdk` itself would hand to the app: the pinned feature flags. */
export const CONTEXT: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'),
).context;

const certificateArn = 'arn:aws:acm:eu-central-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef';

/** Every option on. */
export const EVERYTHING = {
  domain: { name: 'mail.example.com', certificateArn, hostedZoneId: 'Z0123456789ABC' },
  legacyTls: { name: 'devices.example.com', certificateArn, hostedZoneId: 'Z0123456789ABC' },
  staticEgress: 'on',
  smtpGateway: {
    hostName: 'scan.example.com',
    allowFrom: ['203.0.113.0/24'],
    enrolmentTokenSecret: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:gateway-token-AbC123',
  },
  notificationAddress: 'it@example.com',
  rollout: 'canary-10-percent-5-minutes',
  tracing: 'on',
} as const;

let folder: string | undefined;

/** Stand-ins for the bundles, so that what is deployed can be looked at before it is built. */
export const standInBundles = (): string => {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(join(tmpdir(), 'bundles-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  for (const name of FUNCTIONS) {
    mkdirSync(join(made, name), { recursive: true });
    writeFileSync(join(made, name, 'index.mjs'), 'export const handler = async () => undefined;\n');
  }
  folder = made;
  return made;
};
