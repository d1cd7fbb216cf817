import * as v from 'valibot';
import { type BrokerError, brokerError, type ErrorKind } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { problemError } from '../../protocol/gateway.ts';
import { fromSnakeCase } from '../../protocol/snake-case.ts';
import type { BrokerReply } from './broker-call.ts';

/** What says nothing of what was asked: the broker has failed, or has no such door. */
const NO_ANSWERS: Readonly<Partial<Record<ErrorKind, string>>> = {
  internal: 'The broker failed. Its log says why.',
  store_unavailable: 'The broker cannot reach its data for the moment.',
  not_found: 'There is no broker at this address, or one that knows no gateways: check the address, or update it.',
  method_not_allowed: 'The broker is of another version: update it, or the gateway.',
};

const REFUSED =
  'The broker refused the gateway itself: enable it in the console, or enrol it again with a new enrolment token.';
const LOCKED = 'The credential of the gateway was presented wrongly too often, perhaps by somebody else.';

export const unreachable = (detail: string, retryAfterSeconds?: number) =>
  fail<BrokerError>({
    ...brokerError('broker_unreachable', detail),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });

/** Why a reply is no answer that this schema fits. */
const refusalOf = (reply: Extract<BrokerReply, { outcome: 'replied' }>) => {
  const { status, headers, retryAfterSeconds, json } = reply;
  // The broker says so of the gateway's own credential, and of nothing else.
  if (headers.has('www-authenticate')) return unreachable(status === 401 ? REFUSED : LOCKED, retryAfterSeconds);
  const error = status >= 400 ? problemError(json) : undefined;
  if (error) {
    const detail = NO_ANSWERS[error.kind];
    return detail === undefined ? fail(error) : unreachable(detail, retryAfterSeconds);
  }
  if (status === 429) return unreachable('The broker is asked too often.', retryAfterSeconds);
  return unreachable(`Something else than the broker answered, with HTTP status ${status}.`, retryAfterSeconds);
};

/** What the broker answered, or its error; where it is none of the broker's, `broker_unreachable`. */
export const answerIn = <Schema extends v.GenericSchema>(
  reply: BrokerReply,
  schema: Schema,
): Result<v.InferOutput<Schema>, BrokerError> => {
  if (reply.outcome === 'unreachable') return unreachable(`The broker cannot be reached (${reply.reason}).`);
  if (reply.status < 200 || reply.status > 299) return refusalOf(reply);
  const parsed = v.safeParse(fromSnakeCase(schema), reply.json);
  return parsed.success ? ok(parsed.output) : unreachable('The answer is not one of the broker.');
};
