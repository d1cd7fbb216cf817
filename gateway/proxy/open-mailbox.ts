import type { Dialect } from '../../shared/adapters/mail-probe/dialect.ts';
import type { ReceiveProtocol } from '../../shared/domain/connection-test.ts';
import { brokerError, passesByItself } from '../../shared/domain/errors.ts';
import type { ServedDevice, ServedToken } from '../../shared/domain/gateway.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { DEFAULT_MIN_TTL_SECONDS } from '../../shared/domain/timing.ts';
import type { ProxyDeps } from './options.ts';
import { openProviderSession, type ProviderSession } from './provider-session.ts';
import { languageOf, type Refusal, refusalAt, refusalBy } from './refusal.ts';

/** A session at the provider, for a device that has proven itself. */
export type OpenMailbox = (device: ServedDevice) => Promise<Result<ProviderSession, Refusal>>;

export interface MailboxSide {
  readonly protocol: ReceiveProtocol;
  readonly dialect: Dialect;
  readonly openMs: number;
}

export const makeOpenMailbox =
  ({ protocol, dialect, openMs }: MailboxSide, deps: Pick<ProxyDeps, 'token' | 'ca' | 'connect'>): OpenMailbox =>
  async ({ mailbox, metadata }) => {
    const language = languageOf(metadata.locale);
    const tokenFor = (minTtlSeconds: number) =>
      deps.token({ mailboxId: mailbox.id, audience: protocol, minTtlSeconds });
    const openWith = async ({ accessToken, server }: ServedToken) => {
      if (server === undefined)
        return fail({ refused: undefined, refusal: refusalBy(brokerError('mail_server_misconfigured'), language) });
      const wish = { protocol, dialect, server, address: mailbox.address, accessToken, limitMs: openMs };
      const opened = await openProviderSession(wish, deps);
      return opened.ok ? opened : fail({ refused: opened.error.why, refusal: refusalAt(opened.error, language) });
    };

    const token = await tokenFor(DEFAULT_MIN_TTL_SECONDS);
    if (!token.ok) return fail(refusalBy(token.error, language));
    const first = await openWith(token.value);
    if (first.ok) return ok(first.value);
    // The provider may have ended the token before its time: worth one new one, and one more try.
    if (first.error.refused !== 'sign_in_refused') return fail(first.error.refusal);
    const renewed = await tokenFor(Number.MAX_SAFE_INTEGER);
    if (!renewed.ok)
      return fail(passesByItself(renewed.error) ? first.error.refusal : refusalBy(renewed.error, language));
    if (renewed.value.accessToken === token.value.accessToken) return fail(first.error.refusal);
    const second = await openWith(renewed.value);
    return second.ok ? ok(second.value) : fail(second.error.refusal);
  };
