/**
 * Which log events are counted, and under which name. A metric costs by the month for each combination of dimensions, so
 * nothing that grows with the fleet may be one: a mailbox or a device is found in the log line that was counted. How a line
 * says so is in adapters/powertools/embedded-metrics.ts; docs/operations.md has them all in a table.
 */
export const METRIC_NAMESPACE = 'TokenBroker';

/** Every metric has it: the deployment's name, so that two brokers of one account stay apart. */
export const BROKER_DIMENSION = 'Broker';

export interface EventMetric {
  readonly metric: string;
  readonly unit: 'Count' | 'Seconds';
  /** The field of the log line that is the value, without which the line is not counted; if none is named, each counts as 1. */
  readonly value?: string;
  /** The field of the log line that is a further dimension, and how the dimension is called. It is counted as a whole, too. */
  readonly by?: { readonly field: string; readonly dimension: string };
}

const counted = <Metric extends string>(metric: Metric) => ({ metric, unit: 'Count' }) as const;
const byProvider = { field: 'provider', dimension: 'Provider' } as const;

export const EVENT_METRICS = {
  'token.issued': [counted('TokensIssued')],
  /** One line for each request for a token, of a device that is known, that got none; `kind` as in docs/errors.md. */
  'token.refused': [{ ...counted('TokensRefused'), by: { field: 'kind', dimension: 'Kind' } }],
  'attempt.refused': [counted('AttemptsRefused')],
  'request.crashed': [counted('RequestsCrashed')],

  'grant.refreshed': [
    { ...counted('GrantsRefreshed'), by: byProvider },
    { metric: 'RefreshSeconds', unit: 'Seconds', value: 'seconds', by: byProvider },
  ],
  'grant.refresh_failed': [{ ...counted('RefreshesFailed'), by: byProvider }],
  'grant.invalid': [counted('GrantsInvalidated')],
  'grant.expiring': [counted('GrantsExpiring')],
  'grant.refresh_token_not_stored': [counted('RefreshTokensNotStored')],
  'grants.swept': [
    { metric: 'GrantsDue', unit: 'Count', value: 'count' },
    { metric: 'OldestDueSeconds', unit: 'Seconds', value: 'oldest_due_seconds' },
  ],
  /** One line for each sweep, and so for each minute, as long as the pause is. */
  'provider.left_out': [{ ...counted('ProviderPauseMinutes'), by: byProvider }],
  'app_registration.refused': [counted('AppRegistrationsRefused')],
  'client_secret.expiring': [counted('ClientSecretsExpiring')],
  'client_secret.expired': [counted('ClientSecretsExpiring')],
  'client_secret.refused': [counted('ClientSecretsExpiring')],
  'config.not_reloaded': [counted('ConfigsNotReloaded')],

  'submission.accepted': [counted('SubmissionsAccepted')],
  'submission.sent': [
    counted('SubmissionsSent'),
    /** Of those that were accepted here, and so what `SubmissionsAccepted` is to be held against. */
    { metric: 'SubmissionsRelayed', unit: 'Count', value: 'relayed' },
    { metric: 'SubmissionSeconds', unit: 'Seconds', value: 'seconds' },
  ],
  'submission.failed': [counted('SubmissionsFailed')],
  'outbox.held': [counted('OutboxesHeld')],
  'outbox.paused': [counted('OutboxesPaused')],
  'message.failed': [counted('MessagesFailed')],
  'sweep.failed': [counted('SweepsFailed')],
  'notice.given_up': [counted('NoticesGivenUp')],
} as const satisfies { readonly [event: string]: readonly EventMetric[] };

export type MetricName = (typeof EVENT_METRICS)[keyof typeof EVENT_METRICS][number]['metric'];
