import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TokenRequestSeen {
  readonly path: string;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

type Body = { readonly [name: string]: unknown };
type HeaderLines = { readonly [name: string]: string };

/** A token endpoint on loopback that says what a test tells it to: the replies no well-behaved server gives. */
export interface ScriptedTokenEndpoint {
  readonly origin: string;
  readonly requests: TokenRequestSeen[];
  answer(status: number, body: Body, headers?: HeaderLines): void;
  answerText(status: number, body: string, headers: HeaderLines): void;
  answerWith(body: (form: URLSearchParams) => Body): void;
  /** For each request by itself; `afterMs` later. */
  decide(reply: (form: URLSearchParams) => DecidedReply): void;
  hang(where: 'before' | 'within'): void;
  drop(): void;
  reset(): void;
  close(): Promise<void>;
}

export interface DecidedReply {
  readonly status: number;
  readonly body: Body;
  readonly afterMs?: number;
}

type Script = (form: URLSearchParams, response: ServerResponse) => void;

const JSON_HEADERS = { 'content-type': 'application/json' };

export const startScriptedTokenEndpoint = async (): Promise<ScriptedTokenEndpoint> => {
  const requests: TokenRequestSeen[] = [];
  const unscripted: Script = (_, response) => response.writeHead(500).end('unscripted');
  let script = unscripted;

  const server = createServer((request, response) => {
    readForm(request).then(
      (form) => {
        requests.push({ path: request.url ?? '', form, authorization: request.headers.authorization });
        script(form, response);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (status, body, headers = {}) => {
      script = (_, response) => response.writeHead(status, { ...JSON_HEADERS, ...headers }).end(JSON.stringify(body));
    },
    answerText: (status, body, headers) => {
      script = (_, response) => response.writeHead(status, headers).end(body);
    },
    answerWith: (body) => {
      script = (form, response) => response.writeHead(200, JSON_HEADERS).end(JSON.stringify(body(form)));
    },
    decide: (reply) => {
      script = (form, response) => {
        const { status, body, afterMs = 0 } = reply(form);
        const answer = () => response.writeHead(status, JSON_HEADERS).end(JSON.stringify(body));
        // A late answer that nobody waits for must not keep the test alive.
        setTimeout(answer, afterMs).unref();
      };
    },
    hang: (where) => {
      script = (_, response) => {
        if (where === 'within') response.writeHead(200, JSON_HEADERS).write('{"access_token":"made-up');
      };
    },
    drop: () => {
      script = (_, response) => response.destroy();
    },
    reset: () => {
      requests.length = 0;
      script = unscripted;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

const readForm = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
};

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Straight from the token endpoint, an ID token's signature is not checked; so it needs none worth the name. */
export const unsignedIdToken = (claims: { readonly [name: string]: unknown }): string =>
  `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`;
