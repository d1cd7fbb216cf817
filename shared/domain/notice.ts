import type { ErrorKind } from './errors.ts';
import type { ProviderName } from './provider.ts';

/** What people are told of without asking (design section 4.3). */
export const NOTICE_KINDS = [
  'grant.invalid',
  'grant.expiring',
  'submission.failed',
  'mailbox.held',
  'client_secret.expiring',
] as const;

export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** Whom a notice is for: an organization, or, where that is undefined, the operator of the broker. */
export type NoticeScope = string | undefined;

/** What somebody must know of a mailbox. Never a token or a secret. */
interface OfMailbox {
  readonly organizationId: string;
  readonly mailboxId: string;
  /** Noted, as the mailbox may be gone when it is told. */
  readonly address: string;
  /** The particulars, in English. */
  readonly detail?: string | undefined;
  /** The provider's own, to be looked up. */
  readonly code?: string | undefined;
  /** By which the provider's sign-in log is searched. */
  readonly correlationId?: string | undefined;
}

/** `subject` is what one notice at a time is open for, of its kind and its organization. */
export type Notice =
  /** The subject is the mailbox. */
  | ({
      readonly kind: 'grant.invalid' | 'mailbox.held';
      readonly subject: string;
      readonly reason: ErrorKind;
    } & OfMailbox)
  /** The subject is the mailbox. `daysLeft`: the warning that stands, one of `WARNING_DAYS`. */
  | ({
      readonly kind: 'grant.expiring';
      readonly subject: string;
      readonly reason?: ErrorKind | undefined;
      readonly daysLeft: number;
    } & OfMailbox)
  /** The subject is the submission. */
  | ({
      readonly kind: 'submission.failed';
      readonly subject: string;
      readonly reason: ErrorKind;
      readonly clientId: string;
      /** With its angle brackets. */
      readonly messageId: string;
      /** Who goes without; of very many the first. */
      readonly recipients: readonly string[];
      /** Others have got it. */
      readonly isPartial: boolean;
    } & OfMailbox)
  /** The subject is the registration's key and the secret's position. `daysLeft` 0: it has expired. */
  | {
      readonly kind: 'client_secret.expiring';
      readonly subject: string;
      /** Absent: it is the broker's own. */
      readonly organizationId?: string | undefined;
      readonly provider: ProviderName;
      readonly clientId: string;
      readonly position: number;
      readonly expiresOn?: string | undefined;
      readonly daysLeft: number;
    };

/** Which notice is meant. */
export interface NoticeName {
  readonly kind: NoticeKind;
  /** Absent: one of the broker's operator. */
  readonly organizationId?: string | undefined;
  readonly subject: string;
}

/** The subject of a client secret's notice; `registration` is its `registrationKey`. */
export const clientSecretSubject = (registration: string, position: number): string => `${registration}/${position}`;

/** One notice from its beginning to its end. Times are epoch seconds. */
export interface OpenNotice {
  readonly id: string;
  readonly notice: Notice;
  readonly since: number;
  /** How often people were reminded of it. */
  readonly reminders: number;
  /** Its newest telling. */
  readonly eventId: string;
  /** Where an earlier telling has been heard, or may have been. */
  readonly heardBy: readonly Channel[];
}

export const CHANNELS = ['webhook', 'mail'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What a notice has to say: that it began, that it goes on, or that it is over. `test` is about nothing. */
export const NOTICE_PHASES = ['raised', 'reminder', 'resolved', 'test'] as const;
export type NoticePhase = (typeof NOTICE_PHASES)[number];

/** How far a telling has come, on one channel. */
export type Delivery =
  | { readonly state: 'pending'; readonly at: number; readonly attempts: number; readonly problem?: string }
  /** In a mailbox's outbox, to be sent from there; by the mailbox's address. */
  | { readonly state: 'handed_over'; readonly at: number; readonly by: string }
  | { readonly state: 'delivered'; readonly at: number; readonly by?: string }
  | { readonly state: 'given_up'; readonly at: number; readonly problem: string }
  /** There is no such channel, or another telling has taken its place. */
  | { readonly state: 'not_wanted' };

/** One telling of a notice, to be brought to every channel. */
export interface NoticeEvent {
  readonly id: string;
  readonly phase: NoticePhase;
  readonly at: number;
  readonly webhook: Delivery;
  readonly mail: Delivery;
  /** Absent in a test, which is about nothing. */
  readonly of?: Pick<OpenNotice, 'id' | 'notice' | 'since' | 'reminders'>;
}

export const isPending = (delivery: Delivery): delivery is Extract<Delivery, { state: 'pending' }> =>
  delivery.state === 'pending';

/**
 * Whether somebody has heard it, as far as can be known: a receiver may hear, and not get to say so; of a mail that was given up
 * nobody has heard.
 */
const IS_HEARD: Readonly<Record<Channel, (delivery: Delivery) => boolean>> = {
  webhook: (delivery) => (isPending(delivery) ? delivery.attempts > 0 : delivery.state !== 'not_wanted'),
  mail: ({ state }) => state === 'handed_over' || state === 'delivered',
};

export const heardBy = (event: Pick<NoticeEvent, Channel>): readonly Channel[] =>
  CHANNELS.filter((channel) => IS_HEARD[channel](event[channel]));

export const scopeOf = ({ organizationId }: Pick<NoticeName, 'organizationId'>): NoticeScope => organizationId;

/** The mailbox that is broken, or whose mail failed. */
export const mailboxOf = (notice: Notice): string | undefined =>
  notice.kind === 'client_secret.expiring' ? undefined : notice.mailboxId;

/** Whether nothing can be sent by the mailbox that it is about. */
export const isBrokenBy = ({ kind }: Notice): boolean => kind === 'grant.invalid' || kind === 'mailbox.held';

/** Whether a sign-in may mend it, so that its link is worth something. */
export const isMendedBySignIn = ({ kind }: Notice): boolean =>
  kind === 'grant.invalid' || kind === 'grant.expiring' || kind === 'mailbox.held';

/**
 * Whether people are reminded every day until it is mended. What is about to run out has its own days of warning, and is told
 * of anew on each; once it has run out, every day. A message that failed stays failed.
 */
export const isRemindedDaily = (notice: Notice): boolean =>
  isBrokenBy(notice) || (notice.kind === 'client_secret.expiring' && notice.daysLeft <= 0);

/** Whether it has come nearer than what was told of before. */
export const isNearer = (before: Notice, now: Notice): boolean =>
  'daysLeft' in before && 'daysLeft' in now && now.daysLeft < before.daysLeft;
