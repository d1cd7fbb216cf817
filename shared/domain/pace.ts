import type { MailboxLimits } from './outbox.ts';
import { SENDING_SECONDS } from './timing.ts';

/** Somebody's connection to a mailbox's server. Times are milliseconds since the epoch. */
interface Connection {
  readonly owner: string;
  /** Who dies holds it no longer than this. */
  readonly until: number;
  /** A message is on its way by it. */
  readonly sending: boolean;
}

/** Who uses a mailbox just now, and when messages were sent by it: kept for all workers and gateways together. */
export interface Pace {
  /** By holder: `relay` is one, every gateway another. */
  readonly connections: Readonly<Record<string, Connection>>;
  /** When messages had been taken, oldest first; as many as `WINDOW_MS` needs. */
  readonly sentAt: readonly number[];
}

export const NO_PACE: Pace = { connections: {}, sentAt: [] };

/** A minute, and a second for clocks that do not quite agree. */
const WINDOW_MS = 61_000;

/** Where all connections are taken; they seldom last longer. */
const BUSY_WAIT_MS = 5_000;

export interface Holder {
  readonly holder: string;
  /** Tells this process from another that has the same holder. */
  readonly owner: string;
}

export type Permit =
  | { readonly granted: true; readonly pace: Pace }
  /** `busy`: another process has this holder's connection. */
  | { readonly granted: false; readonly why: 'busy' | 'limit'; readonly waitMs: number };

/** A message that somebody may have been sending when they died counts from the end of their claim: it went out before. */
const withoutDead = ({ connections, sentAt }: Pace, now: number): Pace => {
  const entries = Object.entries(connections);
  const dead = entries.map(([, connection]) => connection).filter(({ until }) => until <= now);
  const lastSent = dead.filter(({ sending }) => sending).map(({ until }) => until);
  return {
    connections: Object.fromEntries(entries.filter(([, { until }]) => until > now)),
    sentAt: [...sentAt, ...lastSent].filter((at) => at > now - WINDOW_MS).sort((a, b) => a - b),
  };
};

/**
 * Whether one more message may be sent now. A message counts while it is on its way, and for a minute after it was taken: so
 * the server, which counts when it takes, never sees more in any minute.
 */
export const askPermit = (before: Pace, { holder, owner }: Holder, limits: MailboxLimits, now: number): Permit => {
  const pace = withoutDead(before, now);
  const { [holder]: mine, ...others } = pace.connections;
  if (mine !== undefined && mine.owner !== owner) return { granted: false, why: 'busy', waitMs: mine.until - now };
  if (Object.keys(others).length >= limits.connections) return { granted: false, why: 'limit', waitMs: BUSY_WAIT_MS };
  const underWay = Object.values(others).filter(({ sending }) => sending).length;
  const tooMany = pace.sentAt.length + underWay - limits.messagesPerMinute;
  if (tooMany >= 0) {
    const frees = pace.sentAt[Math.min(tooMany, pace.sentAt.length - 1)] ?? now;
    return { granted: false, why: 'limit', waitMs: Math.max(1, frees + WINDOW_MS - now) };
  }
  const connection = { owner, until: now + SENDING_SECONDS * 1000, sending: true };
  return { granted: true, pace: { ...pace, connections: { ...others, [holder]: connection } } };
};

/**
 * Where a holder is one process at a time: its former one is dead, and its connection with it. What that may have been sending
 * counts as sent now.
 */
export const succeeding = (pace: Pace, { holder, owner }: Holder, now: number): Pace => {
  const { [holder]: former, ...others } = pace.connections;
  if (former === undefined || former.owner === owner) return pace;
  return { connections: others, sentAt: former.sending ? [...pace.sentAt, now].sort((a, b) => a - b) : pace.sentAt };
};

/** A message was sent, or not; the connection stays. */
export const messageEnded = (pace: Pace, { holder, owner }: Holder, now: number, wasSent: boolean): Pace => {
  const { [holder]: mine, ...others } = pace.connections;
  if (mine?.owner !== owner) return pace;
  const sentAt = wasSent ? [...pace.sentAt, now].sort((a, b) => a - b) : pace.sentAt;
  return { sentAt, connections: { ...others, [holder]: { ...mine, sending: false } } };
};

/** The connection is closed. */
export const released = (pace: Pace, { holder, owner }: Holder): Pace => {
  const { [holder]: mine, ...others } = pace.connections;
  return mine?.owner === owner ? { ...pace, connections: others } : pace;
};
