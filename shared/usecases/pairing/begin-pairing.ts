import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { drawUserCode, PAIRING_SECONDS, type Pairing, POLL_INTERVAL_SECONDS } from '../../domain/pairing.ts';
import type { Audience, ProviderName } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import type { AuthenticateDevice, DeviceCredential } from '../devices/authenticate-device.ts';
import { hashOf, longSecret } from '../secrets.ts';

export interface PairingRequest extends DeviceCredential {
  readonly slot: string;
  readonly audience: Audience;
  readonly provider: ProviderName | undefined;
  /** The account that the device would like to see signed in. */
  readonly loginHint: string | undefined;
}

/** What the device polls with, and what it shows (RFC 8628 section 3.2). */
export interface BegunPairing {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
  /** Of the device, where it has said it. */
  readonly locale: string | undefined;
}

/** Of 2^34 user codes few are in use; drawing the same one twice in a row is a bug. */
const DRAWS = 5;

/** A device asks for a slot to be signed in by a person with another screen. Errors: `invalid_client`, `conflict`. */
export const makeBeginPairing =
  ({
    records,
    authenticateDevice,
    clock,
    random,
    log,
  }: {
    records: Pick<Records, 'devices' | 'mailboxes' | 'pairings'>;
    authenticateDevice: AuthenticateDevice;
    clock: Clock;
    random: Random;
    log: Log;
  }) =>
  async (request: PairingRequest): Promise<Result<BegunPairing, BrokerError>> => {
    const device = await authenticateDevice(request);
    if (!device.ok) return device;
    const { clientId, organizationId } = device.value;
    const { slot, audience, loginHint } = request;
    const binding = await records.devices.binding(clientId, slot);
    const bound = binding && (await records.mailboxes.get(binding.mailboxId));
    if (bound && request.provider !== undefined && request.provider !== bound.provider) {
      return fail(brokerError('conflict', `Slot "${slot}" has a ${bound.provider} mailbox; leave provider out.`));
    }
    const provider = bound?.provider ?? request.provider;
    for (let draw = 0; draw < DRAWS; draw++) {
      const [deviceCode, userCode] = [longSecret(random), drawUserCode(random.bytes)];
      const now = epochSeconds(clock);
      const pairing: Pairing = {
        ...{ deviceCodeHash: hashOf(deviceCode), userCodeHash: hashOf(userCode) },
        ...{ clientId, organizationId, slot, audience },
        ...(provider === undefined ? {} : { provider }),
        ...(loginHint === undefined ? {} : { loginHint }),
        ...{ expiresAt: now + PAIRING_SECONDS, intervalSeconds: POLL_INTERVAL_SECONDS, polledAt: 0 },
        state: 'pending',
      };
      if (!(await records.pairings.create(pairing))) continue;
      log.info('pairing.begun', { client_id: clientId, organization_id: organizationId, slot });
      const expiresInSeconds = PAIRING_SECONDS;
      const { locale } = device.value.metadata;
      return ok({ deviceCode, userCode, expiresInSeconds, intervalSeconds: POLL_INTERVAL_SECONDS, locale });
    }
    throw new Error('every user code that was drawn is in use');
  };

export type BeginPairing = ReturnType<typeof makeBeginPairing>;
