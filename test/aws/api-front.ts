import { createServer, request as httpRequest } from 'node:http';
import { close, listen } from '../fakes/aws-json.ts';

/**
 * An address that leads to an emulated HTTP API: emulators tell APIs apart by a host name that no resolver here knows.
 * What is sent is passed on byte for byte, but for that name. `leadTo` may come later: the address is needed before there
 * is an API.
 */
export const startApiFront = async () => {
  let upstream: { readonly port: number; readonly host: string } | undefined;
  const server = createServer((incoming, response) => {
    if (upstream === undefined) return response.writeHead(503).end();
    const { port, host } = upstream;
    const { method, url: path, rawHeaders } = incoming;
    const headers = rawHeaders.map((text, index) => (/^host$/i.test(rawHeaders[index - 1] ?? '') ? host : text));
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
      reply.pipe(response);
    });
    sent.on('error', () => response.destroy());
    incoming.pipe(sent);
  });
  const port = await listen(server);
  return {
    url: `http://localhost:${port}`,
    leadTo: (endpoint: string, apiId: string) => {
      const there = new URL(endpoint);
      upstream = { port: Number(there.port), host: `${apiId}.execute-api.localhost:${there.port}` };
    },
    close: () => close(server),
  };
};
