import { buffer } from 'node:stream/consumers';
import type * as v from 'valibot';
import type { BrokerError, ErrorKind } from '../../domain/errors.ts';
import { ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { GatewayLink, PassedMessage } from '../../ports/gateway-link.ts';
import {
  fitsHeader,
  LONGEST_MIN_TTL_SECONDS,
  PACE_ANSWER,
  PASSED,
  SERVED_DEVICE,
  SERVED_TOKEN,
} from '../../protocol/gateway.ts';
import { REPORT_ANSWER } from '../../protocol/gateway-report.ts';
import { inSnakeCase } from '../../protocol/snake-case.ts';
import { answerIn, unreachable } from './broker-answer.ts';
import { askBroker, brokerBase } from './broker-call.ts';
import { reportsOf } from './reports.ts';
import { uploadMessage } from './upload-message.ts';

export interface HttpGatewayLinkOptions {
  /** `https://`, or `http://` on loopback. */
  readonly brokerUrl: string;
  /** The gateway's own, from its enrolment. */
  readonly credential: { readonly clientId: string; readonly clientSecret: string };
  readonly clock: Clock;
  /** For what is answered at once. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/** The broker itself ends what takes longer (API Gateway at 30 s); a token may have to be refreshed first. */
const LONG_TIMEOUT_MS = 31_000;

/** A large message over a slow line. */
const CONTENT_TIMEOUT_MS = 600_000;

/** The broker takes 4.5 MB in a request; larger ones are uploaded. */
const INLINE_LIMIT_BYTES = 4_000_000;

/** The fault is on the way; uploaded anew it may be right. */
const AMISS_UPLOADS: readonly ErrorKind[] = ['upload_unknown', 'upload_incomplete'];

const basic = ({ clientId, clientSecret }: HttpGatewayLinkOptions['credential']): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

/** The broker over HTTPS. */
export const httpGatewayLink = ({
  brokerUrl,
  credential,
  clock,
  timeoutMs = TIMEOUT_MS,
}: HttpGatewayLinkOptions): GatewayLink => {
  const base = brokerBase(brokerUrl);
  const own = { authorization: basic(credential) };

  const post = async <Schema extends v.GenericSchema>(
    path: string,
    body: object,
    schema: Schema,
    { longerMs = timeoutMs, headers = {} }: { longerMs?: number; headers?: Record<string, string> } = {},
  ): Promise<Result<v.InferOutput<Schema>, BrokerError>> => {
    const reply = await askBroker({
      method: 'POST',
      url: new URL(path, base),
      headers: { ...own, ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(inSnakeCase(body)),
      timeoutMs: longerMs,
    });
    return answerIn(reply, schema);
  };

  const passInline = async (message: PassedMessage, envelopeTo: string) => {
    const { id, clientId, slot, mailboxId } = message;
    const url = new URL('v1/gateway/messages', base);
    url.search = new URLSearchParams({ client_id: clientId, slot, mailbox_id: mailboxId }).toString();
    const reply = await askBroker({
      method: 'POST',
      url,
      headers: {
        ...own,
        'content-type': 'message/rfc822',
        'idempotency-key': id,
        'x-envelope-to': envelopeTo,
      },
      body: await buffer(await message.open()),
      timeoutMs: CONTENT_TIMEOUT_MS,
    });
    return answerIn(reply, PASSED);
  };

  const passUploaded = async (message: PassedMessage): Promise<Result<v.InferOutput<typeof PASSED>, BrokerError>> => {
    const { id, clientId, slot, mailboxId, to } = message;
    const uploaded = await uploadMessage({ base, own, timeoutMs, contentTimeoutMs: CONTENT_TIMEOUT_MS }, message);
    if (!uploaded.ok) return uploaded;
    const named = { clientId, slot, mailboxId, uploadId: uploaded.value, to };
    const headers = { 'idempotency-key': id };
    const passed = await post('v1/gateway/messages', named, PASSED, { longerMs: LONG_TIMEOUT_MS, headers });
    if (passed.ok || !AMISS_UPLOADS.includes(passed.error.kind)) return passed;
    return unreachable(`The message was not uploaded as it is (${passed.error.kind}).`);
  };

  return {
    admit: (presented) => post('v1/gateway/devices', presented, SERVED_DEVICE),

    async token({ mailboxId, audience, minTtlSeconds }) {
      const askedAt = epochSeconds(clock);
      const wish = { mailboxId, audience, minTtlSeconds: Math.min(minTtlSeconds, LONGEST_MIN_TTL_SECONDS) };
      const token = await post('v1/gateway/tokens', wish, SERVED_TOKEN, { longerMs: LONG_TIMEOUT_MS });
      if (!token.ok) return token;
      const { accessToken, expiresIn, server, apiUrl } = token.value;
      return ok({ accessToken, expiresAt: askedAt + expiresIn, server, apiUrl });
    },

    pace: ({ mailboxId, ...step }) =>
      post(`v1/gateway/mailboxes/${encodeURIComponent(mailboxId)}/pace`, step, PACE_ANSWER),

    async pass(message) {
      const envelopeTo = message.to.join(',');
      const isSmall = message.sizeBytes <= INLINE_LIMIT_BYTES && fitsHeader(envelopeTo);
      return isSmall ? passInline(message, envelopeTo) : passUploaded(message);
    },

    async report(report) {
      const signedInAt: Record<string, number> = {};
      for (const part of reportsOf(report)) {
        const answer = await post('v1/gateway/reports', part, REPORT_ANSWER, { longerMs: LONG_TIMEOUT_MS });
        if (!answer.ok) return answer;
        for (const { mailboxId, at } of answer.value.signedIn) signedInAt[mailboxId] = at;
      }
      return ok({ signedInAt });
    },
  };
};
