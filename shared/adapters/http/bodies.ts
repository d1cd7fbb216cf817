import * as v from 'valibot';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { inputProblem } from '../../domain/input-problem.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { AnyContext } from './app.ts';

const mediaType = (c: AnyContext): string =>
  (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/**
 * `application/x-www-form-urlencoded` as names and values. A parameter given twice is an error (RFC 6749 section 3.2);
 * one without a value counts as absent.
 */
export const readForm = async (c: AnyContext): Promise<Result<Record<string, string>, BrokerError>> => {
  if (mediaType(c) !== 'application/x-www-form-urlencoded') {
    return fail(brokerError('unsupported_media_type', 'Send application/x-www-form-urlencoded.'));
  }
  return parametersOf(new URLSearchParams(await c.req.text()));
};

/** The same for a query. */
export const readQuery = (c: AnyContext): Result<Record<string, string>, BrokerError> =>
  parametersOf(new URL(c.req.url).searchParams);

const parametersOf = (parameters: URLSearchParams): Result<Record<string, string>, BrokerError> => {
  const form = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (form.has(name)) return fail(brokerError('invalid_request', `Parameter "${name.slice(0, 64)}" is given twice.`));
    if (value !== '') form.set(name, value);
  }
  return ok(Object.fromEntries(form));
};

/** Any JSON value. `whenEmpty` stands in for a body that was left out; without it one is required. */
export const readJson = async (c: AnyContext, whenEmpty?: unknown): Promise<Result<unknown, BrokerError>> => {
  const text = await c.req.text();
  if (text === '' && whenEmpty !== undefined) return ok(whenEmpty);
  const type = mediaType(c);
  if (type !== 'application/json' && !type.endsWith('+json')) {
    return fail(brokerError('unsupported_media_type', 'Send application/json.'));
  }
  try {
    return ok(JSON.parse(text));
  } catch {
    return fail(brokerError('invalid_request', 'The body is not JSON.'));
  }
};

/** JSON that fits the schema; an unknown field is an error where the schema is strict. Errors name the field. */
export const readJsonAs = async <Schema extends v.GenericSchema>(
  c: AnyContext,
  schema: Schema,
  whenEmpty?: unknown,
): Promise<Result<v.InferOutput<Schema>, BrokerError>> => {
  const body = await readJson(c, whenEmpty);
  if (!body.ok) return body;
  const parsed = v.safeParse(schema, body.value);
  if (parsed.success) return ok(parsed.output);
  const [issue] = parsed.issues;
  return fail(brokerError('invalid_request', `${v.getDotPath(issue) ?? 'The body'} ${inputProblem(issue)}.`));
};
