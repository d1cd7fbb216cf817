import { DATA_OUT, PRICES } from '../scale/bill.ts';

/** US dollars, us-east-1, November 2026, besides those of the simulation's bill: list prices without what is free at first. */
export const MORE_PRICES = {
  kmsKey: 1,
  kmsRequests: 0.03 / 10_000,
  schedulerInvocations: 1e-6,
  /** A month, with one combination of dimensions. */
  metric: 0.3,
  /** A month, for each metric that it looks at. */
  alarmMetric: 0.1,
  dashboard: 3,
  natGateway: 32.85,
  natGb: 0.045,
  publicAddress: 3.65,
  /** The first 333 million, and those after. */
  restRequests: [3.5e-6, 2.8e-6],
  restFirst: 333e6,
  tracesRecorded: 5e-6,
  /** An hour on ARM. */
  fargateVcpu: 0.03238,
  fargateGb: 0.00356,
  loadBalancer: 16.43,
  /** A unit in each hour of the month: up to a GB an hour. */
  loadBalancerUnit: 4.38,
  /** A GB in a month. */
  efsStorage: 0.3,
} as const;

export const HOURS_OF_MONTH = 730;

interface QuotedPrice {
  readonly what: string;
  readonly price: string;
  /** Found in a stored source (golden price tests, price lists); else from memory, to be checked before anybody relies on it. */
  readonly isChecked: boolean;
}

const perMillion = (price: number): string => `$${plain(Number((price * 1e6).toPrecision(4)))} for a million`;
/** In cents, unless it is less. */
const plain = (price: number): string => (Number.isInteger(price * 100) ? price.toFixed(2) : String(price));
const each = (price: number, unit: string): string => `$${plain(price)} for ${unit}`;

export const QUOTED: readonly QuotedPrice[] = [
  { what: 'DynamoDB write units, on demand', price: perMillion(PRICES.dynamodbWrites), isChecked: true },
  { what: 'DynamoDB read units, on demand', price: perMillion(PRICES.dynamodbReads), isChecked: true },
  {
    what: 'DynamoDB storage with continuous backup',
    price: each(PRICES.dynamodbStorage, 'a GB a month'),
    isChecked: true,
  },
  { what: 'Secrets Manager: a secret', price: each(PRICES.secret, 'a month'), isChecked: true },
  { what: 'Secrets Manager: calls', price: perMillion(PRICES.secretRequests), isChecked: true },
  { what: 'KMS: a key', price: each(MORE_PRICES.kmsKey, 'a month'), isChecked: true },
  { what: 'KMS: requests', price: perMillion(MORE_PRICES.kmsRequests), isChecked: true },
  { what: 'Lambda: requests', price: perMillion(PRICES.lambdaRequests), isChecked: true },
  { what: 'Lambda: time, on ARM', price: each(PRICES.lambdaGbSeconds, 'a GB-second'), isChecked: true },
  { what: 'HTTP API: the first 300 million requests', price: perMillion(PRICES.httpRequests[0]), isChecked: true },
  { what: 'SQS: requests; FIFO $0.50', price: perMillion(PRICES.sqsRequests), isChecked: true },
  { what: 'S3: put; get $0.40', price: perMillion(PRICES.s3Puts), isChecked: true },
  { what: 'EventBridge Scheduler', price: perMillion(MORE_PRICES.schedulerInvocations), isChecked: false },
  { what: 'CloudWatch Logs, taken in and kept for a month', price: each(PRICES.logs, 'a GB'), isChecked: true },
  { what: 'CloudWatch: a metric of our own', price: each(MORE_PRICES.metric, 'a month'), isChecked: false },
  {
    what: 'CloudWatch: an alarm, for each metric it looks at',
    price: each(MORE_PRICES.alarmMetric, 'a month'),
    isChecked: true,
  },
  { what: 'CloudWatch: a dashboard', price: each(MORE_PRICES.dashboard, 'a month'), isChecked: true },
  ...DATA_OUT.map(({ tb, price }, index) => ({
    what: `Data out to the internet, ${index === 0 ? `the first ${tb} TB` : Number.isFinite(tb) ? `the next ${tb}` : 'all after'}`,
    price: each(price, 'a GB'),
    isChecked: true,
  })),
  {
    what: `NAT gateway; and $${MORE_PRICES.natGb} for a GB`,
    price: each(MORE_PRICES.natGateway, 'a month'),
    isChecked: true,
  },
  { what: 'A public IPv4 address', price: each(MORE_PRICES.publicAddress, 'a month'), isChecked: true },
  {
    what: 'REST API: the first 333 million requests',
    price: perMillion(MORE_PRICES.restRequests[0]),
    isChecked: true,
  },
  { what: 'X-Ray: traces recorded', price: perMillion(MORE_PRICES.tracesRecorded), isChecked: false },
  {
    what: `Fargate on ARM, a vCPU; and $${MORE_PRICES.fargateGb} for a GB`,
    price: each(MORE_PRICES.fargateVcpu, 'an hour'),
    isChecked: false,
  },
  { what: 'Network load balancer', price: each(MORE_PRICES.loadBalancer, 'a month'), isChecked: true },
  { what: 'EFS: storage', price: each(MORE_PRICES.efsStorage, 'a GB a month'), isChecked: false },
];
