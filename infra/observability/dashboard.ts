import { Duration, Stack } from 'aws-cdk-lib';
import { type Alarm, AlarmStatusWidget, Dashboard, type IWidget, LogQueryWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { tableThrottles } from './alarms/table.ts';
import { brokerMetrics, reading } from './metrics.ts';
import { TROUBLE_FUNCTIONS, TROUBLE_QUERY } from './trouble.ts';
import type { Watched } from './watched.ts';
import { byFunction, EACH_FIVE_MINUTES, graph, inSeconds, question, row, shareOfTimeout } from './widgets.ts';

const SUM = EACH_FIVE_MINUTES;
const OLDEST = { statistic: 'Maximum', minutes: 5 } as const;
const PERCENTILES = ['p50', 'p99'] as const;

const tokens = ({ settings, functions, api }: Watched): readonly IWidget[] => {
  const { whole, each } = brokerMetrics(settings.name);
  const latency = PERCENTILES.flatMap((statistic) => {
    const how = reading({ statistic, minutes: 5 });
    return [
      inSeconds(functions['fetch-token'].lambda.metricDuration(how), `fetch-token ${statistic}`),
      inSeconds(api.metricLatency(how), `all requests ${statistic}`),
    ];
  });
  return [
    question(
      'Are devices getting tokens?',
      "Yes, while *issued* follows the working day and *refused* stays far below it. What is refused tells by its kind who must act (docs/errors.md); half of the replies come within a tenth of a second, and 5xx are the broker's or the provider's fault.",
    ),
    row(
      graph('Tokens', {
        left: [
          whole('TokensIssued', { ...SUM, label: 'issued' }),
          whole('TokensRefused', { ...SUM, label: 'refused' }),
        ],
      }),
      graph('Refused, by kind', { left: [each('TokensRefused', SUM)], stacked: true }),
      graph('How long it takes', { left: latency, unit: 'seconds' }),
      graph('Refused at the door', {
        left: [
          api.metricServerError(reading({ ...SUM, label: '5xx' })),
          api.metricClientError(reading({ ...SUM, label: '4xx' })),
          whole('AttemptsRefused', { ...SUM, label: 'wrong secrets' }),
          whole('RequestsCrashed', { ...SUM, label: 'crashed: a bug' }),
        ],
      }),
    ),
  ];
};

const mailboxes = ({ settings, functions, publicUrl }: Watched): readonly IWidget[] => {
  const { whole, each } = brokerMetrics(settings.name);
  const HOURLY = { statistic: 'Sum', minutes: 60 } as const;
  return [
    question(
      'Which mailboxes are in trouble?',
      `The list names them, with what they have and why, the newest first; the [console](${publicUrl}/) shows the same with names, and what to do. Many at once have one cause: look at it before anybody signs in again.`,
    ),
    row(
      graph('Sign-ins ended, and about to lapse', {
        left: [
          whole('GrantsInvalidated', { ...HOURLY, label: 'ended' }),
          whole('GrantsExpiring', { ...HOURLY, label: 'warned of' }),
        ],
        unit: 'mailboxes in an hour',
      }),
      graph('Refreshes, by provider', { left: [each('GrantsRefreshed', SUM), each('RefreshesFailed', SUM)] }),
      graph('Refresh that is due for longest', {
        left: [whole('OldestDueSeconds', { ...OLDEST, label: 'overdue' })],
        unit: 'seconds',
        limit: { value: 600, label: 'alarm' },
      }),
      graph('Pauses of providers', {
        left: [
          each('ProviderPauseMinutes', SUM),
          whole('AppRegistrationsRefused', { ...SUM, label: 'app registration refused' }),
        ],
        unit: 'minutes of five',
      }),
    ),
    new LogQueryWidget({
      title: 'Mailboxes that need somebody',
      logGroupNames: TROUBLE_FUNCTIONS.map((name) => functions[name].lambda.logGroup.logGroupName),
      queryLines: [...TROUBLE_QUERY],
      width: 24,
      height: 8,
    }),
  ];
};

const mail = ({ settings, stateful }: Watched): readonly IWidget[] => {
  const { whole } = brokerMetrics(settings.name);
  const { mailQueue, grantDeadLetters, mailDeadLetters } = stateful;
  return [
    question(
      'Is mail flowing?',
      'Yes, while *sent* follows *accepted* within minutes; *sent in all* has the mail of gateways, notices and what was sent again as well. *Held* waits for a person and *paused* for a mail server; neither loses anything. *Failed* reached nobody, and its organization is told. Dead letters are for the operator.',
    ),
    row(
      graph('Messages', {
        left: [
          whole('SubmissionsAccepted', { ...SUM, label: 'accepted' }),
          whole('SubmissionsRelayed', { ...SUM, label: 'sent' }),
          whole('SubmissionsSent', { ...SUM, label: 'sent in all' }),
          whole('SubmissionsFailed', { ...SUM, label: 'failed' }),
        ],
      }),
      graph('Mailboxes whose mail stopped', {
        left: [whole('OutboxesHeld', { ...SUM, label: 'held' }), whole('OutboxesPaused', { ...SUM, label: 'paused' })],
      }),
      graph('From accepted to sent', {
        left: PERCENTILES.map((statistic) => whole('SubmissionSeconds', { statistic, minutes: 15, label: statistic })),
        unit: 'seconds',
      }),
      graph('Waiting in the queue, and set aside', {
        left: [
          mailQueue.metricApproximateAgeOfOldestMessage(
            reading({ ...OLDEST, label: 'oldest in the mail queue, seconds' }),
          ),
          mailDeadLetters.metricApproximateNumberOfMessagesVisible(
            reading({ ...OLDEST, label: 'dead letters of mail' }),
          ),
          grantDeadLetters.metricApproximateNumberOfMessagesVisible(
            reading({ ...OLDEST, label: 'dead letters of refreshes' }),
          ),
        ],
      }),
    ),
  ];
};

const machinery = (watched: Watched, alarms: readonly Alarm[]): readonly IWidget[] => {
  const { settings, functions, stateful } = watched;
  const { whole } = brokerMetrics(settings.name);
  const { refreshConcurrency } = settings;
  const worker = functions['refresh-grants/worker'].lambda;
  return [
    question(
      'Is the machinery well?',
      'All of it near 0 is well. Each alarm says in its description what it means and what to do (docs/aws-alarms.md). A function near 100 % of its time-out is about to be cut off.',
    ),
    new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 5 }),
    row(
      graph('Calls that died', {
        left: byFunction(watched, ({ lambda }, name) => lambda.metricErrors(reading({ ...SUM, label: name }))),
        stacked: true,
      }),
      graph('Calls held back', {
        left: byFunction(watched, ({ lambda }, name) => lambda.metricThrottles(reading({ ...SUM, label: name }))),
        stacked: true,
      }),
      graph('Slowest calls (p99), against the time-out', {
        left: byFunction(watched, (made, name) => shareOfTimeout(made, name)),
        unit: 'per cent',
        limit: { value: 80, label: 'alarm of most' },
      }),
      graph('Refreshers at work', {
        left: [worker.metric('ConcurrentExecutions', reading({ ...OLDEST, label: 'at once' }))],
        ...(refreshConcurrency !== undefined && { limit: { value: refreshConcurrency, label: 'allowed' } }),
      }),
    ),
    row(
      graph('Table: requests held back', { left: tableThrottles(watched) }),
      graph('Queue of refreshes', {
        left: [
          stateful.grantQueue.metricApproximateNumberOfMessagesVisible(reading({ ...OLDEST, label: 'waiting' })),
          stateful.grantQueue.metricApproximateAgeOfOldestMessage(reading({ ...OLDEST, label: 'oldest, seconds' })),
        ],
      }),
      graph('Sweeps', {
        left: [
          whole('GrantsDue', { ...SUM, label: 'refreshes queued' }),
          whole('SweepsFailed', { ...SUM, label: 'parts of sweeps failed' }),
          whole('MessagesFailed', { ...SUM, label: 'messages failed, to be tried again' }),
        ],
      }),
      graph('What could not be kept or told', {
        left: [
          whole('RefreshTokensNotStored', { ...SUM, label: 'refresh tokens not stored' }),
          whole('ConfigsNotReloaded', { ...SUM, label: 'configuration not reloaded' }),
          whole('NoticesGivenUp', { ...SUM, label: 'notices given up' }),
          whole('ClientSecretsExpiring', { ...SUM, label: 'warnings of client secrets' }),
        ],
      }),
    ),
  ];
};

/** One page, in the order in which somebody asks who has been called at night. */
export const addDashboard = (scope: Construct, watched: Watched, alarms: readonly Alarm[]): Dashboard => {
  const rows = [tokens(watched), mailboxes(watched), mail(watched), machinery(watched, alarms)];
  return new Dashboard(scope, 'Dashboard', {
    // Dashboards are the account's, whatever the region: the same broker may be in two.
    dashboardName: `${watched.settings.name}-${Stack.of(scope).region}`,
    // The list of mailboxes, too, is of the last day.
    defaultInterval: Duration.days(1),
    widgets: rows.flat().map((widget) => [widget]),
  });
};
