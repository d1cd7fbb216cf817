import type { Mailbox } from '../domain/entities.ts';
import { generationOf, grantRefusal, lapsesAt, tokenStatus } from '../domain/grant.ts';
import type { MailboxDescription } from '../domain/mailbox-description.ts';
import { AUDIENCES } from '../domain/provider.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { Records } from '../records/index.ts';

/** The one place that puts together what is known of a mailbox. */
export const makeDescribeMailbox =
  ({ grants, clock }: { grants: Records['grants']; clock: Clock }) =>
  async (mailbox: Mailbox): Promise<MailboxDescription> => {
    const [{ grant, tokens }, openSignIn] = await Promise.all([
      grants.getWithTokens(mailbox.id, AUDIENCES),
      grants.openSignIn(mailbox.id),
    ]);
    const now = epochSeconds(clock);
    const status = tokenStatus(grant, openSignIn?.expiresAt, now);
    const held = grant.state === 'never' || grant.state === 'signed_out' ? undefined : grant;
    const expiries = tokens
      .filter((token) => token !== undefined && token.generation === generationOf(grant))
      .map((token) => token?.expiresAt ?? 0);
    return {
      mailbox,
      tokenStatus: status,
      statusReason: status === 'waiting' ? 'waiting_for_sign_in' : grantRefusal(grant),
      signedInAccount: held?.account.addresses[0],
      scopes: held?.scopes ?? [],
      accessTokenExpiresAt: expiries.length > 0 && status === 'acquired' ? Math.max(...expiries) : undefined,
      lapsesAt: lapsesAt(grant),
      lastRefreshedAt: grant.state === 'active' ? grant.provenAt : undefined,
      lastError: held?.trouble,
    };
  };

export type DescribeMailbox = ReturnType<typeof makeDescribeMailbox>;
