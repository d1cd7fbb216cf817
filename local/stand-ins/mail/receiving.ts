import { sameAddress } from '../../../shared/domain/provider.ts';
import { faultBoard, type Times } from '../faults.ts';
import { clientHost } from '../http.ts';
import { STAND_IN_DOMAINS } from '../identity/accounts.ts';
import type { TokenVerdict } from '../identity/token-check.ts';
import type { StandInInboxes } from './inboxes.ts';
import { type LineClient, type LineServerOptions, startLineServer } from './line-server.ts';
import { GOOGLE_CHALLENGE } from './replies.ts';

/** Where a server for receiving may fail: before its greeting, at the sign-in, and when the mailbox is opened. */
export type ReceivePlace = 'CONNECT' | 'AUTH' | 'MAILBOX';

export type ReceiveFault =
  /** The text stands after `-ERR`, or after `NO`. */
  | { readonly kind: 'refuse'; readonly text: string }
  | { readonly kind: 'drop' }
  /** Waits, then works as usual. */
  | { readonly kind: 'slow'; readonly milliseconds: number }
  /** As where the protocol is switched off for the mailbox. */
  | { readonly kind: 'switched_off' };

export interface ReceiveOptions extends LineServerOptions {
  /** Whether a provider's server would take it for this protocol, and for whom. */
  readonly verifyToken: (accessToken: string) => Promise<TokenVerdict>;
  readonly inboxes: StandInInboxes;
}

export interface ReceiveCounters {
  readonly signIns: number;
  /** By reason: those of `TokenVerdict`, `other_user`, and `malformed`. */
  readonly refusedSignIns: Readonly<Record<string, number>>;
}

export interface ReceiveStandIn {
  /** As a client must name it for the certificate to fit. */
  readonly host: string;
  readonly port: number;
  setFault(place: ReceivePlace, fault: ReceiveFault | undefined, times?: Times): void;
  clearFaults(): void;
  counters(): ReceiveCounters;
  close(): Promise<void>;
}

export type SignIn =
  | { readonly outcome: 'signed_in'; readonly address: string }
  /** `challenge`: what Gmail says before its verdict, base64 (facts G13). */
  | { readonly outcome: 'refused'; readonly challenge: string | undefined };

/** What a protocol has to work with. */
export interface ReceiveSession {
  readonly client: LineClient;
  readonly inboxes: StandInInboxes;
  /** The text of a refusal, if one is due; undefined: go on. It may have taken its time, or the connection. */
  faultAt(place: ReceivePlace): Promise<string | undefined>;
  signIn(initialResponse: string): Promise<SignIn>;
}

const CHALLENGE = Buffer.from(JSON.stringify(GOOGLE_CHALLENGE)).toString('base64');

/** `user=` address ^A `auth=Bearer ` token ^A ^A (facts M62). */
const readXoauth2 = (initialResponse: string): { readonly user: string; readonly accessToken: string } => {
  const [user = '', auth = '', ...end] = Buffer.from(initialResponse, 'base64').toString().split('\x01');
  const isWhole = user.startsWith('user=') && auth.startsWith('Bearer ', 'auth='.length) && end.join('|') === '|';
  return { user: user.slice('user='.length), accessToken: isWhole ? auth.slice('auth=Bearer '.length) : '' };
};

export const startReceiving = async (
  options: ReceiveOptions,
  switchedOff: string,
  protocol: (session: ReceiveSession) => (line: string | undefined) => Promise<void> | void,
): Promise<ReceiveStandIn> => {
  const board = faultBoard<ReceivePlace, ReceiveFault>();
  const refusedSignIns: Record<string, number> = {};
  let signIns = 0;

  const signIn = async (initialResponse: string): Promise<SignIn> => {
    const { user, accessToken } = readXoauth2(initialResponse);
    const verdict = await options.verifyToken(accessToken);
    if (verdict.outcome === 'valid' && sameAddress(verdict.address, user)) {
      signIns += 1;
      return { outcome: 'signed_in', address: verdict.address };
    }
    const why = accessToken === '' ? 'malformed' : verdict.outcome === 'valid' ? 'other_user' : verdict.why;
    refusedSignIns[why] = (refusedSignIns[why] ?? 0) + 1;
    const isGoogle = user.toLowerCase().endsWith(`@${STAND_IN_DOMAINS.google}`);
    return { outcome: 'refused', challenge: isGoogle ? CHALLENGE : undefined };
  };

  const server = await startLineServer(options, (client) => {
    const faultAt = async (place: ReceivePlace): Promise<string | undefined> => {
      const fault = board.take(place);
      switch (fault?.kind) {
        case undefined:
          return undefined;
        case 'refuse':
          return fault.text;
        case 'switched_off':
          return switchedOff;
        case 'slow':
          await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
          return undefined;
        case 'drop':
          client.drop();
          return '';
      }
    };
    return protocol({ client, inboxes: options.inboxes, faultAt, signIn });
  });

  return {
    host: clientHost(options.host),
    port: server.port,
    setFault: board.set,
    clearFaults: board.clear,
    counters: () => ({ signIns, refusedSignIns: { ...refusedSignIns } }),
    close: server.close,
  };
};
