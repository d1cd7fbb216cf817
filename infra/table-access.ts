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
  'submission#*',
  'submissions#*',
  'idempotency#*',
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
 * Grants and their access tokens, leases and use, and mail held for them, all in the mailbox's partition; and what is known
 * of a provider and of the registrations there.
 */
const REFRESHING: TableAccess = {
  GetItem: ['mailbox#*', 'provider#*', 'own-registrations'],
  BatchGetItem: ['mailbox#*', 'provider#*'],
  PutItem: ['mailbox#*', 'audit#*', 'provider#*', 'own-registrations'],
  UpdateItem: ['mailbox#*'],
};

export const TABLE_ACCESS = {
  'fetch-token': {
    GetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*', 'pairing#*', 'refresh-token#*'],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*'],
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
      'submission#*',
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
      'submission#*',
      'audit#*',
      'provider#*',
      'own-registrations',
      'organization#*',
      'device#*',
      'attempts#*',
      'pairing#*',
      'user-code#*',
    ],
    DeleteItem: ['mailbox#*', 'attempts#*', 'refresh-token#*', 'device#*'],
    BatchGetItem: ['mailbox#*', 'provider#*', 'attempts#*'],
    UpdateItem: ['mailbox#*', 'attempts#*', 'pairing#*'],
    ConditionCheckItem: ['mailbox#*'],
  },
  'refresh-grants/sweep': {
    GetItem: ['submission#*', 'provider#*'],
    PutItem: ['submission#*'],
    DeleteItem: ['mailbox#*'],
  },
  'refresh-grants/worker': {
    ...REFRESHING,
    GetItem: ['organizations', 'mailbox#*', 'provider#*', 'own-registrations', 'device#*'],
    // A registration that is no longer configured.
    DeleteItem: ['provider#*', 'own-registrations', 'device#*', 'mailbox#*'],
    Query: ['mailbox#*', 'own-registrations'],
    UpdateItem: ['mailbox#*', 'device#*'],
    ConditionCheckItem: ['mailbox#*'],
  },
  'relay-mail/accept': {
    GetItem: ['organizations', 'device#*', 'submission#*', 'idempotency#*', 'attempts#*'],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*'],
    PutItem: ['submission#*', 'submissions#*', 'idempotency#*', 'attempts#*'],
    // Of a device's partition the note that a binding was used.
    UpdateItem: ['device#*', 'attempts#*'],
    DeleteItem: ['attempts#*'],
  },
  'relay-mail/send': {
    GetItem: ['mailbox#*', 'submission#*'],
    BatchGetItem: ['mailbox#*'],
    PutItem: ['mailbox#*', 'submission#*', 'audit#*'],
    DeleteItem: ['mailbox#*'],
  },
  admin: {
    GetItem: ['organizations', 'device#*', 'mailbox#*', 'sign-in#*', 'admin-key#*', 'session#*', 'attempts#*'],
    BatchGetItem: ['device#*', 'enrolment#*', 'mailbox#*', 'submission#*', 'admin-key#*', 'provider#*', 'attempts#*'],
    Query: [
      'organizations',
      'organization#*',
      'enrolments#*',
      'device#*',
      'mailbox#*',
      'submissions#*',
      'audit#*',
      'admin-keys',
      'own-registrations',
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
    ],
    // Of a mailbox the lease, under which it is signed out.
    UpdateItem: ['organizations', 'device#*', 'enrolment#*', 'mailbox#*', 'admin-key#*', 'attempts#*'],
    ConditionCheckItem: ['mailbox#*'],
    DeleteItem: ['organizations', 'organization#*', 'device#*', 'mailbox#*', 'session#*', 'attempts#*'],
  },
} as const satisfies Record<string, TableAccess>;

export type FunctionName = keyof typeof TABLE_ACCESS;
