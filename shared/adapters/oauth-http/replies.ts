import type { BrokerError, ErrorKind } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { AccessTokenReply, ProviderFailure } from '../../ports/identity-provider.ts';
import type { JsonObject } from '../http-client/json-object.ts';
import type { Exchange } from './exchange.ts';

/** `code` redeems an authorization code, `refresh` uses a refresh token. */
export type TokenRequest = 'code' | 'refresh';

/** What a provider's error means. Every condition given must hold; the first row that fits decides. */
export interface ReplyRow {
  /** `error` of RFC 6749 section 5.2. */
  readonly errors?: readonly string[];
  /** AADSTS numbers, from `error_codes` or the description. */
  readonly codes?: readonly number[];
  /** `suberror` (Microsoft) or `error_subtype` (Google). */
  readonly suberrors?: readonly string[];
  readonly description?: RegExp;
  readonly request?: TokenRequest;
  readonly class: ProviderFailure['class'];
  /**
   * `registration` only where every call would be refused, whoever's grant it uses: all of them pause for it. What one
   * organization's administrator can bring about must not stop the others.
   */
  readonly affects: ProviderFailure['affects'];
  readonly kind: ErrorKind;
  /** What happened, then what to do, in one sentence of ours: nothing of the reply is repeated. */
  readonly message: string;
  /** At least this long, whatever the provider says. */
  readonly retryAfterSeconds?: number;
  /** The client secret itself was refused, so that another one may do (`makeTokenRequests`). */
  readonly refusesClientSecret?: boolean;
  readonly sample: { readonly status: number; readonly body: JsonObject };
}

/** What an error on the redirect back from the provider means (RFC 6749 section 4.1.2.1). */
export interface RedirectRow {
  readonly errors?: readonly string[];
  readonly codes?: readonly number[];
  readonly kind: ErrorKind;
  readonly message: string;
  readonly sample: RedirectError;
}

export interface RedirectError {
  readonly error: string;
  readonly errorDescription?: string | undefined;
}

export interface ReplyTable {
  /** As people know the provider. */
  readonly name: string;
  readonly rows: readonly ReplyRow[];
  readonly redirectRows: readonly RedirectRow[];
}

/** A reply that yielded an access token. */
export type TokenReply = Omit<AccessTokenReply, 'formerStaysValid'> & { readonly idToken: unknown };

/**
 * The only errors by which a provider ends a grant or a sign-in: RFC 6749 section 5.2, and two that Microsoft answers
 * at the token endpoint besides. A row that says otherwise is not believed.
 */
const GRANT_ERRORS: readonly string[] = ['invalid_grant', 'interaction_required', 'consent_required'];

/** A reply without `expires_in`: above the refresh margin, below the shortest life either provider gives. */
const ASSUMED_LIFE_SECONDS = 1800;

/** The 28 hours of Microsoft's longest-lived tokens; what claims more is renewed earlier than it had to be. */
const LONGEST_LIFE_SECONDS = 100_800;

/** RFC 6749 section 5.1, or why there is no token. */
export const readTokenReply = (
  exchange: Exchange,
  table: ReplyTable,
  request: TokenRequest,
  askedScopes: readonly string[],
): Result<TokenReply, ProviderFailure> => {
  if (exchange.outcome === 'unreachable') return fail(unreachable(table, exchange.reason));
  const { status, body } = exchange;
  const given = status === 200 ? body : undefined;
  const refreshToken = textOf(given?.refresh_token);
  const accessToken = textOf(given?.access_token);
  const expiresInSeconds = lifeSeconds(given?.expires_in);
  if (given !== undefined && accessToken !== undefined && expiresInSeconds > 0) {
    const { scope } = given;
    return ok({
      accessToken,
      expiresInSeconds,
      ...(refreshToken !== undefined && { refreshToken }),
      scopes: typeof scope === 'string' && scope.trim() !== '' ? scope.trim().split(/\s+/) : askedScopes,
      idToken: given.id_token,
    });
  }
  const failure = classify(exchange, table, request);
  const waits = [failure.retryAfterSeconds, exchange.retryAfterSeconds].filter((seconds) => seconds !== undefined);
  return fail({
    ...failure,
    ...(waits.length > 0 && { retryAfterSeconds: Math.max(...waits) }),
    ...(refreshToken !== undefined && { refreshToken }),
  });
};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** A number by RFC 6749 section 5.1; some servers send it as text. */
const lifeSeconds = (expiresIn: unknown): number => {
  const seconds = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0
    ? Math.min(Math.floor(seconds), LONGEST_LIFE_SECONDS)
    : ASSUMED_LIFE_SECONDS;
};

const unreachable = ({ name }: ReplyTable, reason: string): ProviderFailure => ({
  class: 'retry_later',
  affects: 'provider',
  kind: 'provider_unavailable',
  code: 'network',
  message: `${name} could not be reached (${reason}).`,
});

type Replied = Extract<Exchange, { outcome: 'replied' }>;

