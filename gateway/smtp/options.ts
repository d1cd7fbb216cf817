import type { SecureContextOptions } from 'node:tls';
import type { ErrorKind } from '../../shared/domain/errors.ts';
import { MESSAGE_LIMIT_BYTES } from '../../shared/domain/upload.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Devices } from '../access/devices.ts';
import type { Intake } from '../spool/intake.ts';

/** What a listener takes from one client. May be replaced while it runs. */
export interface SmtpLimits {
  readonly sizeBytes: number;
  readonly recipients: number;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Commands of somebody who has not signed in. */
  readonly unauthenticatedCommands: number;
  /** Without a word from the client. */
  readonly idleSeconds: number;
  /** From the first packet to a sign-in that succeeded. */
  readonly signInSeconds: number;
}

export const SMTP_LIMITS: SmtpLimits = {
  sizeBytes: MESSAGE_LIMIT_BYTES,
  // As with the relay: the smallest limit of the providers (facts G14).
  recipients: 100,
  connections: 200,
  // One device sends one scan at a time, and a print server for a floor of them.
  connectionsPerAddress: 20,
  unauthenticatedCommands: 20,
  // RFC 5321 section 4.5.3.2.7.
  idleSeconds: 300,
  signInSeconds: 60,
};

/** What is counted. */
export interface SmtpMetrics {
  connection(outcome: 'accepted' | 'refused'): void;
  /** `TLSv1.2`; or that a handshake failed. */
  handshake(outcome: string): void;
  signIn(outcome: 'accepted' | ErrorKind): void;
  message(outcome: 'accepted' | ErrorKind): void;
}

export interface SmtpDeps {
  readonly devices: Devices;
  readonly intake: Intake;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: SmtpMetrics;
}

/** What one listener is for. */
export interface SmtpPort {
  /** In its greeting. */
  readonly name: string;
  /** `starttls`: plain greeting, and the offer of an upgrade. `tls`: TLS from the first byte. `plain`: neither. */
  readonly security: 'starttls' | 'tls' | 'plain';
  /** On a port that is not `tls`: somebody who begins with a TLS hello is served by TLS, at the price of half a second's wait. */
  readonly recognizesTls: boolean;
  /** Whether a password may come without TLS. */
  readonly cleartextSignIn: boolean;
  /** Addresses and networks in CIDR notation of load balancers that tell, by the PROXY protocol, whom they speak for. */
  readonly trustedProxies: readonly string[];
}

export interface SmtpListenerOptions extends SmtpPort {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Certificate, key and profile; asked for at the start, where TLS can be met at all. */
  readonly tls: () => SecureContextOptions;
  readonly limits: SmtpLimits;
  readonly deps: SmtpDeps;
}
