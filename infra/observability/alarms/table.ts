import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { BrokerAlarm } from '../alarm.ts';
import { totalOf } from '../arithmetic.ts';
import { reading } from '../metrics.ts';
import type { Watched } from '../watched.ts';

const NAMESPACE = 'AWS/DynamoDB';

/**
 * DynamoDB counts its own errors for each operation by itself, and every metric of an alarm is paid for. Of the seven that the
 * broker uses, no token is fetched without the first, and nothing of weight written without the second.
 */
const OPERATIONS = ['BatchGetItem', 'TransactWriteItems'] as const;

const FIVE_MINUTES = { statistic: 'Sum', minutes: 5 } as const;

/** Requests that DynamoDB held back, for the table and for its index: by all readers and writers together. */
export const tableThrottles = ({ stateful }: Watched): readonly Metric[] => {
  const table = { TableName: stateful.table.tableName };
  return ['ReadThrottleEvents', 'WriteThrottleEvents'].flatMap((metricName) =>
    [table, { ...table, GlobalSecondaryIndexName: 'due' }].map((dimensionsMap) => {
      const label = `${metricName}${'GlobalSecondaryIndexName' in dimensionsMap ? ' (due)' : ''}`;
      return new Metric({ namespace: NAMESPACE, metricName, dimensionsMap, ...reading({ ...FIVE_MINUTES, label }) });
    }),
  );
};

const tableErrors = ({ stateful }: Watched): readonly Metric[] =>
  OPERATIONS.map(
    (Operation) =>
      new Metric({
        namespace: NAMESPACE,
        metricName: 'SystemErrors',
        dimensionsMap: { TableName: stateful.table.tableName, Operation },
        ...reading(FIVE_MINUTES),
      }),
  );

export const tableAlarms = (watched: Watched): readonly BrokerAlarm[] => [
  {
    id: 'table-throttles',
    section: 'The table is throttled or fails',
    act: 'today',
    means:
      'For ten minutes DynamoDB has held back requests. They are tried again, and everything is slower; in the end devices get 503.',
    remedy:
      'It grows with the load by itself: wait a quarter of an hour. If it lasts, see on the dashboard whether table or index is meant; raise the quota of the account, or the maximum set for the table.',
    metric: totalOf(tableThrottles(watched), { minutes: 5, label: 'Requests held back by DynamoDB' }),
    // A few pass unnoticed, as the client tries again within milliseconds.
    bad: { atLeast: 10 },
    periods: { bad: 2, of: 3 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  },
  {
    id: 'table-errors',
    section: 'The table is throttled or fails',
    act: 'at once',
    means: 'For ten minutes DynamoDB has answered requests with errors of its own. Nothing works without the table.',
    remedy:
      'Look at the AWS Health Dashboard for the region. There is nothing to repair here: the broker goes on by itself.',
    metric: totalOf(tableErrors(watched), { minutes: 5, label: 'Errors of DynamoDB' }),
    bad: { atLeast: 10 },
    periods: { bad: 2, of: 3 },
    missing: 'nothing happened',
    quietMeans: 'mended',
  },
];
