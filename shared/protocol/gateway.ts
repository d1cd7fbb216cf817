import * as v from 'valibot';
import { type BrokerError, brokerError, ERROR_KINDS, type ErrorKind } from '../domain/errors.ts';
import type { ServedDevice, ServedToken } from '../domain/gateway.ts';
import { ROUTE_CHOICES } from '../domain/outbox.ts';
import { AUDIENCES, PROVIDERS } from '../domain/provider.ts';
import { type ErrorReply, problemReply } from './error-replies.ts';
import { inSnakeCase } from './snake-case.ts';
import type { Language } from './texts/index.ts';

/** Both ends of a gateway's link speak the domain's objects, in wire spelling; times are epoch seconds. */

/** What becomes a part of a key, or of a line of the log. */
export const shortText = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

/** Longest first come the broker's own texts; of a server's the console shows less. */
const LONG_TEXT = 4000;
export const longText = v.pipe(
  v.string(),
  v.transform((text) => text.slice(0, LONG_TEXT)),
);
export const seconds = v.pipe(v.number(), v.finite(), v.minValue(0));
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** IPv6 with a zone at most. */
const address = v.pipe(v.string(), v.minLength(1), v.maxLength(64));

/** `slot` is looked up as it is: one that is none is bound to nothing. */
export const PRESENTED_CREDENTIAL = v.object({
  clientId: v.pipe(shortText, v.toLowerCase()),
  clientSecret: shortText,
  slot: v.pipe(v.string(), v.minLength(1), v.maxLength(72)),
  address,
});

/** A longer one than any token's life asks for a new one. */
export const LONGEST_MIN_TTL_SECONDS = 86_400;

export const TOKEN_WISH = v.object({
  mailboxId: shortText,
  audience: v.picklist(AUDIENCES),
  minTtlSeconds: v.pipe(seconds, v.maxValue(LONGEST_MIN_TTL_SECONDS)),
});

export const PACE_STEP = v.object({
  owner: shortText,
  ended: v.exactOptional(v.object({ wasSent: v.boolean(), secondsAgo: v.pipe(v.number(), v.finite()) })),
  wants: v.picklist(['permit', 'release']),
});

/** In the query of a message that is the body itself. */
export const PASSED_INLINE = v.object({ clientId: shortText, slot: shortText, mailboxId: shortText });

/** Of one that was uploaded. */
export const PASSED_UPLOAD = v.object({
  ...PASSED_INLINE.entries,
  uploadId: shortText,
  to: v.pipe(v.array(v.pipe(v.string(), v.maxLength(320))), v.minLength(1), v.maxLength(1000)),
});

/** A header of HTTP is ASCII, and API Gateway has 10 KB for all of them: other envelopes go with an upload. */
const ENVELOPE_HEADER_LIMIT = 4096;

export const fitsHeader = (envelopeTo: string): boolean =>
  envelopeTo.length <= ENVELOPE_HEADER_LIMIT && /^[\x20-\x7e]*$/.test(envelopeTo);

const senderPolicy = v.variant('name', [
  v.object({ name: v.picklist(['login_user', 'user_may_change', 'administrator']) }),
  v.object({ name: v.literal('configured'), address: v.string() }),
]);

export const SERVED_DEVICE = v.object({
  clientId: v.string(),
  organizationId: v.string(),
  metadata: v.object({ clientName: v.string(), locale: v.exactOptional(v.string()) }),
  slot: v.string(),
  senderPolicy: v.exactOptional(senderPolicy),
  rewriteSender: v.exactOptional(v.boolean()),
  mailbox: v.object({
    id: v.string(),
    organizationId: v.string(),
    provider: v.picklist(PROVIDERS),
    address: v.string(),
    aliases: v.array(v.string()),
    route: v.exactOptional(v.picklist(ROUTE_CHOICES)),
  }),
}) satisfies v.GenericSchema<unknown, ServedDevice>;

/** Without a time of day: the two clocks need not agree. */
export const SERVED_TOKEN = v.object({
  accessToken: v.string(),
  expiresIn: v.number(),
  server: v.optional(
    v.object({ host: v.string(), port: v.number(), security: v.picklist(['starttls', 'tls']) }),
    undefined,
  ),
  apiUrl: v.optional(v.string(), undefined),
});

export const servedTokenReply = ({ expiresAt, ...token }: ServedToken, now: number): object =>
  inSnakeCase({ ...token, expiresIn: expiresAt - now });

export const PACE_ANSWER = v.variant('granted', [
  v.object({ granted: v.literal(true) }),
  v.object({ granted: v.literal(false), why: v.picklist(['busy', 'limit']), waitMs: v.number() }),
]);

export const PASSED = v.object({ submissionId: v.string() });

const URN = 'urn:token-broker:error:';

/** As `WWW-Authenticate` is for the gateway's own credential, 401 is. */
const OF_ANOTHER_STATUS = 403;

/**
 * What is wrong with what a gateway asked for: problem details (RFC 9457) of which every member comes back. 401 would say that
 * the gateway itself is not known (RFC 9110 section 15.5.2); this is of the device, or the mailbox.
 */
export const gatewayProblem = (asked: {
  readonly error: BrokerError;
  readonly language: Language;
  readonly requestId: string;
}): ErrorReply => {
  const { status, contentType, headers, body } = problemReply(asked);
  const { 'WWW-Authenticate': _challenge, ...others } = headers;
  const { retryAfterSeconds } = asked.error;
  const told = status === 401 ? OF_ANOTHER_STATUS : status;
  const wait = retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds };
  return { status: told, contentType, headers: others, body: { ...body, status: told, ...wait } };
};

const PROBLEM = v.object({
  type: v.string(),
  title: v.exactOptional(v.string()),
  detail: v.exactOptional(v.string()),
  retry_after_seconds: v.exactOptional(v.number()),
  provider_code: v.exactOptional(v.string()),
  correlation_id: v.exactOptional(v.string()),
});

const isKind = (text: string): text is ErrorKind => (ERROR_KINDS as readonly string[]).includes(text);

/** The error that a problem tells; undefined: it is none of the broker's, or of a kind that this version does not know. */
export const problemError = (json: unknown): BrokerError | undefined => {
  const parsed = v.safeParse(PROBLEM, json);
  if (!parsed.success || !parsed.output.type.startsWith(URN)) return undefined;
  const { type, detail, retry_after_seconds, provider_code, correlation_id } = parsed.output;
  const kind = type.slice(URN.length);
  if (!isKind(kind)) return undefined;
  return {
    ...brokerError(kind, detail),
    ...(retry_after_seconds === undefined ? {} : { retryAfterSeconds: retry_after_seconds }),
    ...(provider_code === undefined ? {} : { code: provider_code }),
    ...(correlation_id === undefined ? {} : { correlationId: correlation_id }),
  };
};
