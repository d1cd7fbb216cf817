import type { Condition, Item, Key, Table, Value } from '../ports/table.ts';

/** `Table.getMany` takes this many keys at once. */
const GET_MANY_LIMIT = 100;

/** Whom a credential claims to belong to. */
export type Claimed = `device#${string}` | 'admin' | 'pairing';

/**
 * Entities are mapped to items here, once, above the storage port. The partition key begins with the entity type, so
 * that a role can be confined to some types (`dynamodb:LeadingKeys`).
 */
export const keys = {
  organizations: { pk: 'organizations' },
  organization: (id: string) => ({ pk: 'organizations', sk: id }),
  deviceOf: (organizationId: string, clientId: string) => ({
    pk: `organization#${organizationId}`,
    sk: `device#${clientId}`,
  }),
  mailboxOf: (organizationId: string, mailboxId: string) => ({
    pk: `organization#${organizationId}`,
    sk: `mailbox#${mailboxId}`,
  }),
  submissionOf: (organizationId: string, submissionId: string) => ({
    pk: `submissions#${organizationId}`,
    sk: submissionId,
  }),
  /** Without an organization: what concerns the broker as a whole. */
  audit: (organizationId: string | undefined, id: string) => ({ pk: `audit#${organizationId ?? 'broker'}`, sk: id }),
  device: (clientId: string) => ({ pk: `device#${clientId}`, sk: 'device' }),
  binding: (clientId: string, slot: string) => ({ pk: `device#${clientId}`, sk: `binding#${slot}` }),
  boundDevice: (mailboxId: string, clientId: string, slot: string) => ({
    pk: `mailbox#${mailboxId}`,
    sk: `bound#${clientId}#${slot}`,
  }),
  pairing: (deviceCodeHash: string) => ({ pk: `pairing#${deviceCodeHash}`, sk: 'pairing' }),
  userCode: (userCodeHash: string) => ({ pk: `user-code#${userCodeHash}`, sk: 'pairing' }),
  refreshTokenFamily: (id: string) => ({ pk: `refresh-token#${id}`, sk: 'family' }),
  attempts: (place: string, claimed: Claimed) => ({ pk: `attempts#${place}`, sk: claimed }),
  placeAttempts: (place: string) => ({ pk: `attempts#${place}`, sk: 'all' }),
  deviceAttempts: (clientId: string) => ({ pk: `attempts#${clientId}`, sk: 'everywhere' }),
  enrolmentTokenOf: (organizationId: string, id: string) => ({ pk: `enrolments#${organizationId}`, sk: id }),
  enrolmentToken: (tokenHash: string) => ({ pk: `enrolment#${tokenHash}`, sk: 'enrolment' }),
  mailbox: (mailboxId: string) => ({ pk: `mailbox#${mailboxId}`, sk: 'mailbox' }),
  grant: (mailboxId: string) => ({ pk: `mailbox#${mailboxId}`, sk: 'grant' }),
  use: (mailboxId: string) => ({ pk: `mailbox#${mailboxId}`, sk: 'use' }),
  lease: (mailboxId: string) => ({ pk: `mailbox#${mailboxId}`, sk: 'lease' }),
  accessToken: (mailboxId: string, audience: string) => ({ pk: `mailbox#${mailboxId}`, sk: `token#${audience}` }),
  openSignIn: (mailboxId: string) => ({ pk: `mailbox#${mailboxId}`, sk: 'sign-in' }),
  connectionTest: (mailboxId: string) => ({ pk: `mailbox#${mailboxId}`, sk: 'test' }),
  outbox: (mailboxId: string) => ({ pk: `outbox#${mailboxId}`, sk: 'outbox' }),
  pace: (mailboxId: string) => ({ pk: `outbox#${mailboxId}`, sk: 'pace' }),
  pendingSubmission: (mailboxId: string, submissionId: string) => ({
    pk: `outbox#${mailboxId}`,
    sk: `pending#${submissionId}`,
  }),
  /** What keeps a mailbox's mail at a gateway. */
  gatewayOutbox: (mailboxId: string, gatewayId: string) => ({ pk: `outbox#${mailboxId}`, sk: `gateway#${gatewayId}` }),
  served: (gatewayId: string, mailboxId: string) => ({ pk: `gateway#${gatewayId}`, sk: `serves#${mailboxId}` }),
  /** Without an organization: that of a broker on one machine, which is for all. */
  gatewayOf: (organizationId: string | undefined, gatewayId: string) => ({
    pk: `gateways#${organizationId ?? 'broker'}`,
    sk: gatewayId,
  }),
  signIn: (signInId: string) => ({ pk: `sign-in#${signInId}`, sk: 'sign-in' }),
  /** Of notices: without an organization those of the operator. */
  openNotice: (scope: string | undefined, kind: string, subject: string) => ({
    pk: `notices#${scope ?? 'broker'}`,
    sk: `open#${kind}#${subject}`,
  }),
  noticeEvent: (scope: string | undefined, id: string) => ({ pk: `notices#${scope ?? 'broker'}`, sk: `event#${id}` }),
  unmailedNotice: (scope: string | undefined, id: string) => ({ pk: `notices#${scope ?? 'broker'}`, sk: `mail#${id}` }),
  noticePost: (scope: string | undefined) => ({ pk: `notices#${scope ?? 'broker'}`, sk: 'post' }),
  notifications: (scope: string | undefined) => ({ pk: `notifications#${scope ?? 'broker'}`, sk: 'settings' }),
  reconnectLink: (tokenHash: string) => ({ pk: `reconnect#${tokenHash}`, sk: 'link' }),
  submission: (submissionId: string) => ({ pk: `submission#${submissionId}`, sk: 'submission' }),
  submissionContent: (submissionId: string) => ({ pk: `submission#${submissionId}`, sk: 'content' }),
  upload: (uploadId: string) => ({ pk: `upload#${uploadId}`, sk: 'upload' }),
  idempotency: (clientId: string, keyHash: string) => ({ pk: `idempotency#${clientId}`, sk: keyHash }),
  coolDown: (registration: string) => ({ pk: `provider#${registration}`, sk: 'cool-down' }),
  appRegistration: (provider: string) => ({ pk: `provider#${provider}`, sk: 'app-registration' }),
  /** Those of organizations: together, so that they are found by who does not know the configuration. */
  ownRegistrations: { pk: 'own-registrations' },
  ownRegistrationOf: (organizationId: string, provider: string) => ({
    pk: 'own-registrations',
    sk: `${organizationId}#${provider}`,
  }),
  adminKeys: { pk: 'admin-keys' },
  adminKeyOf: (id: string) => ({ pk: 'admin-keys', sk: id }),
  adminKey: (keyHash: string) => ({ pk: `admin-key#${keyHash}`, sk: 'admin-key' }),
  session: (tokenHash: string) => ({ pk: `session#${tokenHash}`, sk: 'session' }),
} as const;

