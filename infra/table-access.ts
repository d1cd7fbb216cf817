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
    GetItem: ['organizations', 'device#*', 'mailbox#*'],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*'],
    Query: ['device#*'],
    UpdateItem: ['device#*', 'mailbox#*'],
  },
  'register-device': {
    GetItem: ['organizations', 'device#*', 'enrolment#*'],
    Query: ['device#*'],
    PutItem: ['organization#*', 'device#*', 'audit#*'],
    UpdateItem: ['device#*', 'enrolment#*'],
    // Of a mailbox only the note that the device is bound to it.
    DeleteItem: ['organization#*', 'device#*', 'mailbox#*'],
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
    GetItem: ['organizations', 'device#*', 'submission#*', 'idempotency#*'],
    BatchGetItem: ['organizations', 'device#*', 'mailbox#*'],
    PutItem: ['submission#*', 'submissions#*', 'idempotency#*'],
  },
  'relay-mail/send': {
    GetItem: ['mailbox#*', 'submission#*'],
    BatchGetItem: ['mailbox#*'],
    PutItem: ['mailbox#*', 'submission#*', 'audit#*'],
    DeleteItem: ['mailbox#*'],
  },
  admin: {
    GetItem: ['organizations', 'device#*', 'mailbox#*', 'sign-in#*', 'session#*'],
    BatchGetItem: ['device#*', 'enrolment#*', 'mailbox#*', 'submission#*', 'provider#*'],
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
    ],
    // Of a mailbox the lease, under which it is signed out.
    UpdateItem: ['organizations', 'device#*', 'enrolment#*', 'mailbox#*'],
    ConditionCheckItem: ['mailbox#*'],
    DeleteItem: ['organizations', 'organization#*', 'device#*', 'mailbox#*', 'session#*'],
  },
} as const satisfies Record<string, TableAccess>;

export type FunctionName = keyof typeof TABLE_ACCESS;
