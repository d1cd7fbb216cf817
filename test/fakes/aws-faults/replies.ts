import { Readable } from 'node:stream';

/** What a service's HTTP reply looks like to the SDK's deserializer. */
export interface FakeResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** One error as a service writes it on the wire. */
interface Shape {
  readonly status: number;
  readonly code: string;
}

/**
 * How each service says "not so fast" (API references, common errors; error handling of DynamoDB, Lambda's Invoke and S3), and
 * how it says that it failed. Where there are several, they come in turn.
 */
const SHAPES: Readonly<Record<string, { readonly throttled: readonly Shape[]; readonly failed: readonly Shape[] }>> = {
  DynamoDB: {
    throttled: [
      { status: 400, code: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException' },
      { status: 400, code: 'com.amazon.coral.availability#ThrottlingException' },
      { status: 400, code: 'com.amazonaws.dynamodb.v20120810#RequestLimitExceeded' },
    ],
    failed: [
      { status: 500, code: 'com.amazonaws.dynamodb.v20120810#InternalServerError' },
      { status: 503, code: 'com.amazonaws.dynamodb.v20120810#ServiceUnavailable' },
    ],
  },
  SQS: {
    throttled: [
      { status: 403, code: 'com.amazonaws.sqs#RequestThrottled' },
      { status: 400, code: 'com.amazon.coral.availability#ThrottlingException' },
    ],
    failed: [{ status: 500, code: 'com.amazonaws.sqs#InternalFailure' }],
  },
  'Secrets Manager': {
    throttled: [{ status: 400, code: 'ThrottlingException' }],
    failed: [{ status: 500, code: 'InternalServiceError' }],
  },
  S3: {
    throttled: [{ status: 503, code: 'SlowDown' }],
    failed: [
      { status: 500, code: 'InternalError' },
      { status: 503, code: 'ServiceUnavailable' },
    ],
  },
  Lambda: {
    throttled: [{ status: 429, code: 'TooManyRequestsException' }],
    failed: [{ status: 500, code: 'ServiceException' }],
  },
};

const bodyOf = (service: string, code: string): string => {
  if (service === 'S3') return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Injected.</Message></Error>`;
  return JSON.stringify({ __type: code, message: 'Injected.', Message: 'Injected.' });
};

/** The reply of a service in trouble, read by the SDK like any other. `turn` chooses among those that it has. */
export const troubleReply = (service: string, what: 'throttled' | 'failed', turn: number): FakeResponse => {
  const shapes = SHAPES[service]?.[what] ?? [];
  const shape = shapes[turn % shapes.length];
  if (shape === undefined) throw new Error(`nobody has written down how ${service} says "${what}"`);
  const { status, code } = shape;
  return {
    statusCode: status,
    headers: {
      'content-type': service === 'S3' ? 'application/xml' : 'application/x-amz-json-1.0',
      ...(service === 'Lambda' && { 'x-amzn-errortype': code }),
    },
    body: Readable.from([Buffer.from(bodyOf(service, code))]),
  };
};

/** What the SDK's HTTP handler throws where no answer came in time. */
export const timeOut = (): Error =>
  Object.assign(new Error('Injected: no answer came in time.'), { name: 'TimeoutError', code: 'ETIMEDOUT' });
