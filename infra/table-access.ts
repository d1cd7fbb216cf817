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
  'enrolment#*',
  'enrolments#*',
  'mailbox#*',
  'sign-in#*',
  'submission#*',
  'submissions#*',
  'idempotency#*',
  'audit#*',
  'session#*',
  'provider#*',
] as const;

/** Where the envelope vault keeps sealed refresh tokens. */
export const VAULT_PARTITIONS = ['vault#*'] as const;

/**
 * Grants and their access tokens, leases and use, and mail held for them, all in the mailbox's partition; and what is known
 * of a provider and of the broker's registration there.
 */
const REFRESHING: TableAccess = {
  GetItem: ['mailbox#*', 'provider#*'],
  BatchGetItem: ['mailbox#*', 'provider#*'],
  PutItem: ['mailbox#*', 'audit#*', 'provider#*'],
  UpdateItem: ['mailbox#*'],
};

export const TABLE_ACCESS = {
  'fetch-token': {
    GetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*'],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*'],
    Query: ['device#*'],
    UpdateItem: ['device#*', 'mailbox#*', 'attempts#*'],
    PutItem: ['attempts#*'],
    DeleteItem: ['attempts#*'],
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
    GetItem: ['organizations', 'mailbox#*', 'sign-in#*', 'submission#*', 'provider#*'],
    Query: ['mailbox#*'],
    PutItem: ['mailbox#*', 'sign-in#*', 'submission#*', 'audit#*', 'provider#*'],
    DeleteItem: ['mailbox#*'],
  },
  'refresh-grants/sweep': {
    GetItem: ['submission#*', 'provider#*'],
    PutItem: ['submission#*'],
    DeleteItem: ['mailbox#*'],
  },
  'refresh-grants/worker': {
    ...REFRESHING,
    GetItem: ['organizations', 'mailbox#*', 'provider#*'],
    // A registration that is no longer configured.
    DeleteItem: ['provider#*'],
  },
  'relay-mail/accept': {
    GetItem: ['organizations', 'device#*', 'submission#*', 'idempotency#*', 'attempts#*'],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*', 'attempts#*'],
    PutItem: ['submission#*', 'submissions#*', 'idempotency#*', 'attempts#*'],
    UpdateItem: ['attempts#*'],
    DeleteItem: ['attempts#*'],
  },
  'relay-mail/send': {
    GetItem: ['mailbox#*', 'submission#*'],
    BatchGetItem: ['mailbox#*'],
    PutItem: ['mailbox#*', 'submission#*', 'audit#*'],
    DeleteItem: ['mailbox#*'],
  },
  admin: {
    GetItem: ['organizations', 'device#*', 'mailbox#*', 'sign-in#*', 'session#*', 'attempts#*'],
    BatchGetItem: ['device#*', 'enrolment#*', 'mailbox#*', 'submission#*', 'provider#*', 'attempts#*'],
    Query: ['organizations', 'organization#*', 'enrolments#*', 'device#*', 'mailbox#*', 'submissions#*', 'audit#*'],
    PutItem: [
      'organizations',
      'organization#*',
      'device#*',
      'enrolment#*',
      'enrolments#*',
      'mailbox#*',
      'sign-in#*',
      'audit#*',
      'session#*',
      'attempts#*',
    ],
    // Of a mailbox the lease, under which it is signed out.
    UpdateItem: ['organizations', 'device#*', 'enrolment#*', 'mailbox#*', 'attempts#*'],
    ConditionCheckItem: ['mailbox#*'],
    DeleteItem: ['organizations', 'organization#*', 'device#*', 'mailbox#*', 'session#*', 'attempts#*'],
  },
} as const satisfies Record<string, TableAccess>;

export type FunctionName = keyof typeof TABLE_ACCESS;
