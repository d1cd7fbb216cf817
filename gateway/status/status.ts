import type { BrokerError, ErrorKind } from '../../shared/domain/errors.ts';
import type { GatewayWay } from '../../shared/domain/gateway.ts';
import type { Result } from '../../shared/domain/result.ts';
import type { SubmissionDescription, SubmissionState } from '../../shared/domain/submission.ts';
import type { TlsProfile } from '../tls/profiles.ts';

// Plain data, as it stands when asked for. Times are epoch seconds.

export interface AboutGateway {
  readonly name: string;
  readonly version: string;
  readonly startedAt: number;
  readonly way: GatewayWay;
  readonly brokerUrl: string;
}

/** Whether the broker answers. `since`: when it began to be so. */
export type BrokerContact =
  | { readonly state: 'unknown' }
  | { readonly state: 'reachable'; readonly since: number }
  /** `detail`: what stood in the way, in English. */
  | { readonly state: 'unreachable'; readonly since: number; readonly detail?: string };

export interface ListenerStatus {
  /** Tells it from the others, as in the log: `smtp-2525`. */
  readonly name: string;
  readonly protocol: 'smtp' | 'pop3' | 'imap';
  readonly host: string;
  readonly port: number;
  readonly security: 'starttls' | 'tls' | 'plain';
  /** Where it talks TLS. */
  readonly profile?: TlsProfile | undefined;
  /** False: it should, and does not. */
  readonly isAccepting: boolean;
}

export interface CertificateStatus {
  readonly notAfter: number;
  /** SHA-256, as devices show it. */
  readonly fingerprint: string;
  /** PEM; undefined where the certificate is the operator's own. */
  readonly authority:
    | { readonly certificate: string; readonly fingerprint: string; readonly notAfter: number }
    | undefined;
}

/** A message that has not gone out: it waits, or was given up and is still kept. */
export type QueueEntry = SubmissionDescription & { readonly deviceName?: string | undefined };

export interface QueueTotals {
  /** By state; what is missing is none. */
  readonly messages: Readonly<Partial<Record<SubmissionState, number>>>;
  /** That their contents take. */
  readonly bytes: number;
  /** Of those that are still to be sent. */
  readonly oldestAcceptedAt: number | undefined;
}

/** Something that went wrong lately. */
export interface RecentError {
  readonly at: number;
  /** Undefined: none of the broker's errors; then `detail` says it all. */
  readonly kind: ErrorKind | undefined;
  /** In English; a server's reply, the name of a file. */
  readonly detail?: string | undefined;
  /** Whom it concerned: a device, a mailbox, a listener. */
  readonly subject?: string | undefined;
}

export interface SeenDevice {
  readonly clientId: string;
  readonly name?: string | undefined;
  readonly address: string;
  /** `TLSv1.2`; undefined: without TLS. */
  readonly tlsVersion: string | undefined;
  /** Undefined: never; a listed device does not. */
  readonly signedInAt: number | undefined;
  readonly lastMessageAt: number | undefined;
}

export type SpoolStatus =
  | { readonly isWritable: true; readonly freeBytes: number }
  /** `reason`: for people, in English. */
  | { readonly isWritable: false; readonly freeBytes: number; readonly reason: string };

/** How a gateway fares, for who looks. Asking changes nothing. */
export interface GatewayStatus {
  about(): AboutGateway;
  broker(): BrokerContact;
  listeners(): readonly ListenerStatus[];
  certificate(): CertificateStatus;
  totals(): QueueTotals;
  /** Oldest first, no more than the limit. */
  queue(limit: number): readonly QueueEntry[];
  /** Newest first. */
  errors(): readonly RecentError[];
  /** Last seen first. */
  devices(): readonly SeenDevice[];
  spool(): Promise<SpoolStatus>;
}

/** What an administrator can do about it. Errors: `not_found`; `conflict` where it is not the time for it. */
export interface Actions {
  /** A message that has failed goes out anew; one that waits is tried now. */
  resend(submissionId: string): Promise<Result<undefined, BrokerError>>;
  /** As if it had never been. Not while it is being sent. */
  remove(submissionId: string): Promise<Result<undefined, BrokerError>>;
  /** All that waits in the mailbox. */
  tryNow(mailboxId: string): Promise<Result<undefined, BrokerError>>;
}
