import { Duration } from 'aws-cdk-lib';
import { API_TIMEOUT } from '../../functions/timing.ts';
import { type FunctionName, hyphened } from '../../rights/table-access.ts';
import type { BrokerAlarm } from '../alarm.ts';
import { percentWithin } from '../arithmetic.ts';
import { brokerMetrics, reading } from '../metrics.ts';
import type { Watched } from '../watched.ts';

/** What stands still without it, and how soon that hurts. */
const WITHOUT: Readonly<Record<FunctionName, readonly [act: BrokerAlarm['act'], what: string]>> = {
  'fetch-token': ['at once', 'Devices get no access tokens and cannot mail.'],
  'register-device': ['today', 'New devices cannot register; those that are registered go on.'],
  'sign-in': ['today', 'Nobody can sign a mailbox in; those that are signed in go on.'],
  'refresh-grants/sweep': [
    'at once',
    'What is due is not queued: tokens run out within the hour, and mail that waits stays.',
  ],
  'refresh-grants/worker': ['at once', 'Access tokens are not renewed, and run out within the hour.'],
  'relay-mail/accept': ['at once', 'Devices cannot hand in mail.'],
  'relay-mail/send': ['at once', 'Accepted mail waits; it is not lost.'],
  'relay-mail/test': ['today', 'Connections of mailboxes cannot be tested; mail goes on.'],
  'relay-mail/gateway': ['at once', 'Gateways get no tokens; they keep accepting mail, which waits in their spools.'],
  notify: ['today', 'Nobody is told of what they must mend, neither by mail nor by webhook.'],
  admin: ['today', 'Console and admin API do not work; devices and mail go on.'],
};

/** Of what a function may take, before it is cut off. */
const LONG = 0.8;

/** A browser at a sign-in is told after 30 seconds that it waited too long, though the function may go on for minutes. */
const ALLOWED: { readonly [Name in FunctionName]?: Duration } = { 'sign-in': API_TIMEOUT };

/** As long as most devices wait, for a token or at a gateway's door: a provider that hangs is given up before the time-out is near. */
const DEVICE_PATIENCE = Duration.seconds(10);
const PATIENCE: { readonly [Name in FunctionName]?: Duration } = {
  'fetch-token': DEVICE_PATIENCE,
  'relay-mail/gateway': DEVICE_PATIENCE,
};

/** Cut off, they leave devices, mail or sweeps behind. In front of the others somebody sits, or they end by their own clock. */
const TIMED: readonly FunctionName[] = [
  'fetch-token',
  'sign-in',
  'refresh-grants/sweep',
  'refresh-grants/worker',
  'relay-mail/accept',
  'relay-mail/gateway',
  'notify',
];

/** Called so often in a large fleet that some calls die every hour, of the network or of the machines below. */
const BUSY: readonly FunctionName[] = [
  'fetch-token',
  'refresh-grants/worker',
  'relay-mail/accept',
  'relay-mail/send',
  'relay-mail/gateway',
];

/** A quarter of an hour, so that three calls come together where a function is called a few times an hour. */
const FAILED_CALLS = 3;
const FAILED_MINUTES = 15;

