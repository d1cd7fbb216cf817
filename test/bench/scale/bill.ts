import { SECRET_READ_EVERY_MS } from '../../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { PROVIDERS } from '../../../shared/domain/provider.ts';
import { DUE_SHARDS } from '../../../shared/domain/timing.ts';
import type { Cost, Costs, VaultName } from './costs.ts';
import * as deployment from './deployment.ts';
import { DAYS_OF_MONTH } from './month.ts';
import type { Day } from './tally.ts';
import { DAY_SECONDS, GOOGLE_SHARE } from './usage.ts';

/** US dollars, us-east-1, November 2026: list prices without what is free at first. */
export const PRICES = {
  dynamodbWrites: 0.625e-6,
  dynamodbReads: 0.125e-6,
  /** A GB in a month, and its continuous backup. */
  dynamodbStorage: 0.25 + 0.2,
  secret: 0.4,
  secretRequests: 0.05 / 10_000,
  lambdaRequests: 0.2e-6,
  lambdaGbSeconds: 0.0000133334,
  sqsRequests: 0.4e-6,
  sqsFifoRequests: 0.5e-6,
  s3Puts: 0.005e-3,
  s3Gets: 0.0004e-3,
  /** A GB in a month. */
  s3Storage: 0.023,
  /** The first 300 million, and those after. */
  httpRequests: [1e-6, 0.9e-6],
  httpFirst: 300e6,
  /** A GB taken in, and kept for a month. */
  logs: 0.5 + 0.03,
  /** A GB of the first ten TB. */
  dataOut: 0.09,
} as const;

/** So many TB to the internet at each price. */
export const DATA_OUT = [
  { tb: 10, price: PRICES.dataOut },
  { tb: 40, price: 0.085 },
  { tb: 100, price: 0.07 },
  { tb: Number.POSITIVE_INFINITY, price: 0.05 },
] as const;

const GB_OF_TB = 1024;

/** Of a month, all services of the account together. */
export const dataOutDollars = (gb: number): number => {
  let left = gb;
  return DATA_OUT.reduce((sum, { tb, price }) => {
    const within = Math.min(left, tb * GB_OF_TB);
    left -= within;
    return sum + within * price;
  }, 0);
};

export const GB = 1e9;
export const MONTH_SECONDS = DAYS_OF_MONTH * DAY_SECONDS;
export const SWEEPS = MONTH_SECONDS / deployment.PACE.periodSeconds;

/** By provider. */
export type FleetCosts = Readonly<Record<'microsoft' | 'google', Costs>>;

/** What a month of a fleet takes of AWS. */
export interface Consumption {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly tableGb: number;
  readonly secretReads: number;
  readonly secretWrites: number;
  readonly messages: number;
  readonly batches: number;
  readonly sqsRequests: number;
  readonly fetches: number;
  readonly refreshes: number;
  readonly replyGb: number;
}

/**
 * A sweep asks every shard of grants, by provider and under registrations of organizations, of submissions and of users'
 * slots, and what is known of each provider.
 */
const SWEEP_READ_UNITS = ((PROVIDERS.length + 3) * DUE_SHARDS) / 2 + PROVIDERS.length;

const mixed = (google: number, of: (provider: 'microsoft' | 'google') => number): number =>
  of('google') * google + of('microsoft') * (1 - google);

/** Each thing as often as it happened, times what the broker's own code was seen to take for it. */
export const consumptionOf = (mailboxes: number, month: Day, costs: FleetCosts): Consumption => {
  const refreshes = month.microsoft + month.google;
  const google = month.google / refreshes;
  const total = (pick: (cost: Cost) => number): number => {
    const each = (what: keyof Costs) =>
      mixed(google, (provider) => {
        const cost = costs[provider][what];
        return typeof cost === 'number' ? cost : pick(cost);
      });
    const stored = pick(costs.microsoft.stored) - pick(costs.microsoft.refreshed);
    return (
      (refreshes - month.waited) * each('refreshed') +
      month.waited * each('waited') +
      month.stored * stored +
      month.postponed * each('postponed') +
      month.fetched * each('fetched') +
      month.used * each('used')
    );
  };
  const batches = month.messages / batchFill(month.messages / MONTH_SECONDS);
  const bytesOf = (provider: 'microsoft' | 'google') => costs[provider].storedBytes + costs[provider].indexBytes;
  const sweepPages = (month.messages * costs.microsoft.indexBytes) / 4096 / 2;
  return {
    readUnits: total(({ readUnits }) => readUnits) + SWEEPS * SWEEP_READ_UNITS + sweepPages,
    writeUnits: total(({ writeUnits }) => writeUnits),
    tableGb: (mailboxes * mixed(GOOGLE_SHARE, bytesOf)) / GB,
    secretReads: total(({ secretReads }) => secretReads),
    secretWrites: total(({ secretWrites }) => secretWrites),
    messages: month.messages,
    batches,
    sqsRequests:
      month.messages / 10 + 2 * batches + SWEEPS * deployment.QUEUE_COUNTS_PER_SWEEP + emptyReceives(batches),
    fetches: month.fetched,
    refreshes,
    replyGb: (month.fetched * mixed(google, (provider) => deployment.REPLY_KB[provider]) * 1000) / GB,
  };
};

