import type { Mailbox } from '../domain/entities.ts';
import { type BrokerError, brokerError } from '../domain/errors.ts';
import { idleUntil } from '../domain/idle-slot.ts';
import { type SignedInAccount, sameAddress } from '../domain/provider.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import type { PairedSignIn, SignIn } from '../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Records } from '../records/index.ts';
import { newId } from './secrets.ts';

/** What a sign-in does besides, when a device asked for it. */
export const finishPairing = ({
  records: { pairings, devices, mailboxes, audit },
  clock,
  random,
}: {
  readonly records: Pick<Records, 'pairings' | 'devices' | 'mailboxes' | 'audit'>;
  readonly clock: Clock;
  readonly random: Random;
}) => ({
  /** The organization's mailbox of this account, made where there is none yet. */
  async mailboxFor(
    { organizationId, provider }: SignIn,
    { addresses: [address] }: SignedInAccount,
  ): Promise<Result<Mailbox, BrokerError>> {
    if (address === undefined) {
      return fail(brokerError('sign_in_wrong_account', 'The provider did not say which account signed in.'));
    }
    const own = await mailboxes.list(organizationId);
    const known = own.find((mailbox) => mailbox.provider === provider && sameAddress(mailbox.address, address));
    if (known) return ok(known);
    const id = newId('mbx', random);
    const mailbox: Mailbox = {
      ...{ id, organizationId, provider, address, aliases: [], createdAt: epochSeconds(clock) },
    };
    await mailboxes.create(mailbox);
    await audit.add({ organizationId, by: 'person', action: 'mailbox.created', subject: id, detail: address });
    return ok(mailbox);
  },

  /** Binds the device's slot, unless somebody has bound it otherwise meanwhile, and lets the device have its token. */
  async grant({ pairing: { deviceCodeHash } }: PairedSignIn, { id, address }: Mailbox): Promise<void> {
    const pairing = await pairings.get(deviceCodeHash);
    if (pairing === undefined) return;
    const { clientId, slot, organizationId } = pairing;
    const device = await devices.get(clientId);
    if (device === undefined) return;
    if ((await devices.binding(clientId, slot)) === undefined) {
      const binding = { clientId, slot, mailboxId: id, organizationId, boundAt: epochSeconds(clock) };
      await devices.bind(binding, idleUntil(device, binding));
      const detail = `${slot} to ${address}`;
      await audit.add({ organizationId, by: 'person', action: 'binding.made', subject: clientId, detail });
    }
    await pairings.move(pairing, { state: 'granted', mailboxId: id });
  },

  /** The person said no at the provider; any other failure leaves the code good for another try. */
  async refuse({ pairing: { deviceCodeHash } }: PairedSignIn, { kind }: BrokerError): Promise<void> {
    if (kind !== 'sign_in_cancelled') return;
    const pairing = await pairings.get(deviceCodeHash);
    if (pairing?.state === 'pending') await pairings.move(pairing, { state: 'denied' });
  },
});
