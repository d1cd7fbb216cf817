import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { close, type Emulator, listen } from './aws-json.ts';

const PATH = /^\/[\d-]+\/functions\/([^/]+)\/concurrency$/;

/** Lambda's part by which functions are stopped and started: what is reserved for each, in a map that a test may look into. */
export const startLambdaConcurrency = async (reserved: Map<string, number>): Promise<Emulator> => {
  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(PATH.exec(request.url ?? '')?.[1] ?? '');
    if (request.method === 'PUT') {
      const { ReservedConcurrentExecutions } = (await json(request)) as { ReservedConcurrentExecutions: number };
      reserved.set(name, ReservedConcurrentExecutions);
    }
    if (request.method === 'DELETE') reserved.delete(name);
    const known = reserved.get(name);
    response.writeHead(request.method === 'DELETE' ? 204 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known === undefined ? {} : { ReservedConcurrentExecutions: known }));
  });
  const port = await listen(server);
  return { endpoint: `http://127.0.0.1:${port}`, close: () => close(server) };
};
