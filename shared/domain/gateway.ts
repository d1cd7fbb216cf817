import type { DeviceMetadata, Mailbox } from './entities.ts';
import type { Outbox } from './outbox.ts';
import type { MailServer } from './provider.ts';
import type { SenderPolicy } from './sender-policy.ts';
import type { Submission } from './submission.ts';
import { LONGEST_WAIT_SECONDS } from './timing.ts';

/**
 * So long after a device has proven itself at a gateway, that gateway may use its mailbox: as long as mail that it took from the
 * device may have to wait, and a day.
 */
export const SERVED_SECONDS = LONGEST_WAIT_SECONDS + 86_400;

/** How a gateway's mail goes: `direct` to the provider's server, or through the broker's `relay`. */
export const GATEWAY_WAYS = ['direct', 'relay'] as const;
export type GatewayWay = (typeof GATEWAY_WAYS)[number];

/** That of a broker on one machine, which is no device of its own. */
export const LOCAL_GATEWAY_ID = 'local';

/** A gateway, as the broker knows it. */
export interface GatewayIdentity {
  /** The `client_id` of its device, or `LOCAL_GATEWAY_ID`. */
  readonly gatewayId: string;
  /** Whose devices it serves; undefined: everybody's. */
  readonly organizationId: string | undefined;
}

/** A mailbox as those who send for it know it. */
export type ServedMailbox = Omit<Mailbox, 'createdAt'>;

/** A device that has proven itself at a gateway, for one slot: all that is needed to take mail from it. */
export interface ServedDevice {
  readonly clientId: string;
  readonly organizationId: string;
  readonly metadata: Pick<DeviceMetadata, 'clientName' | 'locale'>;
  readonly slot: string;
  readonly senderPolicy?: SenderPolicy;
  readonly rewriteSender?: boolean;
  readonly mailbox: ServedMailbox;
}

/** An access token of a served mailbox, and where it is used. */
export interface ServedToken {
  readonly accessToken: string;
  /** Epoch seconds, by the gateway's own clock. */
  readonly expiresAt: number;
  /** Of `smtp`, `pop` and `imap`. */
  readonly server: MailServer | undefined;
  /** Of `api`: the base of the provider's HTTP API. */
  readonly apiUrl: string | undefined;
}

/** A submission as a gateway tells of it, and what keeps all mail of its mailbox there. */
export interface ReportedSubmission {
  readonly submission: Submission;
  readonly stop: Outbox['stop'];
}

/** How a gateway fares, for the console. */
export interface GatewayState {
  readonly version: string;
  /** Epoch seconds. */
  readonly startedAt: number;
  readonly way: GatewayWay;
  /** Messages that are still to be sent, and the age of the oldest. */
  readonly queued: number;
  readonly oldestSeconds: number;
}

/** A gateway as its administrators see it. */
export interface GatewayDescription extends GatewayState {
  readonly gatewayId: string;
  /** Undefined: it is for all. */
  readonly organizationId: string | undefined;
  /** Of its device; undefined where it is none. */
  readonly name: string | undefined;
  /** Epoch seconds. */
  readonly lastSeenAt: number;
}

/** A gateway reports every minute or so; a restart and a short fault of the line are no news. */
const SILENT_AFTER_SECONDS = 900;

/** It had mail to send, and nobody knows what becomes of that. */
export const isSilent = ({ queued, lastSeenAt }: GatewayDescription, now: number): boolean =>
  queued > 0 && now - lastSeenAt > SILENT_AFTER_SECONDS;
