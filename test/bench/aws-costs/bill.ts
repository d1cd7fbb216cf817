import { dueShards } from '../../../shared/domain/timing.ts';
import { messageBill, totalsOf } from '../relay/bill.ts';
import type { MessageCosts } from '../relay/costs.ts';
import {
  type Consumption,
  consumptionOf,
  dataOutDollars,
  type FleetCosts,
  GB,
  gbSeconds,
  keyReadings,
  type Line,
  MONTH_SECONDS,
  PRICES,
  SWEEPS,
} from '../scale/bill.ts';
import type { VaultName } from '../scale/costs.ts';
import * as deployment from '../scale/deployment.ts';
import type { Day } from '../scale/tally.ts';
import type { Deployed } from './deployed.ts';
import type { LogBytes } from './log-lines.ts';
import { HOURS_OF_MONTH, MORE_PRICES } from './prices.ts';

/** What the bill follows from besides what is simulated, counted and measured. */
export const ASSUMED = {
  /** The function that tells people asks its shards, and is done. */
  notifySeconds: 0.3,
  /** Through the NAT gateways for a refresh: to the provider and to Secrets Manager, both ways, TLS among it. */
  egressKbPerRefresh: 15,
  /** X-Ray's default rule: the first request in each second, and so many of the others. */
  tracedShare: 0.05,
  /** On the spool, at any time. */
  spoolGb: 1,
} as const;

/** What a month of one fleet is made of. */
export interface FleetMonth {
  readonly devices: number;
  readonly vault: VaultName;
  readonly month: Day;
  readonly costs: FleetCosts;
  readonly logBytes: LogBytes;
  readonly deployed: Deployed;
}

const tiered = (count: number, first: number, [price, after]: readonly [number, number]): number =>
  Math.min(count, first) * price + Math.max(0, count - first) * after;

const httpRequests = (count: number): number => tiered(count, PRICES.httpFirst, PRICES.httpRequests);
const restRequests = (count: number): number => tiered(count, MORE_PRICES.restFirst, MORE_PRICES.restRequests);

/** Each minute: what is due of the grants and the mail, and whom there is to tell. */
const SWEEPERS = 2;

/** Lambda asks the mail queue, too, whether or not there is mail. */
const EMPTY_MAIL_RECEIVES = (deployment.POLLERS * MONTH_SECONDS) / deployment.EMPTY_RECEIVE_SECONDS;

const NOTICE_READ_UNITS = (SWEEPS * dueShards('notice').length) / 2;

const workOf = (used: Consumption, waited: number) => {
  const refreshing = used.batches + waited;
  return {
    invocations: used.fetches + refreshing + SWEEPERS * SWEEPS,
    seconds:
      used.fetches * deployment.FETCH_SECONDS +
      refreshing * deployment.REFRESH_SECONDS +
      SWEEPS * (deployment.SWEEP_SECONDS + ASSUMED.notifySeconds) +
      used.messages * deployment.SWEEP_SECONDS_PER_MESSAGE,
  };
};

const functionLogGb = (used: Consumption, invocations: number, bytes: LogBytes): number =>
  (invocations * bytes.invocation +
    used.fetches * bytes.fetch +
    used.refreshes * bytes.refresh +
    SWEEPS * bytes.sweep) /
  GB;

