import type { Device, Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { idleUntil } from '../../domain/idle-slot.ts';
import type { Pairing } from '../../domain/pairing.ts';
import { type SignedInAccount, sameAddress } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { PairedSignIn, SignIn } from '../../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { newId } from '../secrets.ts';

const changedMeanwhile = brokerError('conflict', 'The device was given another mailbox, or none, meanwhile.');

/** A pairing that can be finished. */
export interface Standing {
  readonly pairing: Pairing;
  readonly device: Device;
}

/** What a sign-in does besides, when a device asked for it. */
export const finishPairing = ({
  records: { pairings, devices, organizations, mailboxes, audit },
  clock,
  random,
}: {
  readonly records: Pick<Records, 'pairings' | 'devices' | 'organizations' | 'mailboxes' | 'audit'>;
  readonly clock: Clock;
  readonly random: Random;
}) => ({
  /** The organization's mailbox of this account, made where there is none yet. */
  async mailboxFor(
    { organizationId, provider }: SignIn,
    { addresses }: SignedInAccount,
  ): Promise<Result<Mailbox, BrokerError>> {
    const [address] = addresses;
    if (address === undefined) {
      return fail(brokerError('sign_in_wrong_account', 'The provider did not say which account signed in.'));
    }
    const own = await mailboxes.list(organizationId);
    const isItsOwn = (mailbox: Mailbox) => addresses.some((one) => sameAddress(one, mailbox.address));
    const known = own.find((mailbox) => mailbox.provider === provider && isItsOwn(mailbox));
    if (known) return ok(known);
    const id = newId('mbx', random);
    const mailbox: Mailbox = {
      ...{ id, organizationId, provider, address, aliases: [], createdAt: epochSeconds(clock) },
    };
    await mailboxes.create(mailbox);
    await audit.add({ organizationId, by: 'person', action: 'mailbox.created', subject: id, detail: address });
    return ok(mailbox);
  },

  /**
   * Whether all is yet as the person saw it when they agreed: the code unused, the device and its organization there, and the
   * slot bound to what it was bound to. Looked at before the sign-in takes effect, so that nobody is told that it worked for a
   * device that never gets a token.
   */
  async check({ pairing: { deviceCodeHash }, mailboxId }: PairedSignIn): Promise<Result<Standing, BrokerError>> {
    const pairing = await pairings.get(deviceCodeHash);
    if (pairing === undefined) return fail(brokerError('pairing_unknown'));
    if (pairing.state !== 'pending') {
      return fail(brokerError(pairing.state === 'denied' ? 'pairing_denied' : 'pairing_unknown'));
    }
    if (pairing.expiresAt <= epochSeconds(clock)) return fail(brokerError('pairing_expired'));
    const [device, organization, binding] = await Promise.all([
      devices.get(pairing.clientId),
      organizations.get(pairing.organizationId),
      devices.binding(pairing.clientId, pairing.slot),
    ]);
    if (!device?.enabled || !organization?.enabled) {
      return fail(brokerError('sign_in_refused', 'The device was removed or disabled meanwhile.'));
    }
    if (binding?.mailboxId !== mailboxId) return fail(changedMeanwhile);
    return ok({ pairing, device });
  },

  /** Binds the slot, where it was free, and lets the device have its token. The first of two who finish one code wins. */
  async grant(
    { mailboxId }: PairedSignIn,
    { id, address }: Mailbox,
    { pairing, device }: Standing,
  ): Promise<Result<undefined, BrokerError>> {
    const { clientId, slot, organizationId } = pairing;
    const isFree = mailboxId === undefined;
    if (isFree) {
      const binding = { clientId, slot, mailboxId: id, organizationId, boundAt: epochSeconds(clock) };
      if (!(await devices.bindFree(binding, idleUntil(device, binding)))) return fail(changedMeanwhile);
      const detail = `${slot} to ${address}`;
      await audit.add({ organizationId, by: 'person', action: 'binding.made', subject: clientId, detail });
    }
    if (await pairings.move(pairing, { state: 'granted', mailboxId: id })) return ok(undefined);
    if (isFree) await devices.unbind(clientId, slot);
    return fail(brokerError('pairing_denied'));
  },

  /** The person said no at the provider; any other failure leaves the code good for another try. */
  async refuse({ pairing: { deviceCodeHash } }: PairedSignIn, { kind }: BrokerError): Promise<void> {
    if (kind !== 'sign_in_cancelled') return;
    const pairing = await pairings.get(deviceCodeHash);
    if (pairing?.state === 'pending') await pairings.move(pairing, { state: 'denied' });
  },
});
