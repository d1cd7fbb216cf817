import type { FunctionName } from '../rights/table-access.ts';

/** The functions whose logs name mailboxes in trouble. */
export const TROUBLE_FUNCTIONS: readonly FunctionName[] = [
  'refresh-grants/worker',
  // It proves a new sign-in by a first refresh.
  'sign-in',
  'relay-mail/send',
  'relay-mail/gateway',
];

/** What says that a mailbox needs somebody, or was about to. Retries of what passes by itself are left out. */
export const TROUBLE_EVENTS = [
  'grant.invalid',
  'grant.expiring',
  'grant.refresh_token_not_stored',
  'outbox.held',
  'submission.failed',
] as const;

/** Of refreshes that will be tried again those that wait for a person: the vault has lost a sign-in. */
const LOST = `(message = 'grant.refresh_failed' and kind like /^stored_sign_in/)`;

const quoted = TROUBLE_EVENTS.map((event) => `'${event}'`).join(', ');

/** In CloudWatch Logs Insights: each mailbox once for each thing that it has, the newest first. */
export const TROUBLE_QUERY: readonly string[] = [
  'fields coalesce(reason, kind, code) as why',
  `filter ispresent(mailbox_id) and (message in [${quoted}] or ${LOST})`,
  'stats max(@timestamp) as last, count(*) as times by mailbox_id, message, why',
  'sort last desc',
  'limit 100',
];
