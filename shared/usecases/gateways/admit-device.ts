import type { Device, Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { type GatewayIdentity, SERVED_SECONDS, type ServedDevice, type ServedMailbox } from '../../domain/gateway.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { PresentedCredential } from '../../ports/gateway-link.ts';
import type { Log } from '../../ports/log.ts';
import type { DeviceAccess } from '../../records/device-access.ts';
import type { Records } from '../../records/index.ts';
import type { CheckDevice } from '../devices/authenticate-device.ts';
import { makeRecordUse } from '../devices/record-use.ts';

/** A device signs in for every job; that it did is written down at most so often. */
const PROVEN_AGAIN_AFTER_SECONDS = 3600;

/** A place at one gateway is not the same address at another, nor one that the broker itself sees. */
const placeAt = (gatewayId: string, address: string): string => `gateway/${gatewayId}/${address}`;

const servedMailbox = ({ createdAt: _createdAt, ...mailbox }: Mailbox): ServedMailbox => mailbox;

const servedDevice = (device: Device, slot: string, mailbox: Mailbox): ServedDevice => {
  const { clientId, organizationId, metadata, senderPolicy, rewriteSender } = device;
  const { clientName, locale } = metadata;
  return {
    clientId,
    organizationId,
    metadata: { clientName, ...(locale === undefined ? {} : { locale }) },
    slot,
    ...(senderPolicy === undefined ? {} : { senderPolicy }),
    ...(rewriteSender === undefined ? {} : { rewriteSender }),
    mailbox: servedMailbox(mailbox),
  };
};

/** A device proves itself at a gateway, which may use its mailbox from then on (`GatewayLink.admit`). */
export const makeAdmitDevice = (dependencies: {
  readonly records: Pick<Records, 'deviceAccess' | 'gateways'>;
  readonly checkDevice: CheckDevice;
  readonly clock: Clock;
  readonly log: Log;
}) => {
  const { records, checkDevice, clock, log } = dependencies;
  const recordUseOfBinding = makeRecordUse(dependencies);

  const recordUse = (access: DeviceAccess): Promise<unknown> =>
    recordUseOfBinding(access).catch((error: unknown) => {
      // It is admitted; that the slot was used can be noted the next time.
      log.warn('gateway.use_not_recorded', { mailbox_id: access.mailbox?.id, error: String(error) });
    });

  const noteServed = async (gatewayId: string, { id, organizationId }: Mailbox, by: PresentedCredential) => {
    const now = epochSeconds(clock);
    const before = await records.gateways.serving(gatewayId, id, now);
    if (before?.organizationId === organizationId && now - before.provenAt < PROVEN_AGAIN_AFTER_SECONDS) return;
    const { clientId, slot } = by;
    const serving = { organizationId, clientId, slot, provenAt: now, expiresAt: now + SERVED_SECONDS };
    await records.gateways.serve(gatewayId, id, serving);
    log.info('gateway.device_admitted', { gateway_id: gatewayId, client_id: clientId, slot, mailbox_id: id });
  };

  /** Another organization's device is there no more than one that nobody made; nor is a gateway a device of its own. */
  const within = ({ gatewayId, organizationId }: GatewayIdentity, access: DeviceAccess): DeviceAccess => {
    const { device } = access;
    const isWithin = organizationId === undefined || organizationId === device?.organizationId;
    return isWithin && device?.clientId !== gatewayId ? access : { ...access, device: undefined };
  };

  return (gateway: GatewayIdentity) =>
    async (presented: PresentedCredential): Promise<Result<ServedDevice, BrokerError>> => {
      const { slot, address } = presented;
      const place = placeAt(gateway.gatewayId, address);
      const audience = slot === 'receive' ? 'pop' : 'smtp';
      const access = within(gateway, await records.deviceAccess.read({ ...presented, audience, place }));
      const device = await checkDevice({ ...presented, place }, access);
      if (!device.ok) return device;
      const { mailbox } = access;
      if (!mailbox || mailbox.organizationId !== device.value.organizationId) {
        return fail(brokerError('slot_not_bound', `Slot "${slot}" has no mailbox.`));
      }
      // A lapsed sign-in holds the mail for its return; a mailbox that nobody signed in was never meant to send.
      const { state } = access.grant.grant;
      if (state === 'never' || state === 'signed_out') {
        return fail(brokerError(state === 'never' ? 'not_signed_in' : 'signed_out'));
      }
      await noteServed(gateway.gatewayId, mailbox, presented);
      await recordUse(access);
      return ok(servedDevice(device.value, slot, mailbox));
    };
};