/** The month's bill, line by line, of all that is deployed by default; no mail goes through it. */
export const monthBill = ({ devices, vault, month, costs, logBytes, deployed }: FleetMonth): readonly Line[] => {
  const used = consumptionOf(devices, month, costs);
  const { invocations, seconds } = workOf(used, month.waited);
  const isEnvelope = vault === 'envelope';
  const ownReads = keyReadings(used.fetches, used.refreshes, isEnvelope ? 2 : 1);
  // A store is two writes: the value, for which KMS is asked, and the move of the label, for which it is not.
  const keyUses = used.secretReads + used.secretWrites / 2 + ownReads;
  return [
    { what: 'Secrets Manager: a secret for each mailbox', dollars: isEnvelope ? 0 : devices * PRICES.secret },
    {
      what: 'Secrets Manager: calls for them',
      dollars: (used.secretReads + used.secretWrites) * PRICES.secretRequests,
    },
    {
      what: "Secrets Manager: the broker's own, and reading them",
      dollars: deployed.secrets * PRICES.secret + ownReads * PRICES.secretRequests,
    },
    {
      what: 'KMS: the keys of the secrets and of the alarms, and their uses',
      dollars: deployed.keys * MORE_PRICES.kmsKey + keyUses * MORE_PRICES.kmsRequests,
    },
    { what: 'DynamoDB: writes', dollars: used.writeUnits * PRICES.dynamodbWrites },
    { what: 'DynamoDB: reads', dollars: (used.readUnits + NOTICE_READ_UNITS) * PRICES.dynamodbReads },
    { what: 'DynamoDB: storage and backup', dollars: used.tableGb * PRICES.dynamodbStorage },
    { what: 'Lambda: requests', dollars: invocations * PRICES.lambdaRequests },
    { what: 'Lambda: GB-seconds', dollars: gbSeconds(seconds) * PRICES.lambdaGbSeconds },
    { what: 'API Gateway (HTTP API)', dollars: httpRequests(used.fetches) },
    {
      what: 'SQS',
      dollars: used.sqsRequests * PRICES.sqsRequests + EMPTY_MAIL_RECEIVES * PRICES.sqsFifoRequests,
    },
    { what: 'S3 (for mail alone)', dollars: 0 },
    { what: 'Scheduler', dollars: deployed.schedules * SWEEPS * MORE_PRICES.schedulerInvocations },
    { what: 'Logs: functions', dollars: functionLogGb(used, invocations, logBytes) * PRICES.logs },
    { what: 'Logs: access to the API', dollars: ((used.fetches * logBytes.access) / GB) * PRICES.logs },
    { what: 'CloudWatch: metrics', dollars: deployed.metrics * MORE_PRICES.metric },
    { what: 'CloudWatch: alarms', dollars: deployed.alarmMetrics * MORE_PRICES.alarmMetric },
    { what: 'CloudWatch: dashboard', dollars: deployed.dashboards * MORE_PRICES.dashboard },
    { what: 'Data out', dollars: dataOutDollars(used.replyGb) },
  ];
};

/** Traced of so many requests that came evenly: the first of each second, and a share of the rest. */
const traced = (requests: number): number => {
  const first = Math.min(requests, MONTH_SECONDS);
  return first + (requests - first) * ASSUMED.tracedShare;
};

const gatewayDollars = ({ gateway }: Deployed): number =>
  HOURS_OF_MONTH * (gateway.vcpus * MORE_PRICES.fargateVcpu + gateway.memoryGb * MORE_PRICES.fargateGb) +
  MORE_PRICES.loadBalancer +
  MORE_PRICES.loadBalancerUnit +
  gateway.addresses * MORE_PRICES.publicAddress +
  ASSUMED.spoolGb * MORE_PRICES.efsStorage;

/** Of so many messages. Their bill takes all data out at its first price; here it comes on top of what goes out anyhow. */
const mailDollars = (messages: number, costs: MessageCosts, replyGb: number): number => {
  const gb = (messages * totalsOf(costs).bytesOut) / GB;
  const atFirstPrice = messageBill(messages, costs).reduce((sum, { dollars }) => sum + dollars, 0);
  return atFirstPrice - gb * PRICES.dataOut + dataOutDollars(replyGb + gb) - dataOutDollars(replyGb);
};

/** What a month costs more with what is optional. `mail`: what one message of each kind takes. */
export const optionsBill = (
  { devices, month, costs, deployed }: FleetMonth,
  mail: readonly { readonly name: string; readonly costs: MessageCosts }[],
): readonly Line[] => {
  const used = consumptionOf(devices, month, costs);
  const egressGb = (used.refreshes * ASSUMED.egressKbPerRefresh * 1000) / GB;
  const fixedEgress =
    deployed.natGateways * MORE_PRICES.natGateway + deployed.egressAddresses * MORE_PRICES.publicAddress;
  const refreshing = used.batches + month.waited;
  const traces = traced(used.fetches) + traced(refreshing) + SWEEPERS * traced(SWEEPS);
  const throughMail = mail.map(({ name, costs: one }) => ({
    what: `Every scan sent through the broker, ${name} each`,
    dollars: mailDollars(used.fetches, one, used.replyGb),
  }));
  return [
    { what: 'Fixed addresses towards providers (`staticEgress`)', dollars: fixedEgress + egressGb * MORE_PRICES.natGb },
    {
      what: 'Every fetch by the address for old TLS (`legacyTls`)',
      dollars: restRequests(used.fetches) - httpRequests(used.fetches),
    },
    { what: 'Traces in X-Ray (`tracing`)', dollars: traces * MORE_PRICES.tracesRecorded },
    { what: 'The SMTP gateway on Fargate (`smtpGateway`)', dollars: gatewayDollars(deployed) },
    ...throughMail,
  ];
};
