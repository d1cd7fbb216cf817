import { RETENTION_DAYS } from '../../../shared/domain/retention.ts';
import { type Line, lambda, PRICES } from '../scale/bill.ts';
import { LOG_KB } from '../scale/deployment.ts';
import type { Asked, MessageCosts } from './costs.ts';
import { CHARGES, type Charge } from './counted-s3.ts';

/** What the bill follows from besides what is counted. `npm run bench` prints what a processor really takes. */
export const ASSUMED = {
  /** A request at the HTTP API, but for what grows with the message. */
  requestSeconds: 0.03,
  /** Reading a message twice and storing it: a function of 512 MB has 0.29 of a processor (facts/aws.md section 3). */
  acceptBytesPerSecond: 5e6,
  /** To connect, sign in, be answered, and write it all down. */
  sessionSeconds: 2,
  /** As the provider takes it. */
  sendBytesPerSecond: 5e6,
  /** Most messages wait for seconds; those that are held, for days. */
  storedDays: 1,
  /** TLS and its records, the dialogue, and an access token. */
  sessionBytes: 10_000,
  recordOverhead: 1.01,
} as const;

const DAYS_OF_MONTH = 30;
const GB = 1e9;

/** SQS is asked by Lambda to receive and to delete, besides what is counted. */
const POLLER_REQUESTS = 2;

const sum = (asked: readonly Asked[], of: (one: Asked) => number): number =>
  asked.reduce((total, one) => total + of(one), 0);

const charged = (asked: readonly Asked[], charge: Charge): number =>
  sum(asked, ({ s3 }) => s3.filter((operation) => CHARGES[operation] === charge).length);

/** What a message takes, all in all. */
export const totalsOf = ({ begun, accepted, sent, byUpload, sentBytes, keptBytes }: MessageCosts) => {
  const all = [begun, accepted, sent];
  const httpRequests = byUpload ? 2 : 1;
  return {
    httpRequests,
    invocations: httpRequests + 1,
    functionSeconds:
      httpRequests * ASSUMED.requestSeconds +
      sentBytes / ASSUMED.acceptBytesPerSecond +
      ASSUMED.sessionSeconds +
      sentBytes / ASSUMED.sendBytesPerSecond,
    readUnits: sum(all, ({ metered }) => metered.reduce((units, { readUnits }) => units + readUnits, 0)),
    writeUnits: sum(all, ({ metered }) => metered.reduce((units, { writeUnits }) => units + writeUnits, 0)),
    sqsRequests: sum(all, ({ queued }) => queued) + POLLER_REQUESTS,
    s3Puts: charged(all, 'put'),
    s3Gets: charged(all, 'get'),
    bytesOut: sentBytes * ASSUMED.recordOverhead + ASSUMED.sessionBytes,
    keptBytes,
  };
};

/** Of so many messages of one kind, line by line. */
export const messageBill = (messages: number, costs: MessageCosts): readonly Line[] => {
  const used = totalsOf(costs);
  const storedMonths = ASSUMED.storedDays / DAYS_OF_MONTH;
  const keptMonths = RETENTION_DAYS.unlessSet / DAYS_OF_MONTH;
  const logBytes = (used.httpRequests * LOG_KB.fetch + LOG_KB.refresh) * 1000;
  const lines = [
    { what: 'Data out, to the provider', dollars: (used.bytesOut / GB) * PRICES.dataOut },
    { what: 'Lambda', dollars: lambda(used.invocations, used.functionSeconds) },
    {
      what: 'DynamoDB: writes and reads',
      dollars: used.writeUnits * PRICES.dynamodbWrites + used.readUnits * PRICES.dynamodbReads,
    },
    { what: 'DynamoDB: storage and backup', dollars: (used.keptBytes / GB) * keptMonths * PRICES.dynamodbStorage },
    { what: 'S3: requests', dollars: used.s3Puts * PRICES.s3Puts + used.s3Gets * PRICES.s3Gets },
    { what: 'S3: storage', dollars: (costs.sentBytes / GB) * storedMonths * PRICES.s3Storage },
    { what: 'SQS (FIFO)', dollars: used.sqsRequests * PRICES.sqsFifoRequests },
    { what: 'API Gateway (HTTP API)', dollars: used.httpRequests * PRICES.httpRequests[0] },
    { what: 'Logs', dollars: (logBytes / GB) * PRICES.logs },
  ];
  return lines.map(({ what, dollars }) => ({ what, dollars: dollars * messages }));
};
