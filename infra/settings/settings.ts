import { isIPv4 } from 'node:net';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Node } from 'constructs';
import { RETENTION_DAYS, VAULT_CHOICES } from '../../shared/config/cloud-environment.ts';
import { type Check, objectOf, oneOf, optional, textLike, unless, wholeNumber } from './checks.ts';
import { DeploymentError } from './deployment-error.ts';

/** Function names, `<name>-refresh-grants-worker` the longest, must stay within Lambda's 64 characters. */
const brokerName = textLike(
  (text) => /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/.test(text),
  '2 to 32 lower-case letters, digits and hyphens, such as token-broker',
);

/** Providers send browsers back to it, and compare it letter by letter with what is registered there. */
const publicUrl = textLike(
  (text) => URL.canParse(text) && new URL(text).protocol === 'https:' && new URL(text).origin === text,
  'off, or https://host without a path or a slash at the end',
);

/** No longer than a gateway takes for its `name`. */
const HOST_NAME = /^(?=.{4,63}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
const hostName = textLike((text) => HOST_NAME.test(text), 'a host name in lower case, such as mail.example.com');

const CERTIFICATE_ARN = /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[0-9a-f-]{36}$/;
const certificate = textLike(
  (text) => CERTIFICATE_ARN.test(text),
  'the ARN of a certificate for that name in AWS Certificate Manager, in the region of the deployment',
);

const hostedZone = textLike(
  (text) => /^Z[A-Z0-9]{5,32}$/.test(text),
  'the id of a public hosted zone in Route 53 (Z…)',
);

/** A host name of one's own, with its certificate; where its zone is in Route 53, the record is made too. */
const ownDomain = objectOf('off', { name: hostName, certificateArn: certificate, hostedZoneId: optional(hostedZone) });

/** The whole internet is no office's network. */
const LEAST_PREFIX = 8;

const isNetwork = (given: unknown): given is string => {
  const [, address = '', prefix = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(String(given)) ?? [];
  return isIPv4(address) && Number(prefix) >= LEAST_PREFIX && Number(prefix) <= 32;
};

/** Each is a rule for each of the gateway's three ports, and a security group takes 60 unless AWS is asked for more. */
const MOST_NETWORKS = 20;

const networks: Check<readonly string[]> = (given, name) => {
  if (Array.isArray(given) && given.length > MOST_NETWORKS) {
    throw new DeploymentError(
      `${name} may list ${MOST_NETWORKS} networks at most, not ${given.length}: join those that lie side by side.`,
    );
  }
  if (Array.isArray(given) && given.length > 0 && given.every(isNetwork)) return given;
  throw new DeploymentError(
    `${name} must list the networks that devices come from, such as ["203.0.113.0/24"]: IPv4, each with a prefix from ${LEAST_PREFIX} to 32.`,
  );
};

/** With the six characters that Secrets Manager adds: so the right to read it names one secret and no pattern. */
const SECRET_ARN = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/;

const smtpGateway = objectOf('off', {
  hostName,
  allowFrom: networks,
  enrolmentTokenSecret: textLike(
    (text) => SECRET_ARN.test(text),
    'the whole ARN of the secret that holds an enrolment token',
  ),
});

/** What CloudWatch Logs takes, but for "never". */
const LOG_DAYS = Object.values(RetentionDays).filter((days) => typeof days === 'number' && days < 9999) as number[];

const logRetention: Check<number> = (given, name) => {
  const days = LOG_DAYS.find((one) => String(one) === String(given));
  if (days !== undefined) return days;
  throw new DeploymentError(`${name} must be a number of days that CloudWatch Logs takes: ${LOG_DAYS.join(', ')}.`);
};

/** How a new version of the functions takes over: at once, or a part of the calls first, and back again on an alarm. */
const ROLLOUTS = [
  'all-at-once',
  'canary-10-percent-5-minutes',
  'canary-10-percent-30-minutes',
  'linear-10-percent-every-minute',
] as const;

export type Rollout = (typeof ROLLOUTS)[number];

/** What may be chosen at deployment, each with its check and what holds unless it is set (docs/aws.md). */
const SETTINGS = {
  /** Begins the names of functions and secrets, so that two brokers fit into one account. */
  name: [brokerName, 'token-broker'],
  /** The address, where something of one's own stands in front. Off: the domain, else what API Gateway gives. */
  publicUrl: [unless('off', publicUrl), 'off'],
  domain: [unless('off', ownDomain), 'off'],
  /** A second address, for devices alone, that also speaks TLS 1.0 and 1.1. */
  legacyTls: [unless('off', ownDomain), 'off'],
  /** Whether all that is said to providers comes from fixed addresses. */
  staticEgress: [oneOf('off', 'on'), 'off'],
  /** The gateway in AWS, for devices that reach it over the internet (docs/gateway-install.md). */
  smtpGateway: [unless('off', smtpGateway), 'off'],
  /** Where refresh tokens rest, or from where to where they move just now (docs/vaults.md). */
  vault: [oneOf(...VAULT_CHOICES), 'secrets-manager'],
  /** For how many days mail that has ended is kept (docs/submissions.md). */
  retentionDays: [wholeNumber(RETENTION_DAYS.least, RETENTION_DAYS.most), RETENTION_DAYS.unlessSet],
  /** The mailbox by which the operator tells where an organization has none that works; or `none` (docs/notifications.md). */
  noticeMailbox: [
    textLike(
      (text) => /^(none|mbx_[a-z0-9]{1,60})$/.test(text),
      'the id of a mailbox (mbx_…), as the console shows it, or none',
    ),
    'none',
  ],
  /** Whether webhooks may lead to addresses that are not of the public internet. */
  privateWebhooks: [oneOf('allow', 'refuse'), 'refuse'],
  /** Who is told of alarms. */
  notificationAddress: [
    unless(
      'none',
      textLike((text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text), 'an e-mail address, or none'),
    ),
    'none',
  ],
  logRetentionDays: [logRetention, RetentionDays.ONE_MONTH],
  /** Whether data, messages and secrets stay when their stack is deleted. `destroy` is for trials. */
  removalPolicy: [oneOf('retain', 'destroy'), 'retain'],
  rollout: [oneOf(...ROLLOUTS), 'all-at-once'],
  /** Refreshes at once, each in a function of its own with up to ten grants; `unreserved` where the account's limit is small. */
  refreshConcurrency: [unless('unreserved', wholeNumber(2, 1000, 'unreserved')), 60],
  /** Traces in X-Ray. */
  tracing: [oneOf('off', 'on'), 'off'],
} as const satisfies { readonly [name: string]: readonly [Check<unknown>, unknown] };

/** In cdk.context.json, where it stays, or for one command: `cdk deploy --all -c publicUrl=https://mail.example.com`. */
export type Settings = { readonly [Name in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[Name][0]> };

export type OwnDomain = NonNullable<Settings['domain']>;
export type SmtpGatewaySettings = NonNullable<Settings['smtpGateway']>;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly (keyof Settings)[];

/** Each setting is right by itself; these are about two at once. */
const checkTogether = ({ domain, legacyTls, publicUrl: own }: Settings): void => {
  if (domain !== undefined && domain.name === legacyTls?.name) {
    throw new DeploymentError(
      'domain and legacyTls need two names: API Gateway speaks either TLS 1.2 or TLS 1.0 at a name.',
    );
  }
  if (domain !== undefined && own !== undefined && own !== `https://${domain.name}`) {
    throw new DeploymentError(`publicUrl and domain contradict each other; leave publicUrl out for ${domain.name}.`);
  }
};

/** The CDK's own, which `cdk acknowledge` and `cdk cli-telemetry` write; the names of its others have `:` or `/` in them. */
const KNOWN_TO_CDK: readonly string[] = ['acknowledged-issue-numbers', 'cli-telemetry'];

/** A setting that is misspelt would otherwise be one that nobody has set. */
const refuseUnknown = (names: readonly string[]): void => {
  const isUnknown = (name: string): boolean =>
    !(name in SETTINGS) && !/[:/]/.test(name) && !KNOWN_TO_CDK.includes(name);
  const unknown = names.filter(isUnknown);
  if (unknown.length === 0) return;
  throw new DeploymentError(
    `There is no setting ${unknown.map((name) => `"${name}"`).join(', ')}; there are ${SETTING_NAMES.join(', ')}.`,
  );
};

/** Throws `DeploymentError`. */
export const readSettings = (node: Node): Settings => {
  refuseUnknown(Object.keys(node.getAllContext()));
  const values = Object.entries(SETTINGS).map(([name, [check, unlessSet]]) => [
    name,
    check(node.tryGetContext(name) ?? unlessSet, name),
  ]);
  const settings = Object.fromEntries(values) as Settings;
  checkTogether(settings);
  return settings;
};
