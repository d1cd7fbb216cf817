import { type LookupAddress, lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { VERSION } from '../../config/version.ts';
import { WEBHOOK_TIMEOUT_SECONDS } from '../../domain/notice-timing.ts';
import { webhookUrlProblem } from '../../domain/notification-settings.ts';
import { isLoopbackName } from '../../domain/secure-url.ts';
import type { WebhookOutcome, WebhookPost, WebhookSender } from '../../ports/webhook-sender.ts';
import { webhookHeaders } from '../../protocol/standard-webhooks.ts';
import { isPublicAddress } from './public-address.ts';

export interface WebhookSenderOptions {
  /** Whether addresses that are not of the public internet may be posted to; for the operator to say. */
  readonly allowsPrivate: boolean;
  /** Requests leave by a proxy, by Node's own agents; it finds the addresses then. */
  readonly isProxied?: boolean;
  readonly timeoutMs?: number;
  /** How names are found; Node's own way where absent. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

const PRIVATE = 'The address is not one of the public internet; the operator of the broker must allow that.';

/** A receiver's name means another machine than it should; thrown from within the connection, and told by its message. */
class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
}

const failed = (problem: string): WebhookOutcome => ({ outcome: 'failed', problem });

/** Only what it is, not what was said. */
const reasonOf = (error: unknown, timeoutMs: number): string => {
  if (error instanceof PrivateAddressError) return PRIVATE;
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || name === 'AbortError') {
    return `The receiver did not answer within ${timeoutMs / 1000} seconds.`;
  }
  return `The receiver could not be reached (${code ?? name}).`;
};

const lookUp = promisify(lookup);

/**
 * Refuses names that lead to a private address, at the moment of the connection: what was looked up before could have changed
 * since (DNS rebinding).
 */
const publicLookup =
  (resolve: NonNullable<WebhookSenderOptions['resolve']>): LookupFunction =>
  (hostname, { all }, callback) => {
    const answer = (addresses: readonly LookupAddress[]): void => {
      if (!addresses.every(({ address }) => isPublicAddress(address))) throw new PrivateAddressError(PRIVATE);
      if (all) callback(null, [...addresses]);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    };
    resolve(hostname)
      .then(answer)
      .catch((error: NodeJS.ErrnoException) => callback(error, []));
  };

/** By its name alone; undefined: it may be public. */
const isPrivateName = (hostname: string): boolean => {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isLoopbackName(hostname) || /(^|\.)localhost\.?$/i.test(bare) || (isIP(bare) !== 0 && !isPublicAddress(bare));
};

/** Posts by HTTPS (by HTTP on loopback, where that is allowed), with the Standard Webhooks' signature. */
export const httpWebhookSender = ({
  allowsPrivate,
  isProxied = false,
  timeoutMs = WEBHOOK_TIMEOUT_SECONDS * 1000,
  resolve = (hostname) => lookUp(hostname, { all: true }),
}: WebhookSenderOptions): WebhookSender => {
  const guard = allowsPrivate ? {} : { lookup: publicLookup(resolve) };
  /** Connections of our own, so that the guard is asked for each; by a proxy Node's agents, which know it. */
  const agents = { 'https:': new HttpsAgent({ keepAlive: false }), 'http:': new HttpAgent({ keepAlive: false }) };

  /** Where a proxy connects, its network's names count; ours at least shall not say that it is within. */
  const isRefused = async (hostname: string): Promise<boolean> => {
    if (allowsPrivate) return false;
    if (isPrivateName(hostname)) return true;
    if (!isProxied) return false;
    const found = await resolve(hostname).catch(() => []);
    return found.some(({ address }) => !isPublicAddress(address));
  };

  const statusOf = (url: URL, { body, ...post }: WebhookPost): Promise<number> =>
    new Promise((resolve, reject) => {
      const isHttps = url.protocol === 'https:';
      const request = (isHttps ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': `mfp-token-broker/${VERSION}`,
          ...webhookHeaders({ ...post, body }, post.secrets),
        },
        signal: AbortSignal.timeout(timeoutMs),
        ...(isProxied ? {} : { agent: agents[isHttps ? 'https:' : 'http:'], ...guard }),
      });
      request.on('error', reject);
      request.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        // What else it says is of no interest, however long it goes on.
        response.on('error', () => undefined);
        response.destroy();
      });
      request.end(body);
    });

  return {
    async post(post) {
      const problem = webhookUrlProblem(post.url);
      if (problem !== undefined) return failed(`The address ${problem}.`);
      const url = new URL(post.url);
      try {
        if (await isRefused(url.hostname)) return failed(PRIVATE);
        const status = await statusOf(url, post);
        if (status >= 200 && status < 300) return { outcome: 'delivered' };
        if (status === 410) return { outcome: 'gone' };
        if (status >= 300 && status < 400)
          return failed(`The receiver redirects (status ${status}), which is not followed.`);
        return failed(`The receiver answered with status ${status}.`);
      } catch (error) {
        return failed(reasonOf(error, timeoutMs));
      }
    },
  };
};
