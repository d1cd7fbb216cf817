import type { Desk, SignedIn } from './desk.ts';
import type { DeviceConnection } from './device-connection.ts';
import { type Credentials, type SaslOutcome, saslExchange } from './sasl.ts';

/** What a listener offers to those who have not signed in yet. */
export interface DoorWay {
  readonly offersStartTls: boolean;
  readonly cleartextSignIn: boolean;
}

/** A device that has not signed in yet; until then the gateway itself is the server. */
export interface Door {
  readonly device: DeviceConnection;
  readonly desk: Desk;
  readonly door: DoorWay;
}

/** What follows a command. */
export type Turn = { readonly next: 'command' | 'over' } | { readonly next: 'relay'; readonly signedIn: SignedIn };

export const COMMAND: Turn = { next: 'command' };
export const OVER: Turn = { next: 'over' };

/** A device needs six at the most: what the server can, STARTTLS, that again, and two or three to sign in. */
export const DOOR_COMMANDS = 10;

export const maySignIn = ({ device, door }: Door): boolean => device.isSecure || door.cleartextSignIn;

export const mayStartTls = ({ device, door }: Door): boolean => door.offersStartTls && !device.isSecure;

export interface SaslSignIn {
  readonly mechanism: string;
  /** The initial response, if there was one. */
  readonly initial: string | undefined;
  decide(credentials: Credentials): Promise<Turn>;
  refuse(why: Exclude<SaslOutcome['kind'], 'credentials' | 'ended'>): void;
}

/** A challenge looks the same in both protocols (RFC 5034 section 4, RFC 9051 section 6.2.2). */
export const signInBySasl = async ({ device }: Door, { mechanism, initial, decide, refuse }: SaslSignIn) => {
  const outcome = await saslExchange(mechanism, initial, async (challenge) => {
    device.say(`+ ${challenge}`);
    const read = await device.line();
    return read.kind === 'line' ? read.bytes.toString('utf8') : undefined;
  });
  if (outcome.kind === 'credentials') return decide(outcome.credentials);
  if (outcome.kind === 'ended') return OVER;
  refuse(outcome.kind);
  return COMMAND;
};
