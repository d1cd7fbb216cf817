import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What becomes of what a gateway asks its broker. */
export type LineState =
  | 'up'
  /** As from a broker that fails, or from the load balancer before one that is away. */
  | 'status 500'
  | 'status 502'
  /** What no broker says, with a status that promises better. */
  | 'garbage'
  /** As a portal of a hotel's network would. */
  | 'redirect'
  | 'reset'
  /** Nobody answers. */
  | 'hang'
  /** The broker answers, so many milliseconds later. */
  | { readonly slowMs: number };

export interface BrokerLine {
  readonly url: string;
  state: LineState;
  /** Requests so far, by path. */
  readonly asked: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

const passOn = (to: URL, incoming: IncomingMessage, answer: ServerResponse): void => {
  const { method, headers } = incoming;
  const outgoing = request(to, { method, headers }, (reply) => {
    answer.writeHead(reply.statusCode ?? 0, reply.headers);
    reply.pipe(answer);
  });
  outgoing.on('error', () => answer.socket?.destroy());
  incoming.pipe(outgoing);
};

/** Between a gateway and its broker. */
export const startBrokerLine = async (brokerUrl: string): Promise<BrokerLine> => {
  const asked = new Map<string, number>();

  const answerIn = async (state: Exclude<LineState, 'up'>, incoming: IncomingMessage, answer: ServerResponse) => {
    if (state === 'hang') return;
    if (state === 'reset') {
      incoming.socket.resetAndDestroy();
      return;
    }
    await text(incoming);
    if (state === 'redirect') answer.writeHead(302, { location: 'http://portal.example/' }).end();
    else if (state === 'garbage') answer.writeHead(200, { 'content-type': 'application/json' }).end('{"access_token":');
    else answer.writeHead(state === 'status 500' ? 500 : 502, { 'content-type': 'text/html' }).end('<h1>Sorry</h1>');
  };

  const server = createServer((incoming, answer) => {
    const to = new URL(incoming.url ?? '/', brokerUrl);
    asked.set(to.pathname, (asked.get(to.pathname) ?? 0) + 1);
    const { state } = line;
    if (state === 'up') passOn(to, incoming, answer);
    else if (typeof state === 'object') setTimeout(() => passOn(to, incoming, answer), state.slowMs);
    else void answerIn(state, incoming, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const line: BrokerLine = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state: 'up',
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return line;
};
