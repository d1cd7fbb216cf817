import { fail, ok, type Result } from '../../domain/result.ts';
import { PROVIDER_TIMEOUT_SECONDS } from '../../domain/timing.ts';
import type { ProviderFailure } from '../../ports/identity-provider.ts';
import type { OAuthClientConfig } from './endpoints.ts';
import { exchangeThrough, type Fetch } from './exchange.ts';
import { type ReplyTable, readTokenReply, refusesClientSecret, type TokenReply, type TokenRequest } from './replies.ts';
import { secretsInTurn } from './secrets-in-turn.ts';

/** Makes a vendor's library send its one request through `fetch`, with this client secret. */
export type LibraryCall = (fetch: Fetch, clientSecret: string) => Promise<unknown>;

/**
 * Token requests of one app registration. Where the client secret is refused, the next one is tried in the same call: a
 * server authenticates the client before it looks at the refresh token or code (RFC 6749 sections 3.2.1, 4.1.3 and 6), so
 * neither has been used up. One time-out holds for all tries together: the caller's lease is measured by it.
 */
export const makeTokenRequests = (config: OAuthClientConfig, table: ReplyTable) => {
  const { clientSecrets, endpoints, timeoutMs = PROVIDER_TIMEOUT_SECONDS * 1000, now = Date.now } = config;
  const turns = secretsInTurn(clientSecrets.length, now);

  return async (
    request: TokenRequest,
    askedScopes: readonly string[],
    call: LibraryCall,
  ): Promise<Result<TokenReply, ProviderFailure>> => {
    const signal = AbortSignal.timeout(timeoutMs);
    const attempt = async (clientSecret: string) => {
      const exchange = await exchangeThrough((fetch) => call(fetch, clientSecret), { signal, now, endpoints });
      const reply = readTokenReply(exchange, table, request, askedScopes);
      return { reply, refused: !reply.ok && refusesClientSecret(exchange, table, request) };
    };

    const [first, ...others] = turns.order();
    const refused: number[] = [];
    let position = first;
    let result = await attempt(clientSecrets[position]?.value ?? '');
    while (result.refused) {
      refused.push(position);
      const next = others.shift();
      if (next === undefined) break;
      position = next;
      result = await attempt(clientSecrets[position]?.value ?? '');
    }
    turns.settle({ refused, last: position, answered: result.reply.ok || result.reply.error.affects !== 'provider' });
    return refused.length === 0 ? result.reply : withRefused(result.reply, refused);
  };
};

const withRefused = (reply: Result<TokenReply, ProviderFailure>, refused: readonly number[]) => {
  const refusedClientSecrets = refused.toSorted((a, b) => a - b);
  return reply.ok ? ok({ ...reply.value, refusedClientSecrets }) : fail({ ...reply.error, refusedClientSecrets });
};
