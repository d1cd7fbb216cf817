import type { Mailbox } from '../domain/entities.ts';
import type { ErrorKind } from '../domain/errors.ts';
import {
  type Grant,
  generationOf,
  grantRefusal,
  lapsesAt,
  provenAt,
  registrationOf,
  type TokenStatus,
  tokenStatus,
  warningDue,
} from '../domain/grant.ts';
import type { MailboxDescription } from '../domain/mailbox-description.ts';
import { AUDIENCES } from '../domain/provider.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { Records } from '../records/index.ts';

/**
 * While a grant works: what keeps it from yielding a token, where none is left. Of what waits: with an unproven grant the person has done their part, and the broker waits for whatever keeps the first
 * token away; else an open sign-in waits for the person. Of the rest: why there is no token.
 */
const statusReason = (grant: Grant, status: TokenStatus, hasToken: boolean): ErrorKind | undefined => {
  if (status === 'acquired' && grant.state === 'active') return hasToken ? undefined : grant.trouble?.kind;
  if (status !== 'waiting') return grantRefusal(grant);
  if (grant.state !== 'unproven') return 'waiting_for_sign_in';
  // Spared with its provider, it was not asked about, and has no trouble of its own.
  return grant.trouble?.kind ?? 'provider_unavailable';
};

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
    const lapses = lapsesAt(grant);
    const expiries = tokens
      .filter((token) => token !== undefined && token.generation === generationOf(grant))
      .map((token) => token?.expiresAt ?? 0);
    return {
      mailbox,
      tokenStatus: status,
      statusReason: statusReason(grant, status, Math.max(...expiries) > now),
      signedInAt: held?.signedInAt,
      signedInAccount: held?.account.addresses[0],
      registration: registrationOf(grant, mailbox),
      scopes: held?.scopes ?? [],
      accessTokenExpiresAt: expiries.length > 0 && status === 'acquired' ? Math.max(...expiries) : undefined,
      lapsesAt: lapses,
      lapseWarningDays: lapses === undefined ? undefined : warningDue(lapses, now),
      lastRefreshedAt: provenAt(grant),
      lastError: held?.trouble,
    };
  };

export type DescribeMailbox = ReturnType<typeof makeDescribeMailbox>;
