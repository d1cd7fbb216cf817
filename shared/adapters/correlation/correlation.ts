import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** What every log line of one piece of work carries, by the names that it has there. */
export interface Correlation {
  /** The request that is being answered, as its client is told in `X-Request-Id`. */
  readonly request_id?: string;
  /** For work that no request waits for: the request, or the run of a sweep, that it goes back to, over queues and functions. */
  readonly correlation_id?: string;
  /** API Gateway's id of the request, as in its access log. */
  readonly api_request_id?: string | undefined;
  /** Lambda's id of the invocation, as in the lines that Lambda writes itself. */
  readonly function_request_id?: string | undefined;
}

/** How a message of SQS carries it. */
export const CORRELATION_ATTRIBUTE = 'correlation_id';

/** One of each chain of calls: what is done side by side in a process does not mix. */
const storage = new AsyncLocalStorage<Correlation>();

/** Does the work, and all that it begins, under what holds already and `more`. */
export const correlated = <Value>(more: Correlation, work: () => Value): Value =>
  storage.run({ ...storage.getStore(), ...more }, work);

/** What a log line says of where it belongs. */
export const correlation = (): Correlation | undefined => storage.getStore();

/** What is handed on with whatever is asked of another process; undefined: nothing asked for this. */
export const correlationId = (): string | undefined => {
  const held = storage.getStore();
  return held?.request_id ?? held?.correlation_id;
};

/** For work that goes back to no request: a run of the sweep, a message that an earlier version has queued. */
export const newCorrelationId = (): string => `run_${randomUUID()}`;
