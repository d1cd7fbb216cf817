import type { Mailbox } from './entities.ts';
import type { ErrorKind } from './errors.ts';
import type { GrantTrouble, TokenStatus } from './grant.ts';

/** A mailbox as people and devices see it. Times are epoch seconds. */
export interface MailboxDescription {
  readonly mailbox: Mailbox;
  readonly tokenStatus: TokenStatus;
  /** Why there is no token, while there is none. */
  readonly statusReason: ErrorKind | undefined;
  readonly signedInAccount: string | undefined;
  readonly scopes: readonly string[];
  readonly accessTokenExpiresAt: number | undefined;
  readonly lapsesAt: number | undefined;
  readonly lastRefreshedAt: number | undefined;
  readonly lastError: GrantTrouble | undefined;
}
