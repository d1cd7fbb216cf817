import type { Binding, Device } from '../../domain/entities.ts';
import type { BrokerError } from '../../domain/errors.ts';
import type { MailboxDescription } from '../../domain/mailbox-description.ts';
import { ok, type Result } from '../../domain/result.ts';
import { DEFAULT_SLOT } from '../../domain/slot.ts';
import type { Records } from '../../records/index.ts';
import type { DescribeMailbox } from '../describe-mailbox.ts';
import type { AuthenticateDevice, DeviceCredential } from './authenticate-device.ts';

export interface SlotStatus {
  readonly slot: string;
  readonly binding: Binding | undefined;
  /** Undefined: nothing is bound here. */
  readonly mailbox: MailboxDescription | undefined;
}

export interface DeviceStatus {
  readonly device: Device;
  readonly slots: readonly SlotStatus[];
}

/** Every slot of the device with what stands behind it (R13, R14). The default slot is told even when nothing is bound. */
export const makeReadDeviceStatus =
  ({
    records,
    authenticateDevice,
    describeMailbox,
  }: {
    records: Pick<Records, 'devices' | 'mailboxes'>;
    authenticateDevice: AuthenticateDevice;
    describeMailbox: DescribeMailbox;
  }) =>
  async (credential: DeviceCredential): Promise<Result<DeviceStatus, BrokerError>> => {
    const device = await authenticateDevice(credential);
    if (!device.ok) return device;
    const slots: SlotStatus[] = [];
    for (const binding of await records.devices.bindings(device.value.clientId)) {
      const mailbox = await records.mailboxes.get(binding.mailboxId);
      slots.push({ slot: binding.slot, binding, mailbox: mailbox && (await describeMailbox(mailbox)) });
    }
    if (!slots.some(({ slot }) => slot === DEFAULT_SLOT)) {
      slots.unshift({ slot: DEFAULT_SLOT, binding: undefined, mailbox: undefined });
    }
    return ok({ device: device.value, slots });
  };

export type ReadDeviceStatus = ReturnType<typeof makeReadDeviceStatus>;
