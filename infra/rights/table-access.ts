/**
 * What each function does with the table, and in which partitions: a partition key begins with the entity's type
 * (shared/records/items.ts), so a role can be held to some types. The envelope vault's partitions are not in here.
 */
export type TableAction =
  | 'GetItem'
  | 'BatchGetItem'
  | 'Query'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'ConditionCheckItem';

export type TableAccess = { readonly [Action in TableAction]?: readonly Partition[] };

export type Partition = (typeof PARTITIONS)[number];

export const PARTITIONS = [
  'organizations',
  'organization#*',
  'device#*',
  'attempts#*',
  'pairing#*',
  'user-code#*',
  'refresh-token#*',
  'enrolment#*',
  'enrolments#*',
  'mailbox#*',
  'sign-in#*',
  'outbox#*',
  'gateway#*',
  'gateways#*',
  'submission#*',
  'submissions#*',
  'upload#*',
  'idempotency#*',
  'notices#*',
  'notifications#*',
  'reconnect#*',
  'audit#*',
  'admin-keys',
  'admin-key#*',
  'session#*',
  'provider#*',
  'own-registrations',
] as const;

/** Where the envelope vault keeps sealed refresh tokens. */
export const VAULT_PARTITIONS = ['vault#*'] as const;

/**
 * Grants and their access tokens, leases and use, all in the mailbox's partition; and what is known of a provider and of the
 * registrations there; and what people are told of them.
 */
const REFRESHING: TableAccess = {
  GetItem: ['mailbox#*', 'provider#*', 'own-registrations', 'notices#*'],
  BatchGetItem: ['mailbox#*', 'provider#*'],
  PutItem: ['mailbox#*', 'audit#*', 'provider#*', 'own-registrations', 'notices#*'],
  UpdateItem: ['mailbox#*'],
};

