import { BlockList, isIPv6 } from 'node:net';
import { type BrokerError, brokerError } from '../shared/domain/errors.ts';
import type { ServedDevice } from '../shared/domain/gateway.ts';
import { fail, ok, type Result } from '../shared/domain/result.ts';
import { slotNamed } from '../shared/domain/slot.ts';
import { type Clock, epochSeconds } from '../shared/ports/clock.ts';
import type { GatewayLink } from '../shared/ports/gateway-link.ts';
import type { Log } from '../shared/ports/log.ts';
import { hashOf, matchesAny } from '../shared/usecases/secrets.ts';
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

  const isKnown = (name: string, secret: string, seconds: number): ServedDevice | undefined => {
    const proven = store.get(name);
    if (proven === undefined || epochSeconds(clock) - proven.provenAt > seconds) return undefined;
    return matchesAny(secret, [proven.secretHash]) ? proven.device : undefined;
  };

  const remember = async (name: string, secret: string, device: ServedDevice): Promise<void> => {
    const proven = { device, secretHash: hashOf(secret), provenAt: epochSeconds(clock) };
    await store.set(name, proven).catch((error: unknown) => {
      // It is known until the next start.
      log.warn('devices.not_saved', { client_id: device.clientId, error: String(error) });
    });
  };

  const ask = async (name: string, credential: Credential): Promise<Result<ServedDevice, BrokerError>> => {
    const admitted = await link.admit(credential);
    if (admitted.ok) {
      await remember(name, credential.clientSecret, admitted.value);
      return admitted;
    }
    if (admitted.error.kind === 'broker_unreachable') {
      const known = isKnown(name, credential.clientSecret, OFFLINE_SECONDS);
      return known ? ok(known) : admitted;
    }
    // Disabled, rotated or unbound: then it is not let in offline either. What somebody else guesses changes nothing.
    if (isKnown(name, credential.clientSecret, Number.POSITIVE_INFINITY)) await store.delete(name);
    return admitted;
  };

  const admit = (credential: Credential): Promise<Result<ServedDevice, BrokerError>> => {
    const { clientId, clientSecret, slot, address } = credential;
    const name = `${clientId}+${slot}`;
    const known = isKnown(name, clientSecret, TRUSTED_SECONDS);
    if (known) return Promise.resolve(ok(known));
    const key = JSON.stringify([name, address, hashOf(clientSecret)]);
    const current = asked.get(key) ?? ask(name, credential).finally(() => asked.delete(key));
    asked.set(key, current);
    return current;
  };

  return {
    async signIn({ user, password, defaultSlot, address }) {
      const [clientId = '', ...rest] = user.trim().toLowerCase().split('+');
      const slot = rest.length === 0 ? defaultSlot : slotNamed(rest.join('+'));
      if (slot === undefined) return fail(brokerError('slot_not_bound', 'The user name names no slot.'));
      const locked = wrong.lockedFor(address, clientId);
      if (locked > 0) return fail({ kind: 'too_many_attempts', retryAfterSeconds: locked });
      const admitted = await admit({ clientId, clientSecret: password, slot, address: plainAddress(address) });
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