const failing = (name: FunctionName, { functions }: Watched): BrokerAlarm => {
  const { lambda } = functions[name];
  const [act, what] = WITHOUT[name];
  const how = reading({ statistic: 'Sum', minutes: FAILED_MINUTES });
  const errors = lambda.metricErrors(how);
  const share = percentWithin(errors, lambda.metricInvocations(how), {
    ...{ atLeast: FAILED_CALLS, minutes: FAILED_MINUTES },
    label: `${name}: failed calls, per cent`,
  });
  const isBusy = BUSY.includes(name);
  return {
    id: `${hyphened(name)}-errors`,
    section: 'A function fails, is held back or is slow',
    act,
    means: `${isBusy ? 'More than 1 % of the calls' : 'Three or more calls'} of ${name} crashed, or ran out of time or memory, within a quarter of an hour. ${what}`,
    remedy: "Read the function's log for the first error. If it began with a deployment, deploy the version before.",
    metric: isBusy ? share : errors,
    bad: isBusy ? { above: 1 } : { atLeast: FAILED_CALLS },
    periods: { bad: 1, of: 1 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

const heldBack = (name: FunctionName, { functions }: Watched): BrokerAlarm => {
  const [act, what] = WITHOUT[name];
  return {
    id: `${hyphened(name)}-throttles`,
    section: 'A function fails, is held back or is slow',
    act,
    means: `AWS does not run ${name} as often as it is called: for the account's or its own limit of concurrency, or because somebody pulled the kill switch. ${what}`,
    remedy:
      'Find out which: its reserved concurrency (0 is the kill switch), then ConcurrentExecutions of the account against its quota.',
    metric: functions[name].lambda.metricThrottles(reading({ statistic: 'Sum', minutes: 5 })),
    // All that is held back is tried again. Once is the first minute of the morning; ten minutes are a limit.
    bad: { atLeast: 1 },
    periods: { bad: 2, of: 3 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

const slow = (name: FunctionName, { functions }: Watched): BrokerAlarm => {
  const { lambda } = functions[name];
  const allowed = ALLOWED[name] ?? lambda.timeout ?? Duration.seconds(3);
  const patience = PATIENCE[name];
  const tooLong =
    patience === undefined
      ? `80 % of the ${allowed.toSeconds()} seconds that they have`
      : `${patience.toSeconds()} seconds, and many devices wait no longer`;
  return {
    id: `${hyphened(name)}-duration`,
    section: 'A function fails, is held back or is slow',
    act: 'today',
    means: `For a quarter of an hour, the slowest calls of ${name} have needed more than ${tooLong}.`,
    remedy:
      'Look at the dashboard for what it waits: a provider (pauses), the table (held back) or the vault (its log).',
    metric: lambda.metricDuration(reading({ statistic: 'p99', minutes: 5 })),
    bad: { above: patience?.toMilliseconds() ?? LONG * allowed.toMilliseconds() },
    // With few calls p99 is the slowest one: three times in a row it is more than one bad line.
    periods: { bad: 3, of: 3 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  };
};

/** The sweeps are called every minute, whatever happens. So that there is nothing to see is what there is to see. */
const HEARTBEATS = {
  'refresh-grants/sweep': 'sweep-not-running',
  notify: 'notify-not-running',
} as const satisfies { readonly [Name in FunctionName]?: string };

const silent = (name: keyof typeof HEARTBEATS, { functions }: Watched): BrokerAlarm => {
  const [act, what] = WITHOUT[name];
  return {
    id: HEARTBEATS[name],
    section: 'Nothing sets the functions going',
    act,
    means: `${name} has not run for ten minutes, though it is to run every minute. ${what}`,
    remedy: 'Check that its schedule in EventBridge Scheduler is enabled and that its reserved concurrency is not 0.',
    metric: functions[name].lambda.metricInvocations(reading({ statistic: 'Sum', minutes: 5 })),
    bad: { below: 1 },
    // Tokens are renewed 15 minutes before they end: ten minutes of silence harm nobody yet.
    periods: { bad: 2, of: 2 },
    missing: 'nothing runs',
    quietMeans: 'mended',
  };
};

const sweepsFailed = ({ settings }: Watched): BrokerAlarm => ({
  id: 'sweeps-failed',
  section: 'Nothing sets the functions going',
  act: 'at once',
  means: 'For ten minutes, most runs of the sweep could not do a part of their work: table or queue are out of reach.',
  remedy: 'Read sweep.failed in the log of refresh-grants/sweep: part and error tell what is out of reach.',
  metric: brokerMetrics(settings.name).whole('SweepsFailed', { statistic: 'Sum', minutes: 5 }),
  // Of five runs; one that fails is made good by the next.
  bad: { atLeast: 3 },
  periods: { bad: 2, of: 2 },
  missing: 'nothing happened',
  quietMeans: 'mended',
});

/** Where the refresher has concurrency of its own. */
const refreshersBusy = ({ settings, functions }: Watched): readonly BrokerAlarm[] => {
  const { refreshConcurrency } = settings;
  if (refreshConcurrency === undefined) return [];
  return [
    {
      id: 'refreshers-busy',
      section: 'A function fails, is held back or is slow',
      act: 'today',
      means: `For a quarter of an hour, more than 80 % of the ${refreshConcurrency} refreshers allowed at once have been at work; beyond them devices are refused.`,
      remedy:
        'See whether a provider is slow. If the fleet has grown, deploy with a larger refreshConcurrency; mind what the providers allow.',
      metric: functions['refresh-grants/worker'].lambda.metric(
        'ConcurrentExecutions',
        reading({ statistic: 'Maximum', minutes: 5 }),
      ),
      bad: { above: LONG * refreshConcurrency },
      periods: { bad: 3, of: 3 },
      missing: 'nothing happened',
      quietMeans: 'mended',
    },
  ];
};

export const functionAlarms = (watched: Watched): readonly BrokerAlarm[] => {
  const names = Object.keys(WITHOUT) as readonly FunctionName[];
  const beats = Object.keys(HEARTBEATS) as readonly (keyof typeof HEARTBEATS)[];
  return [
    ...beats.map((name) => silent(name, watched)),
    sweepsFailed(watched),
    ...names.flatMap((name) => [failing(name, watched), heldBack(name, watched)]),
    ...TIMED.map((name) => slow(name, watched)),
    ...refreshersBusy(watched),
  ];
};