/** A poller takes what has come while the batch before was in hand. */
export const batchFill = (messagesPerSecond: number): number =>
  Math.min(deployment.BATCH_SIZE, Math.max(1, (messagesPerSecond * deployment.REFRESH_SECONDS) / deployment.POLLERS));

const emptyReceives = (batches: number): number =>
  Math.max(0, (deployment.POLLERS * MONTH_SECONDS) / deployment.EMPTY_RECEIVE_SECONDS - batches);

export interface Line {
  readonly what: string;
  readonly dollars: number;
}

export const gbSeconds = (seconds: number): number => (seconds * deployment.MEMORY_MB) / 1024;

export const lambda = (invocations: number, seconds: number): number =>
  invocations * PRICES.lambdaRequests + gbSeconds(seconds) * PRICES.lambdaGbSeconds;

/** Warm processes read their key rings every five minutes, those that open envelopes one more. */
export const keyReadings = (fetches: number, refreshes: number, rings: number): number => {
  const atOnce = (fetches * deployment.FETCH_SECONDS + refreshes * deployment.REFRESH_SECONDS) / MONTH_SECONDS;
  const processes = deployment.WARM_PROCESSES.least + deployment.WARM_PROCESSES.each * atOnce;
  return (processes * rings * MONTH_SECONDS * 1000) / SECRET_READ_EVERY_MS;
};

/** The month's bill, line by line. */
export const billOf = (mailboxes: number, vault: VaultName, used: Consumption, waited: number): readonly Line[] => {
  const { fetches, refreshes, messages, batches } = used;
  const { httpRequests, httpFirst } = PRICES;
  const ownReadings = keyReadings(fetches, refreshes, vault === 'envelope' ? 2 : 1);
  const sweepSeconds = SWEEPS * deployment.SWEEP_SECONDS + messages * deployment.SWEEP_SECONDS_PER_MESSAGE;
  const logGb = ((fetches * deployment.LOG_KB.fetch + refreshes * deployment.LOG_KB.refresh) * 1000) / GB;
  return [
    {
      what: 'Secrets Manager: a secret for each mailbox',
      dollars: vault === 'envelope' ? 0 : mailboxes * PRICES.secret,
    },
    {
      what: 'Secrets Manager: reading and writing them',
      dollars: (used.secretReads + used.secretWrites) * PRICES.secretRequests,
    },
    {
      what: 'Secrets Manager: keys and configuration',
      dollars: deployment.OWN_SECRETS * PRICES.secret + ownReadings * PRICES.secretRequests,
    },
    { what: 'DynamoDB: writes', dollars: used.writeUnits * PRICES.dynamodbWrites },
    { what: 'DynamoDB: reads', dollars: used.readUnits * PRICES.dynamodbReads },
    { what: 'DynamoDB: storage and backup', dollars: used.tableGb * PRICES.dynamodbStorage },
    {
      what: 'Lambda: refreshing',
      dollars: lambda(batches + waited, (batches + waited) * deployment.REFRESH_SECONDS),
    },
    { what: 'Lambda: fetching', dollars: lambda(fetches, fetches * deployment.FETCH_SECONDS) },
    { what: 'Lambda: sweeping', dollars: lambda(SWEEPS, sweepSeconds) },
    { what: 'SQS', dollars: used.sqsRequests * PRICES.sqsRequests },
    {
      what: 'API Gateway (HTTP API)',
      dollars: Math.min(fetches, httpFirst) * httpRequests[0] + Math.max(0, fetches - httpFirst) * httpRequests[1],
    },
    { what: 'Logs', dollars: logGb * PRICES.logs },
    { what: 'Data out', dollars: dataOutDollars(used.replyGb) },
  ];
};
