import type { ReceiveProtocol, TestStep } from '../domain/connection-test.ts';
import type { MailServer } from '../domain/provider.ts';

interface ProbeTarget {
  readonly server: MailServer;
  /** The mailbox's address, and an access token for the protocol. */
  readonly user: string;
  readonly accessToken: string;
  /** The whole must be over within this. */
  readonly limitMs: number;
}

/** `recipient`: a bare address. `content`: a message with CRLF line ends; without one nothing is sent (RSET). */
export type ProbeRequest = ProbeTarget &
  (
    | { readonly protocol: 'smtp'; readonly recipient: string; readonly content?: string }
    | { readonly protocol: ReceiveProtocol }
  );

/**
 * Goes to a mail server as a client would, and tells of each step what it saw, from the lookup of the name on. The last is the one
 * that failed, if one did. It never repeats anything, shows the token to nobody who is not trusted and has not asked for it, and
 * always comes back.
 */
export interface MailProbe {
  probe(request: ProbeRequest): Promise<readonly TestStep[]>;
}
