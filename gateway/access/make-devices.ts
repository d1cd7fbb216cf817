import { BlockList, isIPv6 } from 'node:net';
import { type BrokerError, brokerError, type ErrorKind } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { slotNamed } from '../../shared/domain/slot.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';
import type { Log } from '../../shared/ports/log.ts';
import { hashOf, matchesAny } from '../../shared/usecases/secrets.ts';
import type { DeviceStore } from './device-store.ts';
import type { Devices } from './devices.ts';
import { makeWrongAttempts } from './wrong-attempts.ts';

/** A device that cannot sign in, and where it is. */
export interface ListedDevice {
  /** An address, or a network in CIDR notation. */
  readonly network: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly slot: string;
}

/** Within it the broker is not asked again: a device that sends page by page signs in for each. */
const TRUSTED_SECONDS = 60;

/** So long a device is let in while the broker cannot be asked: a week's outage of a line. */
export const OFFLINE_SECONDS = 7 * 86_400;

/** So long after the broker was not reached whoever may be let in without it is: a panel does not wait for each time-out. */
const UNREACHED_SECONDS = 30;

/** The broker's word on the device itself, not on what keeps it from giving one. */
const DENIALS: readonly ErrorKind[] = ['invalid_client', 'slot_not_bound', 'not_signed_in', 'signed_out'];

interface Credential {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly slot: string;
  readonly address: string;
}

const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Throws `RangeError` where it is no network. */
export const blockListOf = (network: string): BlockList => {
  const [address = '', prefix] = network.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  return list;
};

const isWithin = (list: BlockList, address: string): boolean => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

export interface DevicesOptions {
  readonly link: Pick<GatewayLink, 'admit'>;
  readonly store: DeviceStore;
  readonly listed: () => readonly ListedDevice[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Who may use the gateway: whom the broker admits; and while it cannot be asked, whom it has admitted lately. */
export const makeDevices = ({ link, store, listed, clock, log }: DevicesOptions): Devices => {
  const wrong = makeWrongAttempts(clock);
  /** A fleet that is switched on at once asks once for each device. */
  const asked = new Map<string, Promise<Result<ServedDevice, BrokerError>>>();
  let unreachedAt = Number.NEGATIVE_INFINITY;

  const isKnown = (name: string, secret: string, seconds: number): ServedDevice | undefined => {
    const proven = store.get(name);
    if (proven === undefined || epochSeconds(clock) - proven.provenAt > seconds) return undefined;
    return matchesAny(secret, [proven.secretHash]) ? proven.device : undefined;
  };

  /** What is not on disk is so until the next start. */
  const saved = (clientId: string, save: Promise<unknown>): Promise<unknown> =>
    save.catch((error: unknown) => log.warn('devices.not_saved', { client_id: clientId, error: String(error) }));

  const remember = (name: string, { clientId, clientSecret }: Credential, device: ServedDevice) =>
    saved(clientId, store.set(name, { device, secretHash: hashOf(clientSecret), provenAt: epochSeconds(clock) }));

  /** Then it is not let in offline either. What somebody else guesses changes nothing. */
  const forget = (name: string, { clientId, clientSecret }: Credential, kind: ErrorKind) => {
    // Disabled, or its secret rotated: for every slot.
    const names = kind === 'invalid_client' ? store.namesOf(clientId) : [name];
    const denied = names.filter((one) => isKnown(one, clientSecret, Number.POSITIVE_INFINITY));
    return saved(clientId, Promise.all(denied.map((one) => store.delete(one))));
  };

  const ask = async (name: string, credential: Credential): Promise<Result<ServedDevice, BrokerError>> => {
    const admitted = await link.admit(credential);
    if (admitted.ok) {
      await remember(name, credential, admitted.value);
      return admitted;
    }
    const { kind } = admitted.error;
    if (kind === 'broker_unreachable') {
      unreachedAt = epochSeconds(clock);
      const known = isKnown(name, credential.clientSecret, OFFLINE_SECONDS);
      return known ? ok(known) : admitted;
    }
    if (DENIALS.includes(kind)) await forget(name, credential, kind);
    return admitted;
  };

  const admit = (credential: Credential): Promise<Result<ServedDevice, BrokerError>> => {
    const { clientId, clientSecret, slot, address } = credential;
    const name = `${clientId}+${slot}`;
    const isUnreached = epochSeconds(clock) - unreachedAt < UNREACHED_SECONDS;
    const known = isKnown(name, clientSecret, isUnreached ? OFFLINE_SECONDS : TRUSTED_SECONDS);
    if (known) return Promise.resolve(ok(known));
    const key = JSON.stringify([name, address, hashOf(clientSecret)]);
    const current = asked.get(key) ?? ask(name, credential).finally(() => asked.delete(key));
    asked.set(key, current);
    return current;
  };

  return {
    async signIn({ user, password, defaultSlot, address: from }) {
      const address = plainAddress(from);
      const [clientId = '', ...rest] = user.trim().toLowerCase().split('+');
      const slot = rest.length === 0 ? defaultSlot : slotNamed(rest.join('+'));
      if (slot === undefined) return fail(brokerError('slot_not_bound', 'The user name names no slot.'));
      const locked = wrong.lockedFor(address, clientId);
      if (locked > 0) return fail({ kind: 'too_many_attempts', retryAfterSeconds: locked });
      const admitted = await admit({ clientId, clientSecret: password, slot, address });
      if (admitted.ok) {
        wrong.forget(address, clientId);
        return admitted;
      }
      if (admitted.error.kind !== 'invalid_client') return admitted;
      const lockedSeconds = await wrong.refuse(address, clientId);
      return lockedSeconds > 0 ? fail({ kind: 'too_many_attempts', retryAfterSeconds: lockedSeconds }) : admitted;
    },

    async listed(address) {
      const plain = plainAddress(address);
      const found = listed().find(({ network }) => isWithin(blockListOf(network), plain));
      if (found === undefined) return undefined;
      const { clientId, clientSecret, slot } = found;
      return admit({ clientId: clientId.toLowerCase(), clientSecret, slot, address: plain });
    },
  };
};
