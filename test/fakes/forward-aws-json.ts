import { Agent, request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type AwsReply, type AwsRequest, type Emulator, type InjectFault, serveAwsJson } from './aws-json.ts';

/** Hands requests of AWS's JSON protocols on to whoever listens on that port of this machine. */
export const forwardAwsJson = (port: number) => {
  const agent = new Agent({ keepAlive: true });
  return {
    forward: ({ body, headers }: AwsRequest): Promise<AwsReply> =>
      new Promise((resolve, reject) => {
        const sent = httpRequest(
          {
            agent,
            host: '127.0.0.1',
            port,
            method: 'POST',
            headers: { ...headers, 'content-length': body.length },
          },
          async (reply) => {
            resolve({ status: reply.statusCode ?? 500, body: await buffer(reply) });
          },
        );
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
};

/** In front of somebody else's emulator: asks `injectFault` first, as ours do. */
export const proxyAwsJson = async (
  endpoint: string,
  contentType: 'application/x-amz-json-1.0' | 'application/x-amz-json-1.1',
  injectFault: InjectFault,
): Promise<Emulator> => {
  const upstream = forwardAwsJson(Number(new URL(endpoint).port));
  const proxy = await serveAwsJson(contentType, upstream.forward, injectFault);
  return {
    endpoint: proxy.endpoint,
    async close() {
      await proxy.close();
      upstream.close();
    },
  };
};
