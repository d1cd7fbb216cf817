import * as v from 'valibot';
import { ERROR_KINDS } from '../domain/errors.ts';
import { GATEWAY_WAYS, type GatewayState, type ReportedSubmission } from '../domain/gateway.ts';
import type { Outbox } from '../domain/outbox.ts';
import { count, longText, seconds, shortText } from './gateway.ts';

/** In one report: a gateway with more tells it in several. */
export const REPORT_LIMIT = 100;

const reason = v.picklist(ERROR_KINDS);

/** Ids are drawn by the gateway (`timeSortedId`), and become keys and paths here. */
const submissionId = v.pipe(v.string(), v.regex(/^sub_[0-9a-z]{1,64}$/, 'is not the id of a submission'));

/** RFC 5321 section 4.5.3.1.3. */
const mailAddress = v.pipe(v.string(), v.minLength(1), v.maxLength(320));

const whatStops = { since: seconds, until: seconds, reason, response: longText };

const STOP = v.variant('cause', [
  v.object({ cause: v.literal('hold'), ...whatStops }),
  v.object({ cause: v.literal('pause'), ...whatStops, failures: count }),
]);

const OUTBOX = v.object({
  stop: v.exactOptional(STOP),
  detour: v.exactOptional(v.object(whatStops)),
  resumedAt: v.exactOptional(seconds),
}) satisfies v.GenericSchema<unknown, Outbox>;

const STATUS = v.variant('state', [
  v.object({ state: v.literal('queued') }),
  v.object({ state: v.literal('sending'), until: seconds }),
  v.object({ state: v.literal('sent'), at: seconds }),
  v.object({ state: v.literal('deferred'), until: seconds, reason }),
  v.object({ state: v.literal('failed'), at: seconds, reason }),
]);

const addresses = v.pipe(v.array(mailAddress), v.maxLength(1000));

/** What is of the broker alone (`gatewayId`) is dropped. */
const SUBMISSION = v.object({
  id: submissionId,
  organizationId: shortText,
  clientId: shortText,
  slot: shortText,
  mailboxId: shortText,
  account: mailAddress,
  messageId: v.pipe(v.string(), v.maxLength(1000)),
  envelope: v.object({ from: v.pipe(v.string(), v.maxLength(320)), to: addresses }),
  delivered: addresses,
  rejected: v.pipe(v.array(v.object({ address: mailAddress, response: longText })), v.maxLength(1000)),
  sizeBytes: count,
  eightBit: v.exactOptional(v.boolean()),
  mayRewriteSender: v.exactOptional(v.boolean()),
  senderRewritten: v.exactOptional(v.boolean()),
  acceptedAt: seconds,
  resentAt: v.exactOptional(seconds),
  attempts: count,
  unknownOutcomes: v.exactOptional(count),
  sentBy: v.exactOptional(v.picklist(['smtp', 'api'])),
  lastResponse: v.exactOptional(longText),
  status: STATUS,
});

const REPORTED = v.pipe(
  v.object({ submission: SUBMISSION, stop: v.exactOptional(STOP) }),
  v.transform(({ submission, stop }) => ({ submission, stop })),
) satisfies v.GenericSchema<unknown, ReportedSubmission>;

const STATE = v.object({
  version: shortText,
  startedAt: seconds,
  way: v.picklist(GATEWAY_WAYS),
  queued: count,
  oldestSeconds: seconds,
}) satisfies v.GenericSchema<unknown, GatewayState>;

const atMost = <Schema extends v.GenericSchema>(schema: Schema) => v.pipe(v.array(schema), v.maxLength(REPORT_LIMIT));

export const GATEWAY_REPORT = v.object({
  submissions: atMost(REPORTED),
  outboxes: atMost(v.object({ mailboxId: shortText, outbox: OUTBOX })),
  waiting: atMost(shortText),
  state: STATE,
});

/** As a list: the names of mailboxes are no fields. */
export const REPORT_ANSWER = v.object({ signedIn: v.array(v.object({ mailboxId: v.string(), at: v.number() })) });

export const reportAnswer = (signedInAt: Readonly<Record<string, number>>) => ({
  signedIn: Object.entries(signedInAt).map(([mailboxId, at]) => ({ mailboxId, at })),
});