const classify = ({ status, body }: Replied, table: ReplyTable, request: TokenRequest): ProviderFailure => {
  const passing = status === 408 || status === 429 || status >= 500;
  if (body === undefined || passing) {
    return {
      class: 'retry_later',
      affects: 'provider',
      kind: 'provider_unavailable',
      code: `http_${status}`,
      message: `${table.name} answered with HTTP status ${status}${passing ? '' : ' and no JSON'}.`,
      ...correlationOf(body),
    };
  }
  const reply = factsOf(body);
  const row = rowFor(reply, table, request);
  const number = reply.codes.find((code) => row?.codes?.includes(code)) ?? reply.codes[0];
  const code = number !== undefined ? `AADSTS${number}` : (reply.error ?? `http_${status}`);
  if (row === undefined) {
    return {
      class: 'retry_later',
      // The provider is up, and may well understand everybody else.
      affects: 'grant',
      kind: 'provider_unavailable',
      code,
      message: `${table.name} gave a reply that is not understood: the broker tries again.`,
      ...correlationOf(body),
    };
  }
  return {
    class: row.class,
    affects: row.affects,
    kind: row.kind,
    code,
    message: row.message,
    ...(row.retryAfterSeconds !== undefined && { retryAfterSeconds: row.retryAfterSeconds }),
    ...correlationOf(body),
  };
};

/**
 * Whether a failed request may be sent again with another client secret. RFC 6749 section 5.2 answers a failed client
 * authentication with 400 or 401; a reply under another status is no clear word.
 */
export const refusesClientSecret = (exchange: Exchange, table: ReplyTable, request: TokenRequest): boolean => {
  if (exchange.outcome !== 'replied' || exchange.body === undefined) return false;
  const refusal = exchange.status === 400 || exchange.status === 401;
  return refusal && rowFor(factsOf(exchange.body), table, request)?.refusesClientSecret === true;
};

const rowFor = (reply: ReplyFacts, { rows }: ReplyTable, request: TokenRequest): ReplyRow | undefined =>
  rows.find((row) => fits(row, reply, request));

interface ReplyFacts {
  readonly error: string | undefined;
  readonly codes: readonly number[];
  readonly suberror: string | undefined;
  readonly description: string;
}

/** Lower-case words only, as all OAuth errors are: no reply can smuggle a secret into a log. */
const ERROR_CODE = /^[a-z_]{1,40}$/;

const errorCode = (value: unknown): string | undefined =>
  typeof value === 'string' && ERROR_CODE.test(value) ? value : undefined;

const factsOf = (body: JsonObject): ReplyFacts => {
  const description = typeof body.error_description === 'string' ? body.error_description : '';
  return {
    error: errorCode(body.error),
    codes: codesOf(body.error_codes, description),
    suberror: errorCode(body.suberror) ?? errorCode(body.error_subtype),
    description,
  };
};

/** A number, or the digits of one; never converted by way of what a foreign object says of itself. */
const codeOf = (value: unknown): number | undefined =>
  (typeof value === 'number' || typeof value === 'string') && Number.isSafeInteger(Number(value))
    ? Number(value)
    : undefined;

const codesOf = (errorCodes: unknown, description: string): readonly number[] => {
  const listed = Array.isArray(errorCodes) ? errorCodes.map(codeOf).filter((code) => code !== undefined) : [];
  // Both: what spares the grant must be found wherever it stands.
  return [...listed, ...[...description.matchAll(/AADSTS(\d{4,9})/g)].map(([, digits]) => Number(digits))];
};

const fits = (row: ReplyRow, reply: ReplyFacts, request: TokenRequest): boolean =>
  (row.class !== 'person_must_act' || GRANT_ERRORS.includes(reply.error ?? '')) &&
  (row.request === undefined || row.request === request) &&
  (row.errors === undefined || row.errors.includes(reply.error ?? '')) &&
  (row.codes === undefined || row.codes.some((code) => reply.codes.includes(code))) &&
  (row.suberrors === undefined || row.suberrors.includes(reply.suberror ?? '')) &&
  (row.description === undefined || row.description.test(reply.description));

const IDENTIFIER = /^[A-Za-z0-9-]{8,64}$/;

/** What the provider's support asks for first. */
const correlationOf = (body: JsonObject | undefined): { readonly correlationId?: string } => {
  const id = [body?.correlation_id, body?.trace_id].find(
    (value) => typeof value === 'string' && IDENTIFIER.test(value),
  );
  return typeof id === 'string' ? { correlationId: id } : {};
};

/** Says in our words why the provider sent the browser back with an error; nothing of the query is repeated. */
export const readRedirectError = (
  { error, errorDescription = '' }: RedirectError,
  { name, redirectRows }: ReplyTable,
): BrokerError => {
  const codes = codesOf(undefined, errorDescription);
  const row = redirectRows.find(
    (candidate) =>
      (candidate.errors === undefined || candidate.errors.includes(error)) &&
      (candidate.codes === undefined || candidate.codes.some((code) => codes.includes(code))),
  );
  const number = codes.find((code) => row?.codes?.includes(code)) ?? codes[0];
  const correlationId = /Correlation ID: ([A-Za-z0-9-]{8,64})/i.exec(errorDescription)?.[1];
  return {
    kind: row?.kind ?? 'sign_in_refused',
    detail: row?.message ?? `${name} did not complete the sign-in.`,
    code: number !== undefined ? `AADSTS${number}` : (errorCode(error) ?? 'unknown_error'),
    ...(correlationId !== undefined && { correlationId }),
  };
};
