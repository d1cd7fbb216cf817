import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { ErrorKind } from '../../shared/domain/errors.ts';
import type { MailServer } from '../../shared/domain/provider.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Devices } from '../access/devices.ts';

/** What is counted. Nothing here may throw. */
export interface ProxyMetrics {
  signedIn(): void;
  refused(kind: ErrorKind): void;
  /** Before a word was said. */
  turnedAway(): void;
  ended(session: { readonly bytes: number; readonly reconnects: number }): void;
}

export interface ProxyDeps {
  readonly devices: Pick<Devices, 'signIn'>;
  readonly token: GatewayLink['token'];
  /** PEM of the authorities to trust for this server; the system's when undefined. */
  readonly ca?: ((server: MailServer) => string | undefined) | undefined;
  /** The way to a provider's server; straight there when undefined. Rejects with who is in the way. */
  readonly connect?: ((server: MailServer, signal: AbortSignal) => Promise<Socket>) | undefined;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: ProxyMetrics;
}

export interface ProxyLimits {
  /** Of the device's own time before it has signed in. */
  readonly signInMs: number;
  /** Of the provider, from the connection to the end of its sign-in. */
  readonly openMs: number;
  /** Of the provider, for the next piece of a reply. */
  readonly silenceMs: number;
  /** For a provider that has refused a command, to hang up. */
  readonly hangUpMs: number;
  /** Of both sides, once signed in. */
  readonly idleMs: number;
  /** So often one session may go on at the provider within `RECONNECTS_WITHIN_MS`. */
  readonly reconnects: number;
}

/** For who is signed in when the listener closes: time to fetch a fax, and less than what stops a service by force. */
export const CLOSE_SECONDS = 10;

export const RECONNECTS_WITHIN_MS = 600_000;

export const PROXY_LIMITS: ProxyLimits = {
  signInMs: 60_000,
  openMs: 30_000,
  // RFC 1939 has no number. A server looks for a large message for a minute, and a device waits no longer than this.
  silenceMs: 120_000,
  // Who hangs up sends its end along with its last words; what is refused otherwise comes so much later.
  hangUpMs: 250,
  // RFC 9051 section 5.4 wants half an hour at least, so that IDLE is renewed in it; RFC 1939 section 3 ten minutes.
  idleMs: 31 * 60_000,
  // Tokens end once an hour: whoever is cut off more often is not cut off by that.
  reconnects: 5,
};

/** How many connections there may be. */
export interface ConnectionLimits {
  readonly overall: number;
  readonly perAddress: number;
}

export interface ProxyOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** `starttls`: offered (RFC 2595); whether it must be used, `cleartextSignIn` says. */
  readonly security: 'tls' | 'starttls' | 'plain';
  /** Read at the start and at `renew()`; never where `security` is `plain`. */
  readonly tls: () => Pick<SecureContextOptions, 'cert' | 'key' | 'minVersion' | 'ciphers' | 'honorCipherOrder'>;
  /** Whether a password may come without TLS. */
  readonly cleartextSignIn: boolean;
  readonly connections: ConnectionLimits;
  readonly limits?: Partial<ProxyLimits> | undefined;
  readonly deps: ProxyDeps;
}

export interface ProxyListener {
  readonly port: number;
  /** Whether devices can connect. */
  isAccepting(): boolean;
  /** Takes no more connections, lets those who are signed in finish for so long, and ends the rest. */
  close(deadlineSeconds?: number): Promise<void>;
  /** The next handshake is with the certificate of now. Nobody is cut off. */
  renew(): void;
}
