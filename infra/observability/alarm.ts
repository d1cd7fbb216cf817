import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { totalOf } from './arithmetic.ts';

/** The sections of docs/aws-alarms.md: what an alarm's description sends its reader to. */
type Section =
  | 'Devices are refused tokens'
  | 'The API fails or is slow'
  | 'Wrong secrets'
  | 'Refreshes fail'
  | 'Refreshes are late'
  | 'A provider pauses for long'
  | 'App registrations and client secrets'
  | 'A refresh token was not stored'
  | 'Many sign-ins end at once'
  | 'Mail does not flow'
  | 'Many messages fail'
  | 'The mail of many mailboxes is held'
  | 'Dead letters and old messages'
  | 'A function fails, is held back or is slow'
  | 'Nothing sets the functions going'
  | 'A request crashed'
  | 'The table is throttled or fails'
  | 'The SMTP gateway is down';

type Bound = { readonly above: number } | { readonly atLeast: number } | { readonly below: number };

/** One alarm, as an entry of a list. */
export interface BrokerAlarm {
  /** In lower case, with hyphens; in AWS the broker's name stands before it. */
  readonly id: string;
  readonly section: Section;
  /** `at once`: devices or mail stand still, or something is being lost. `today`: it can wait for the morning. */
  readonly act: 'at once' | 'today';
  /** A sentence: what it means. */
  readonly means: string;
  /** A sentence or two: what to do. */
  readonly remedy: string;
  readonly metric: IMetric;
  readonly bad: Bound;
  /** How many of the last periods must be bad. */
  readonly periods: { readonly bad: number; readonly of: number };
  /** `nothing happened`: fine. `nothing runs`: bad. `not known`: as before. */
  readonly missing: 'nothing happened' | 'nothing runs' | 'not known';
  /** `mended`: that it is quiet means that it is over, and is told. `forgotten`: it only happened some time ago. */
  readonly quietMeans: 'mended' | 'forgotten';
}

const MISSING = {
  'nothing happened': TreatMissingData.NOT_BREACHING,
  'nothing runs': TreatMissingData.BREACHING,
  'not known': TreatMissingData.IGNORE,
} as const;

const comparison = (bad: Bound) => {
  const { GREATER_THAN_THRESHOLD, GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator;
  if ('above' in bad) return { threshold: bad.above, comparisonOperator: GREATER_THAN_THRESHOLD };
  if ('atLeast' in bad) return { threshold: bad.atLeast, comparisonOperator: GREATER_THAN_OR_EQUAL_TO_THRESHOLD };
  return { threshold: bad.below, comparisonOperator: LESS_THAN_THRESHOLD };
};

/**
 * What is counted only when it happens is missing the rest of the time, and what stands still counts nothing. CloudWatch reads
 * more periods than an alarm is about, and takes the last ones that tell something before it heeds how missing ones are to be
 * treated (user guide, "How alarm state is evaluated when data is missing"): silence would be noticed periods late, and what
 * happened once would stand for periods, in which nobody is told of the next. So a missing count is 0. Formulas see to their
 * parts themselves (arithmetic.ts).
 */
const silenceIsNought = ({ id, metric, missing }: BrokerAlarm): IMetric => {
  const { metricStat } = metric.toMetricConfig();
  if (missing === 'not known' || metricStat === undefined) return metric;
  return totalOf([metric], { minutes: metricStat.period.toMinutes(), label: id });
};

const MANUAL = 'docs/aws-alarms.md';

/** What a person reads in the mail, and in the console: what happened, what to do, where more is said of it. */
const description = ({ act, means, remedy, section }: BrokerAlarm): string =>
  `Act ${act}. ${means} ${remedy} More in ${MANUAL}, section "${section}".`;

export interface AlarmOwner {
  /** The broker's name. */
  readonly broker: string;
  /** Undefined: nobody is told, and the console shows it. */
  readonly topic: ITopic | undefined;
}

/** The alarm in AWS. */
export const raise = (scope: Construct, { broker, topic }: AlarmOwner, alarm: BrokerAlarm): Alarm => {
  const made = new Alarm(scope, `${alarm.id}-alarm`, {
    alarmName: `${broker}-${alarm.id}`,
    alarmDescription: description(alarm),
    metric: silenceIsNought(alarm),
    ...comparison(alarm.bad),
    evaluationPeriods: alarm.periods.of,
    datapointsToAlarm: alarm.periods.bad,
    treatMissingData: MISSING[alarm.missing],
  });
  if (topic === undefined) return made;
  const tell = new SnsAction(topic);
  made.addAlarmAction(tell);
  if (alarm.quietMeans === 'mended') made.addOkAction(tell);
  return made;
};
