import { isIPv4 } from 'node:net';
import type { Node } from 'constructs';
import { RETENTION_DAYS, VAULT_CHOICES, type VaultChoice } from '../shared/config/cloud-environment.ts';

/** What may be chosen at deployment: `cdk deploy --all -c publicUrl=https://mail.example.com`, or `context` in cdk.json. */
export interface Settings {
  /** Begins the names of functions and secrets, so that two brokers fit into one account. */
  readonly name: string;
  /** Undefined: the address that API Gateway gives. */
  readonly publicUrl: string | undefined;
  /** Where refresh tokens rest, or from where to where they move just now (docs/vaults.md). */
  readonly vault: VaultChoice;
  /** The mailbox by which the operator tells where an organization has none that works; or `none` (docs/notifications.md). */
  readonly noticeMailbox: string;
  /** Whether webhooks may lead to addresses that are not of the public internet. */
  readonly privateWebhooks: 'allow' | 'refuse';
  /** For how many days mail that has ended is kept (docs/submissions.md). */
  readonly retentionDays: number;
  /** Undefined: none. */
  readonly smtpGateway: SmtpGatewaySettings | undefined;
}

/** The gateway in AWS, for devices that reach it over the internet (docs/gateway-install.md). */
export interface SmtpGatewaySettings {
  /** By which devices call it, and to which its certificate is made out. */
  readonly hostName: string;
  /** Networks that devices come from. */
  readonly allowFrom: readonly string[];
  /** ARN of the secret with the enrolment token. */
  readonly enrolmentTokenSecret: string;
}

/** The deployment cannot be made; the message says why and what to do. For people, so without a stack trace. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
}

/** The longest function name, `<name>-refresh-grants-worker`, must stay within Lambda's 64 characters. */
const NAME = /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/;

const nameOf = (given: unknown): string => {
  if (typeof given === 'string' && NAME.test(given)) return given;
  throw new DeploymentError('name must be 2 to 32 lower-case letters, digits and hyphens, such as token-broker.');
};

/** Providers send browsers back to it, and compare it letter by letter with what is registered there. */
const publicUrlOf = (given: unknown): string => {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === 'https:' && given === url.origin) return url.origin;
  throw new DeploymentError('publicUrl must be https://host without a path or a slash at the end.');
};

const vaultOf = (given: unknown): VaultChoice => {
  const vault = VAULT_CHOICES.find((known) => known === given);
  if (vault !== undefined) return vault;
  throw new DeploymentError(`vault must be ${VAULT_CHOICES.join(' or ')}.`);
};

const noticeMailboxOf = (given: unknown): string => {
  if (typeof given === 'string' && /^(none|mbx_[a-z0-9]{1,60})$/.test(given)) return given;
  throw new DeploymentError('noticeMailbox must be the id of a mailbox (mbx_…), as the console shows it, or none.');
};

const privateWebhooksOf = (given: unknown): 'allow' | 'refuse' => {
  if (given === 'allow' || given === 'refuse') return given;
  throw new DeploymentError('privateWebhooks must be allow or refuse.');
};

/** `-c` gives text; cdk.json may give a number. */
const retentionDaysOf = (given: unknown): number => {
  const { least, most } = RETENTION_DAYS;
  const days = /^\d{1,3}$/.test(String(given)) ? Number(given) : 0;
  if (days >= least && days <= most) return days;
  throw new DeploymentError(`retentionDays must be a whole number from ${least} to ${most}.`);
};

const GATEWAY_FIELDS = ['hostName', 'allowFrom', 'enrolmentTokenSecret'] as const;

const refuseGateway = (what: string): never => {
  throw new DeploymentError(`smtpGateway${what}`);
};

/** No longer than the gateway takes for its `name`. */
const HOST_NAME = /^(?=.{4,63}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

const hostNameOf = (given: unknown): string =>
  typeof given === 'string' && HOST_NAME.test(given)
    ? given
    : refuseGateway('.hostName must be a host name in lower case, such as scan.example.com.');

/** Shorter ones are no office's network; the whole internet least of all. */
const LEAST_PREFIX = 8;

const isNetwork = (given: unknown): given is string => {
  const [, address = '', prefix = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(String(given)) ?? [];
  return isIPv4(address) && Number(prefix) >= LEAST_PREFIX && Number(prefix) <= 32;
};

const allowFromOf = (given: unknown): readonly string[] =>
  Array.isArray(given) && given.length > 0 && given.every(isNetwork)
    ? given
    : refuseGateway(
        `.allowFrom must list the networks that devices come from, such as ["203.0.113.0/24"]: IPv4, each with a prefix from ${LEAST_PREFIX} to 32.`,
      );

/** With the six characters that Secrets Manager adds: so the right to read it names one secret and no pattern. */
const SECRET_ARN = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/;

const secretOf = (given: unknown): string =>
  typeof given === 'string' && SECRET_ARN.test(given)
    ? given
    : refuseGateway('.enrolmentTokenSecret must be the whole ARN of the secret that holds an enrolment token.');

/** `-c` gives text, cdk.json an object. */
const objectOf = (given: unknown): object => {
  let value = given;
  try {
    if (typeof given === 'string') value = JSON.parse(given);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  return refuseGateway(` must be off, or an object with ${GATEWAY_FIELDS.join(', ')}.`);
};

const smtpGatewayOf = (given: unknown): SmtpGatewaySettings | undefined => {
  if (given === 'off') return undefined;
  const object: { readonly [Field in (typeof GATEWAY_FIELDS)[number]]?: unknown } = objectOf(given);
  const unknown = Object.keys(object).find((field) => !(GATEWAY_FIELDS as readonly string[]).includes(field));
  if (unknown !== undefined) refuseGateway(` has no field "${unknown}"; it has ${GATEWAY_FIELDS.join(', ')}.`);
  return {
    hostName: hostNameOf(object.hostName),
    allowFrom: allowFromOf(object.allowFrom),
    enrolmentTokenSecret: secretOf(object.enrolmentTokenSecret),
  };
};

/** Throws `DeploymentError`. */
export const readSettings = (node: Node): Settings => {
  const given = (name: string): unknown => node.tryGetContext(name);
  return {
    name: nameOf(given('name') ?? 'token-broker'),
    publicUrl: given('publicUrl') === undefined ? undefined : publicUrlOf(given('publicUrl')),
    vault: vaultOf(given('vault') ?? 'secrets-manager'),
    retentionDays: retentionDaysOf(given('retentionDays') ?? RETENTION_DAYS.unlessSet),
    noticeMailbox: noticeMailboxOf(given('noticeMailbox') ?? 'none'),
    privateWebhooks: privateWebhooksOf(given('privateWebhooks') ?? 'refuse'),
    smtpGateway: smtpGatewayOf(given('smtpGateway') ?? 'off'),
  };
};
