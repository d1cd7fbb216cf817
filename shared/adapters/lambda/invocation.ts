import type { Context } from 'aws-lambda';
import { type Correlation, correlationId, newCorrelationId } from '../correlation/correlation.ts';

/** What Lambda hands to a handler with each event, as far as it matters here. Tests call handlers without. */
export type Invocation = Pick<Context, 'awsRequestId'>;

/** Under which all log lines of an invocation are written. */
export const invokedAs = (invocation: Invocation | undefined): Correlation => ({
  function_request_id: invocation?.awsRequestId,
});

/** What one function asks of another, as Invoke takes it, with what it goes back to. */
export const payloadOf = (request: object): Buffer =>
  Buffer.from(JSON.stringify({ ...request, correlation_id: correlationId() }));

/** What a request of `payloadOf` goes back to; an earlier version does not say. */
export const askedFor = (event: object): Correlation => {
  const id = 'correlation_id' in event ? event.correlation_id : undefined;
  return { correlation_id: typeof id === 'string' ? id : newCorrelationId() };
};
