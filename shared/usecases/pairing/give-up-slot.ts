import type { Binding } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { isPersonal } from '../../domain/slot.ts';
import type { Records } from '../../records/index.ts';
import type { AuthenticateDevice, DeviceCredential } from '../devices/authenticate-device.ts';
import type { SignOut } from '../sign-in/sign-out.ts';
import { refreshTokenFamilyId } from './redeem-refresh-token.ts';

/**
 * Deletes one user's token at a device (R16): the slot is unbound, and its mailbox signed out if nothing else uses it. What
 * others use is left alone.
 */
export const makeGiveUpSlot =
  ({
    records: { devices, mailboxes, audit },
    signOut,
  }: {
    records: Pick<Records, 'devices' | 'mailboxes' | 'audit'>;
    signOut: SignOut;
  }) =>
  async ({ clientId, slot, mailboxId, organizationId }: Binding, by: string): Promise<void> => {
    const mailbox = await mailboxes.get(mailboxId);
    const others = (await mailboxes.boundDevices(mailboxId)).filter(
      (bound) => bound.clientId !== clientId || bound.slot !== slot,
    );
    if (mailbox && others.length === 0) await signOut(mailbox);
    await devices.unbind(clientId, slot);
    const detail = mailbox === undefined ? slot : `${slot} from ${mailbox.address}`;
    await audit.add({ organizationId, by, action: 'slot.given-up', subject: clientId, detail });
  };

export type GiveUpSlot = ReturnType<typeof makeGiveUpSlot>;

export interface RevocationRequest extends DeviceCredential {
  /** A refresh token of the broker's own, or an access token. */
  readonly token: string | undefined;
  /** `token_type_hint` */
  readonly hint: string | undefined;
  /** Which slot is given up; for devices that have no refresh token. */
  readonly slot: string | undefined;
}

/**
 * RFC 7009: the device gives up a slot's token. A person's own slot is emptied; of a slot that an administrator has bound only
 * the refresh token ends, as its mailbox is the organization's. Unknown tokens are no error (section 2.2). Errors:
 * `invalid_client`, `unsupported_token_type` (an access token that the provider issued, without a slot).
 */
export const makeRevokeToken =
  ({
    records: { devices, refreshTokenFamilies: families },
    authenticateDevice,
    giveUpSlot,
  }: {
    records: Pick<Records, 'devices' | 'refreshTokenFamilies'>;
    authenticateDevice: AuthenticateDevice;
    giveUpSlot: GiveUpSlot;
  }) =>
  async (request: RevocationRequest): Promise<Result<undefined, BrokerError>> => {
    const device = await authenticateDevice(request);
    if (!device.ok) return device;
    const { clientId } = device.value;
    const familyId = refreshTokenFamilyId(request.token ?? '');
    const family = familyId === undefined ? undefined : await families.get(familyId);
    if (family?.clientId === clientId) await families.remove(family.id);

    // An access token is the provider's, and cannot be revoked here; what is nothing at all is no error (section 2.2).
    const looksForeign = familyId === undefined && request.hint !== 'refresh_token';
    const slot = request.slot ?? (family?.clientId === clientId ? family.slot : undefined);
    if (slot === undefined) return looksForeign ? fail(brokerError('unsupported_token_type')) : ok(undefined);
    const binding = isPersonal(slot) ? await devices.binding(clientId, slot) : undefined;
    if (binding) await giveUpSlot(binding, `device:${clientId}`);
    return ok(undefined);
  };

export type RevokeToken = ReturnType<typeof makeRevokeToken>;
