import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** What every client in a test needs; the keys are no secret. */
export const LOOPBACK_CLIENT = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};

/** One request of AWS's JSON protocols: `X-Amz-Target: <service>.<operation>`, a JSON body. */
export interface AwsRequest {
  readonly operation: string;
  readonly input: JsonObject;
  readonly body: Buffer;
  readonly headers: IncomingHttpHeaders;
}

export type JsonObject = { readonly [name: string]: unknown };

export interface AwsReply {
  readonly status: number;
  readonly body: JsonObject | Buffer;
}

/**
 * What a test may do to a request: answer in the emulator's place, carry it out but lose the answer (the connection
 * breaks), or break the connection before anything happens.
 */
export type Fault = AwsReply | 'lose_answer' | 'break_connection';

export type InjectFault = (request: AwsRequest) => Fault | undefined;

export interface Emulator {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** An error as AWS's JSON protocols write it. `extra` as in `CancellationReasons`. */
export class AwsError extends Error {
  readonly type: string;
  readonly extra: JsonObject;
  constructor(type: string, message: string, extra: JsonObject = {}) {
    super(message);
    this.type = type;
    this.extra = extra;
  }
}

export const errorReply = ({ type, message, extra }: AwsError, status = 400): AwsReply => ({
  status,
  body: { __type: type, message, Message: message, ...extra },
});

/** Serves `answer` on a free port of 127.0.0.1. `AwsError`s thrown become replies. */
export const serveAwsJson = async (
  contentType: string,
  answer: (request: AwsRequest) => Promise<AwsReply>,
  injectFault: InjectFault = () => undefined,
): Promise<Emulator> => {
  const server = createServer(async (incoming, response) => {
    const body = await buffer(incoming);
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
    const request = { operation, input: JSON.parse(body.toString() || '{}'), body, headers: incoming.headers };
    const fault = injectFault(request);
    if (fault === 'break_connection') return response.destroy();
    const reply = typeof fault === 'object' ? fault : await answerOrError(answer, request);
    return fault === 'lose_answer' ? response.destroy() : send(response, contentType, reply);
  });
  const port = await listen(server);
  return { endpoint: `http://127.0.0.1:${port}`, close: () => close(server) };
};

const answerOrError = async (
  answer: (request: AwsRequest) => Promise<AwsReply>,
  request: AwsRequest,
): Promise<AwsReply> => {
  try {
    return await answer(request);
  } catch (error) {
    if (error instanceof AwsError) return errorReply(error);
    return errorReply(new AwsError('InternalServerError', String(error)), 500);
  }
};

const send = (response: ServerResponse, contentType: string, { status, body }: AwsReply): void => {
  response.writeHead(status, { 'content-type': contentType });
  response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
};

/** Listens on a free port of 127.0.0.1, and gives the port. */
export const listen = (server: Server): Promise<number> => {
  // The default of 5 s closes connections that clients with a single attempt are about to use.
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(address.port);
    });
  });
};

export const close = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