export const TABLE_ACCESS = {
  'fetch-token': {
    GetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*', 'pairing#*', 'refresh-token#*'],
    // Of an outbox, whether a device's mail is held.
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*', 'outbox#*', 'attempts#*'],
    Query: ['device#*'],
    UpdateItem: ['device#*', 'mailbox#*', 'attempts#*', 'pairing#*', 'refresh-token#*'],
    PutItem: ['attempts#*', 'refresh-token#*'],
    DeleteItem: ['attempts#*', 'refresh-token#*'],
  },
  'register-device': {
    GetItem: ['organizations', 'device#*', 'enrolment#*', 'attempts#*'],
    Query: ['device#*'],
    PutItem: ['organization#*', 'device#*', 'audit#*', 'attempts#*'],
    UpdateItem: ['device#*', 'enrolment#*', 'attempts#*'],
    // Of a mailbox only the note that the device is bound to it.
    DeleteItem: ['organization#*', 'device#*', 'mailbox#*'],
    BatchGetItem: ['attempts#*'],
  },
  'sign-in': {
    ...REFRESHING,
    GetItem: [
      'organizations',
      'mailbox#*',
      'sign-in#*',
      'outbox#*',
      'notices#*',
      'reconnect#*',
      'provider#*',
      'own-registrations',
      'device#*',
      'attempts#*',
      'pairing#*',
      'user-code#*',
      'refresh-token#*',
    ],
    Query: ['mailbox#*', 'organization#*'],
    PutItem: [
      'mailbox#*',
      'sign-in#*',
      'outbox#*',
      'notices#*',
      'audit#*',
      'provider#*',
      'own-registrations',
      'organization#*',
      'device#*',
      'attempts#*',
      'pairing#*',
      'user-code#*',
    ],
    DeleteItem: ['mailbox#*', 'attempts#*', 'refresh-token#*', 'device#*', 'notices#*'],
    BatchGetItem: ['mailbox#*', 'provider#*', 'attempts#*'],
    UpdateItem: ['mailbox#*', 'attempts#*', 'pairing#*'],
    ConditionCheckItem: ['mailbox#*'],
  },
  'refresh-grants/sweep': {
    GetItem: ['submission#*', 'provider#*'],
    // Submissions of an earlier version move to their outboxes, and leave a note of that in their mailboxes' partitions.
    // And what has been kept for long enough is forgotten.
    PutItem: ['submission#*', 'outbox#*'],
    UpdateItem: ['outbox#*'],
    DeleteItem: ['mailbox#*', 'submission#*', 'submissions#*', 'outbox#*'],
  },
  'refresh-grants/worker': {
    ...REFRESHING,
    GetItem: ['organizations', 'mailbox#*', 'provider#*', 'own-registrations', 'device#*', 'notices#*'],
    // A registration that is no longer configured; a notice that is over.
    DeleteItem: ['provider#*', 'own-registrations', 'device#*', 'mailbox#*', 'notices#*'],
    Query: ['mailbox#*', 'own-registrations'],
    UpdateItem: ['mailbox#*', 'device#*'],
    ConditionCheckItem: ['mailbox#*'],
  },
  'relay-mail/accept': {
    GetItem: ['organizations', 'device#*', 'submission#*', 'outbox#*', 'upload#*', 'idempotency#*', 'attempts#*'],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*'],
    PutItem: ['submission#*', 'submissions#*', 'outbox#*', 'upload#*', 'idempotency#*', 'attempts#*'],
    // Of a device's partition the note that a binding was used.
    UpdateItem: ['device#*', 'outbox#*', 'attempts#*'],
    DeleteItem: ['upload#*', 'attempts#*'],
  },
  'relay-mail/gateway': {
    GetItem: [
      'organizations',
      'device#*',
      'mailbox#*',
      'outbox#*',
      'gateway#*',
      'submission#*',
      'upload#*',
      'idempotency#*',
      'attempts#*',
      'notices#*',
    ],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*'],
    // What keeps a mailbox's mail at other gateways.
    Query: ['outbox#*'],
    PutItem: [
      'outbox#*',
      'gateway#*',
      'gateways#*',
      'submission#*',
      'submissions#*',
      'idempotency#*',
      'attempts#*',
      'audit#*',
      'notices#*',
    ],
    // Of a device the note that a binding was used; of a mailbox, that an audience was.
    UpdateItem: ['device#*', 'mailbox#*', 'outbox#*', 'attempts#*'],
    DeleteItem: ['outbox#*', 'upload#*', 'attempts#*', 'notices#*'],
  },
  'relay-mail/send': {
    GetItem: ['mailbox#*', 'submission#*', 'outbox#*', 'notices#*'],
    BatchGetItem: ['mailbox#*'],
    Query: ['outbox#*'],
    PutItem: ['submission#*', 'outbox#*', 'audit#*', 'notices#*'],
    DeleteItem: ['outbox#*', 'notices#*'],
  },
  /** Of a mailbox's outbox it takes its part in the pace. */
  'relay-mail/test': {
    GetItem: ['mailbox#*', 'outbox#*'],
    BatchGetItem: ['mailbox#*'],
    PutItem: ['outbox#*'],
  },
  /** What it sends by mail, it puts into an outbox, as the relay does with what devices hand in. */
  notify: {
    GetItem: [
      'organizations',
      'device#*',
      'mailbox#*',
      'outbox#*',
      'submission#*',
      'provider#*',
      'own-registrations',
      'notices#*',
      'notifications#*',
    ],
    BatchGetItem: ['mailbox#*', 'notices#*'],
    // Of an outbox what gateways have told.
    Query: ['organization#*', 'notices#*', 'outbox#*'],
    PutItem: ['notices#*', 'notifications#*', 'reconnect#*', 'submission#*', 'submissions#*', 'outbox#*', 'audit#*'],
    UpdateItem: ['notices#*', 'outbox#*'],
    DeleteItem: ['notices#*'],
  },
  admin: {
    GetItem: [
      'organizations',
      'device#*',
      'mailbox#*',
      'outbox#*',
      'submission#*',
      'sign-in#*',
      'admin-key#*',
      'session#*',
      'attempts#*',
      'notices#*',
      'notifications#*',
    ],
    BatchGetItem: [
      'device#*',
      'enrolment#*',
      'mailbox#*',
      'submission#*',
      'outbox#*',
      'admin-key#*',
      'provider#*',
      'attempts#*',
      'notices#*',
    ],
    Query: [
      'organizations',
      'organization#*',
      'enrolments#*',
      'device#*',
      'mailbox#*',
      'submissions#*',
      'gateways#*',
      'audit#*',
      'admin-keys',
      'own-registrations',
      'notices#*',
    ],
    PutItem: [
      'organizations',
      'organization#*',
      'device#*',
      'enrolment#*',
      'enrolments#*',
      'mailbox#*',
      'sign-in#*',
      'audit#*',
      'admin-keys',
      'admin-key#*',
      'session#*',
      'attempts#*',
      'notices#*',
      'notifications#*',
      // Another way of sending is tried at once, and so is what is sent again.
      'outbox#*',
      'submission#*',
      'submissions#*',
    ],
    // Of a mailbox the lease, under which it is signed out, and its way of sending.
    UpdateItem: ['organizations', 'device#*', 'enrolment#*', 'mailbox#*', 'outbox#*', 'admin-key#*', 'attempts#*'],
    ConditionCheckItem: ['mailbox#*'],
    DeleteItem: [
      'organizations',
      'organization#*',
      'device#*',
      'mailbox#*',
      'submission#*',
      'submissions#*',
      'outbox#*',
      'session#*',
      'attempts#*',
      'notices#*',
      'notifications#*',
    ],
  },
} as const satisfies Record<string, TableAccess>;

export type FunctionName = keyof typeof TABLE_ACCESS;

/** As in ids of constructs and names of functions. */
export const hyphened = (name: FunctionName): string => name.replace('/', '-');
