import * as v from 'valibot';
import { VERSION } from '../../config/version.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { unreachable } from './broker-answer.ts';
import { askBroker, brokerBase } from './broker-call.ts';

/** By which the gateway is known from now on. To be kept secret, and for good: it is shown once. */
export interface GatewayCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  /** With which it looks after its own registration (RFC 7592). */
  readonly registrationAccessToken: string;
}

const TIMEOUT_MS = 30_000;

/** RFC 7591 section 3.2.1. */
const REGISTERED = v.object({
  client_id: v.string(),
  client_secret: v.string(),
  registration_access_token: v.string(),
});

/** RFC 7591 section 3.2.2. */
const REFUSED = v.object({ error: v.string(), error_description: v.optional(v.string()) });

/** `error` on the wire, as `protocol/outcomes.ts` has it for what can be wrong here. */
const KINDS = {
  invalid_token: 'invalid_enrolment_token',
  slow_down: 'too_many_attempts',
  invalid_client_metadata: 'invalid_client_metadata',
} as const;

const isKnown = (error: string): error is keyof typeof KINDS => error in KINDS;

/**
 * Registers a gateway with the broker by an enrolment token (RFC 7591). Errors: `invalid_enrolment_token`, `too_many_attempts`,
 * `invalid_client_metadata` for a name that is none, `broker_unreachable`. Throws `TypeError` for an address that is no
 * `https://`.
 */
export const enrolGateway = async ({
  brokerUrl,
  enrolmentToken,
  name,
}: {
  readonly brokerUrl: string;
  readonly enrolmentToken: string;
  readonly name: string;
}): Promise<Result<GatewayCredentials, BrokerError>> => {
  const reply = await askBroker({
    method: 'POST',
    url: new URL('oauth/register', brokerBase(brokerUrl)),
    headers: { authorization: `Bearer ${enrolmentToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: name, software_id: 'token-broker-gateway', software_version: VERSION }),
    timeoutMs: TIMEOUT_MS,
  });
  if (reply.outcome === 'unreachable') return unreachable(`The broker cannot be reached (${reply.reason}).`);
  const registered = v.safeParse(REGISTERED, reply.json);
  if (reply.status === 201 && registered.success) {
    const { client_id, client_secret, registration_access_token } = registered.output;
    return ok({
      clientId: client_id,
      clientSecret: client_secret,
      registrationAccessToken: registration_access_token,
    });
  }
  const refused = v.safeParse(REFUSED, reply.json);
  if (!refused.success || !isKnown(refused.output.error)) {
    return unreachable(`Something else than the broker answered, with HTTP status ${reply.status}.`);
  }
  const { error, error_description: detail } = refused.output;
  const wait = error === 'slow_down' ? reply.retryAfterSeconds : undefined;
  return fail({ ...brokerError(KINDS[error], detail), ...(wait === undefined ? {} : { retryAfterSeconds: wait }) });
};
