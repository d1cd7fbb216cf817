import { type BrokerError, brokerError, passesByItself } from '../../domain/errors.ts';
import type { Audience, MailServer, ProviderName } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { renewAheadAt } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { DeviceAccess } from '../../records/device-access.ts';
import type { Records } from '../../records/index.ts';
import type { AcquireAccessToken } from '../grants/acquire-access-token.ts';
import type { CheckDevice, DeviceCredential } from './authenticate-device.ts';
import { makeRecordUse } from './record-use.ts';

export interface TokenRequest extends DeviceCredential {
  readonly slot: string;
  readonly audience: Audience;
  readonly minTtlSeconds: number;
  /** The device goes on asking by itself: what passes by itself, too, is nothing to tell of. */
  readonly isPoll?: boolean;
}

/** What a device needs to open a mail session: the provider's token, and where to use it. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly audience: Audience;
  readonly account: string;
  readonly provider: ProviderName;
  readonly slot: string;
  readonly server: MailServer | undefined;
}

/** Where a provider's mail servers are; undefined for `api`, which is no mail server. */
export type ServerFor = (provider: ProviderName, audience: Audience) => MailServer | undefined;

/**
 * A device fetches an access token. With a fresh one in the cache this is one round trip to the table (design rule 5).
 * Errors: `invalid_client`, `slot_not_bound`, and those of the mailbox behind the slot.
 */
export const makeFetchToken = ({
  records,
  checkDevice,
  acquireAccessToken,
  serverFor,
  clock,
  log,
}: {
  records: Pick<Records, 'deviceAccess' | 'grants'>;
  checkDevice: CheckDevice;
  acquireAccessToken: AcquireAccessToken;
  serverFor: ServerFor;
  clock: Clock;
  log: Log;
}) => {
  const recordUseOfBinding = makeRecordUse({ records, clock });

  const recordUse = async (access: DeviceAccess, audience: Audience): Promise<void> => {
    const { mailbox, token } = access;
    if (!mailbox || !(await recordUseOfBinding(access, audience))) return;
    const now = epochSeconds(clock);
    await records.grants.recordUse(
      mailbox.id,
      audience,
      now,
      token ? Math.max(now, renewAheadAt(token, mailbox.id)) : now,
    );
  };

  return async (request: TokenRequest): Promise<Result<IssuedToken, BrokerError>> => {
    const { clientId, slot, audience, minTtlSeconds } = request;
    const access = await records.deviceAccess.read(request);
    const device = await checkDevice(request, access);
    if (!device.ok) return device;
    const { organizationId } = device.value;
    const about = { client_id: clientId, organization_id: organizationId, slot, audience };
    const { mailbox } = access;
    if (!access.binding || !mailbox || mailbox.organizationId !== organizationId) {
      log.info('token.refused', { ...about, kind: 'slot_not_bound' });
      return fail(brokerError('slot_not_bound', `Slot "${slot}" has no mailbox.`));
    }

    const token = await acquireAccessToken({ mailbox, audience, minTtlSeconds }, access);
    if (!token.ok) {
      const { kind, code } = token.error;
      if (!request.isPoll || !passesByItself(token.error)) {
        log.info('token.refused', { ...about, mailbox_id: mailbox.id, kind, code });
      }
      return token;
    }
    const expiresInSeconds = token.value.expiresAt - epochSeconds(clock);
    await recordUse(access, audience).catch((error: unknown) => {
      // The device has its token; that it was used can be noted the next time.
      log.warn('token.use_not_recorded', { mailbox_id: mailbox.id, error: String(error) });
    });
    log.info('token.issued', { ...about, mailbox_id: mailbox.id, expires_in: expiresInSeconds });
    return ok({
      accessToken: token.value.accessToken,
      expiresInSeconds,
      audience,
      account: mailbox.address,
      provider: mailbox.provider,
      slot,
      server: serverFor(mailbox.provider, audience),
    });
  };
};

export type FetchToken = ReturnType<typeof makeFetchToken>;
