import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gmailStandIn } from '../../local/stand-ins/api/gmail.ts';
import { graphStandIn } from '../../local/stand-ins/api/graph.ts';
import type { ApiStandIn } from '../../local/stand-ins/api/requests.ts';
import { closeServer } from '../../local/stand-ins/http.ts';
import type { TokenVerdict } from '../../local/stand-ins/identity/token-check.ts';
import type { ReceivedMessage } from '../../local/stand-ins/mail/store.ts';
import { mailStore } from '../../local/stand-ins/mail/store.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';

export const API_USER: Readonly<Record<ProviderName, string>> = {
  microsoft: 'scan@contoso.example',
  google: 'scan@gmail.example',
};

/** Which tokens there are, and what they are good for. */
export const TOKENS = {
  good: 'made-up-good-token',
  expired: 'made-up-expired-token',
  /** Without Mail.ReadWrite. */
  sendOnly: 'made-up-send-only-token',
} as const;

export interface RunningApi extends ApiStandIn {
  readonly provider: ProviderName;
  readonly arrived: () => readonly ReceivedMessage[];
  readonly contentOf: (message: ReceivedMessage) => Promise<Buffer>;
  close(): Promise<void>;
}

/** An API stand-in on a port of its own, with tokens that no identity server gave. */
export const startApi = async (provider: ProviderName): Promise<RunningApi> => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-api-'));
  const database = openDatabase(join(folder, 'messages.db'));
  const store = await mailStore(database, join(folder, 'messages'));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const verifyToken = async (token: string, scope?: string): Promise<TokenVerdict> => {
    if (token === TOKENS.expired) return { outcome: 'refused', why: 'expired' };
    if (token === TOKENS.sendOnly && scope === 'Mail.ReadWrite') return { outcome: 'refused', why: 'scope_missing' };
    const isKnown = token === TOKENS.good || token === TOKENS.sendOnly;
    return isKnown
      ? { outcome: 'valid', provider, address: API_USER[provider] }
      : { outcome: 'refused', why: 'unknown' };
  };
  const standIn = (provider === 'microsoft' ? graphStandIn : gmailStandIn)({
    url: provider === 'microsoft' ? `${origin}/graph/v1.0` : `${origin}/gmail`,
    folder: join(folder, 'uploads'),
    verifyToken,
    deliver: async (content, delivery) =>
      store.keep(await store.receive(Readable.from(content)), { ...delivery, tlsVersion: 'HTTP', cipher: 'none' }),
  });
  server.on('request', (request, response) => void standIn.handle(request, response));
  return {
    ...standIn,
    provider,
    arrived: store.list,
    contentOf: ({ id }) => readFile(join(folder, 'messages', `${id}.eml`)),
    close: async () => {
      await closeServer(server);
      database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