/** Everything of a partition, page after page. For partitions that a person made, and so are small. */
export const queryAll = async (table: Table, pk: string, prefix = ''): Promise<readonly Item[]> => {
  const items: Item[] = [];
  let after: string | undefined;
  do {
    const page = await table.query(pk, { prefix, ...(after === undefined ? {} : { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
};

type Storable = string | number | boolean | undefined | readonly Storable[] | { readonly [name: string]: Storable };

/** An entity as attributes: what is `undefined` is absent in the item. */
export const attributes = (entity: object): { readonly [attribute: string]: Value } => {
  const clean = (value: Storable): Value => {
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value === 'object') return attributes(value);
    return value as Value;
  };
  return Object.fromEntries(
    Object.entries(entity)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, clean(value)]),
  );
};

/** An item read back as the entity that was stored. Only this folder writes items, so their shape is its own promise. */
export const entity = <Entity>(item: Item): Entity => {
  const { pk: _pk, sk: _sk, dueShard: _dueShard, dueAt: _dueAt, ...rest } = item;
  return rest as unknown as Entity;
};

/** The items of a list of keys, any number of them, without those that are gone. */
export const getAll = async (table: Table, wanted: readonly Key[]): Promise<readonly Item[]> => {
  const found: Item[] = [];
  for (let from = 0; from < wanted.length; from += GET_MANY_LIMIT) {
    const items = await table.getMany(wanted.slice(from, from + GET_MANY_LIMIT));
    found.push(...items.filter((item) => item !== undefined));
  }
  return found;
};

/** For who replaces what was read at this revision; 0: there was nothing yet. */
export const whenRevision = (revision: number): Condition =>
  revision === 0 ? { absent: true } : { equals: { revision } };
