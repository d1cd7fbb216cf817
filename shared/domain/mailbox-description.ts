import type { Mailbox } from './entities.ts';
import type { ErrorKind } from './errors.ts';
import type { GrantTrouble, TokenStatus } from './grant.ts';
import type { Registration } from './registration.ts';

/** A mailbox as people and devices see it. Times are epoch seconds. */
export interface MailboxDescription {
  readonly mailbox: Mailbox;
  readonly tokenStatus: TokenStatus;
  /** Why there is no token, while there is none; while a token is waited for, what for. */
  readonly statusReason: ErrorKind | undefined;
  readonly signedInAt: number | undefined;
  readonly signedInAccount: string | undefined;
  /** Which it was signed in with, and is refreshed by. */
  readonly registration: Registration | undefined;
  readonly scopes: readonly string[];
  readonly accessTokenExpiresAt: number | undefined;
  /** If nothing more happened. */
  readonly lapsesAt: number | undefined;
  /** The warning that stands, one of `WARNING_DAYS`. */
  readonly lapseWarningDays: number | undefined;
  /** When it was last proven alive. */
  readonly lastRefreshedAt: number | undefined;
  readonly lastError: GrantTrouble | undefined;
}
