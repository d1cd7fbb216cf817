import type { Readable } from 'node:stream';
import type { BrokerError } from '../domain/errors.ts';
import type { GatewayState, ReportedSubmission, ServedDevice, ServedToken } from '../domain/gateway.ts';
import type { Outbox } from '../domain/outbox.ts';
import type { Audience } from '../domain/provider.ts';
import type { Result } from '../domain/result.ts';

export interface PresentedCredential {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly slot: string;
  /** The device's, on the gateway's network. */
  readonly address: string;
}

/** One step of a gateway's part in a mailbox's pace. */
export interface PaceStep {
  readonly mailboxId: string;
  /** Tells this run of the gateway from its earlier ones. */
  readonly owner: string;
  /** What became of the message that the last permit was for. */
  readonly ended?: { readonly wasSent: boolean; readonly secondsAgo: number };
  readonly wants: 'permit' | 'release';
}

export type PaceAnswer =
  | { readonly granted: true }
  | { readonly granted: false; readonly why: 'busy' | 'limit'; readonly waitMs: number };

/** A message that a gateway has accepted, to go out by the relay. */
export interface PassedMessage {
  /** The gateway's own id of it: the same message is taken once. */
  readonly id: string;
  readonly clientId: string;
  readonly slot: string;
  readonly mailboxId: string;
  readonly to: readonly string[];
  readonly sizeBytes: number;
  /** A fresh stream for each call. */
  open(): Promise<Readable>;
}

/** What a gateway has to tell. Telling it again changes nothing. */
export interface GatewayReport {
  /** As they are now; each that has changed since it was last told. */
  readonly submissions: readonly ReportedSubmission[];
  /** What keeps a mailbox's mail at this gateway now, of those where that has changed. */
  readonly outboxes: readonly { readonly mailboxId: string; readonly outbox: Outbox }[];
  /** Mailboxes whose mail waits here, of which the answer tells. */
  readonly waiting: readonly string[];
  readonly state: GatewayState;
}

/** When a mailbox was last signed in, in epoch seconds: what was held for that goes on. */
export type ReportAnswer = { readonly signedInAt: Readonly<Record<string, number>> };

/**
 * The broker, as one gateway sees it (design.md section 8). `broker_unreachable` alone says nothing of what was asked: there was
 * no answer, or the gateway itself was refused, which its detail tells.
 */
export interface GatewayLink {
  /**
   * Whether the device is who it says. From then on, for `SERVED_SECONDS`, the gateway may send and read for its mailbox. Errors:
   * `invalid_client`, `too_many_attempts`, `slot_not_bound`, `not_signed_in`, `signed_out`. A lapsed sign-in is none: mail waits.
   */
  admit(presented: PresentedCredential): Promise<Result<ServedDevice, BrokerError>>;
  /** Errors: `slot_not_bound` where no device has proven itself for the mailbox, and those of every fetch. */
  token(wish: {
    readonly mailboxId: string;
    readonly audience: Audience;
    readonly minTtlSeconds: number;
  }): Promise<Result<ServedToken, BrokerError>>;
  pace(step: PaceStep): Promise<Result<PaceAnswer, BrokerError>>;
  /** Into the relay. Errors: those of `POST /v1/messages`. */
  pass(message: PassedMessage): Promise<Result<{ readonly submissionId: string }, BrokerError>>;
  report(report: GatewayReport): Promise<Result<ReportAnswer, BrokerError>>;
}
