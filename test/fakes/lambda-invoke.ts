import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { json } from 'node:stream/consumers';
import { close, type Emulator, listen } from './aws-json.ts';
import type { LambdaFunction } from './lambda-function.ts';

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

interface InvokeOptions {
  readonly isDenied?: (name: string, request: { readonly headers: IncomingHttpHeaders }) => boolean;
  /** The connection breaks when the function has ended. */
  readonly losesAnswer?: () => boolean;
}

/** Lambda's Invoke (API reference), for functions named in `functions`, which may be filled later. */
export const startLambdaInvoke = async (
  functions: ReadonlyMap<string, Pick<LambdaFunction, 'invoke'>>,
  { isDenied = () => false, losesAnswer = () => false }: InvokeOptions = {},
): Promise<Emulator> => {
  const server = createServer(async (request, response) => {
    const refuse = (status: number, type: string, Message: string): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type });
      response.end(JSON.stringify({ Type: 'User', Message }));
    };
    const event = await json(request);
    const name = decodeURIComponent(INVOCATIONS.exec(request.url ?? '')?.[1] ?? '');
    if (isDenied(name, request)) return refuse(403, 'AccessDeniedException', `Not authorized to invoke ${name}`);
    const target = functions.get(name);
    if (target === undefined || request.method !== 'POST') {
      return refuse(404, 'ResourceNotFoundException', `Function not found: ${name}`);
    }
    const invoked = await target.invoke(event);
    if (losesAnswer()) return request.socket.destroy();
    if (invoked.outcome === 'too_large') return refuse(413, 'RequestTooLargeException', 'Request must be smaller');
    // What a function throws is an answer, too: 200 with this header (API reference, Invoke).
    const failed = invoked.outcome === 'failed';
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-amzn-requestid': randomUUID(),
      'x-amz-executed-version': '$LATEST',
      ...(failed && { 'x-amz-function-error': 'Unhandled' }),
    });
    response.end(JSON.stringify(failed ? invoked.error : invoked.payload));
  });
  const port = await listen(server);
  return { endpoint: `http://127.0.0.1:${port}`, close: () => close(server) };
};
