import type { ErrorKind } from './errors.ts';
import type { ProviderName } from './provider.ts';

/** How mail reaches a provider: by its mail server, or by its HTTP API. */
export type Route = 'smtp' | 'api';

/** What an administrator has chosen for a mailbox. `auto`: the mail server, and the API where that is switched off (R42). */
export const ROUTE_CHOICES = ['auto', 'smtp', 'api'] as const;
export type RouteChoice = (typeof ROUTE_CHOICES)[number];

/** Why nothing of a mailbox is sent just now. Times are epoch seconds. */
export type Stop =
  /** The mailbox needs a person. A sign-in ends it; at `until` one message tries, in case it was mended out of sight. */
  | {
      readonly cause: 'hold';
      readonly since: number;
      readonly until: number;
      readonly reason: ErrorKind;
      readonly response: string;
    }
  /** It passes by itself: the mail server, the provider or the network. */
  | {
      readonly cause: 'pause';
      readonly since: number;
      readonly until: number;
      readonly reason: ErrorKind;
      readonly response: string;
      /** In a row; sets the back-off. */
      readonly failures: number;
    };

/** Mail goes by the provider's API, as its mail server would not have it; the server is tried again at `until`. */
export interface Detour {
  readonly since: number;
  readonly until: number;
  readonly reason: ErrorKind;
  readonly response: string;
}

/** Where the mail of one mailbox waits, and what is known of its way. */
export interface Outbox {
  readonly stop?: Stop;
  readonly detour?: Detour;
  /** When the last hold ended: what had waited for it has its two days from then on. */
  readonly resumedAt?: number;
}

/** The switch of a tenant is seldom turned; a refused sign-in a day tells when it was. */
export const DETOUR_SECONDS = 86_400;

export const isStopped = ({ stop }: Outbox, now: number): boolean => stop !== undefined && stop.until > now;

export type Hold = Extract<Stop, { cause: 'hold' }>;

/** While the mailbox needs a person. */
export const holdOf = ({ stop }: Outbox): Hold | undefined => (stop?.cause === 'hold' ? stop : undefined);

/** What people are told of: a hold until a try succeeds, a pause until its time is over. */
export const standingStop = ({ stop }: Outbox, now: number): Stop | undefined =>
  stop?.cause === 'pause' && stop.until <= now ? undefined : stop;

export const routeOf = (choice: RouteChoice | undefined, { detour }: Outbox, now: number): Route => {
  if (choice === 'smtp' || choice === 'api') return choice;
  return detour !== undefined && detour.until > now ? 'api' : 'smtp';
};

/** The mailbox and its server are well again: nothing that stood in the way does so any more. */
export const unstopped = ({ stop, ...outbox }: Outbox, now: number): Outbox =>
  stop?.cause === 'hold' ? { ...outbox, resumedAt: now } : outbox;

/** Somebody wants it tried now, whatever was to be waited for. What stands in the way stays known until a try succeeds. */
export const triedNow = ({ stop, ...outbox }: Outbox, now: number): Outbox =>
  stop ? { ...outbox, stop: { ...stop, until: Math.min(stop.until, now) } } : outbox;

/** What a provider lets one mailbox do, over all who use it. */
export interface MailboxLimits {
  readonly connections: number;
  readonly messagesPerMinute: number;
}

/**
 * Exchange Online: 3 connections and 30 messages a minute (facts M63), by Graph as well (M72). Gmail: 60 messages a minute is
 * its figure for the API (G17); for SMTP it publishes none but by the day, which its replies tell of, and none of connections.
 */
export const MAILBOX_LIMITS: Readonly<Record<ProviderName, MailboxLimits>> = {
  microsoft: { connections: 3, messagesPerMinute: 30 },
  google: { connections: 3, messagesPerMinute: 60 },
};
