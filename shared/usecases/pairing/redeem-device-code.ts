import { type BrokerError, brokerError, passesByItself } from '../../domain/errors.ts';
import { pollOf } from '../../domain/pairing.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';
import type { AuthenticateDevice, DeviceCredential } from '../devices/authenticate-device.ts';
import type { FetchToken, IssuedToken } from '../devices/fetch-token.ts';
import { hashOf } from '../secrets.ts';
import type { MakeRefreshToken } from './redeem-refresh-token.ts';

export interface DeviceCodeRequest extends DeviceCredential {
  readonly deviceCode: string;
  readonly minTtlSeconds: number;
}

/** A token, with the broker's own refresh token for clients that know only that grant. */
export interface IssuedTokens extends IssuedToken {
  readonly refreshToken: string;
}

/**
 * A device's poll (RFC 8628 sections 3.4 and 3.5). Errors: `invalid_client`, the `pairing_` kinds, and those of the mailbox.
 * A code that was granted is used up only with the token: until then the provider may be waited for.
 */
export const makeRedeemDeviceCode =
  ({
    records: { pairings },
    authenticateDevice,
    fetchToken,
    makeRefreshToken,
    clock,
  }: {
    records: Pick<Records, 'pairings'>;
    authenticateDevice: AuthenticateDevice;
    fetchToken: FetchToken;
    makeRefreshToken: MakeRefreshToken;
    clock: Clock;
  }) =>
  async (request: DeviceCodeRequest): Promise<Result<IssuedTokens, BrokerError>> => {
    const device = await authenticateDevice(request);
    if (!device.ok) return device;
    const pairing = await pairings.get(hashOf(request.deviceCode));
    if (pairing?.clientId !== device.value.clientId) return fail(brokerError('pairing_unknown'));

    const now = clock.now() / 1000;
    const { answer, intervalSeconds } = pollOf(pairing, now);
    await pairings.notePoll(pairing.deviceCodeHash, now, intervalSeconds);
    if (answer !== 'redeem') return fail(brokerError(answer));

    const { slot, audience } = pairing;
    if (pairing.state !== 'granted') return fail(brokerError('pairing_unknown'));
    const token = await fetchToken({ ...request, slot, audience, isPoll: true });
    if (!token.ok) return passesByItself(token.error) ? fail(brokerError('pairing_pending')) : token;
    if (!(await pairings.move(pairing, { state: 'redeemed' }))) return fail(brokerError('pairing_unknown'));
    const refreshToken = await makeRefreshToken({
      clientId: request.clientId,
      slot,
      mailboxId: pairing.mailboxId,
      audience,
    });
    return ok({ ...token.value, refreshToken });
  };

export type RedeemDeviceCode = ReturnType<typeof makeRedeemDeviceCode>;
