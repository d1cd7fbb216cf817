import type { Binding, Device } from '../../domain/entities.ts';
import type { BrokerError } from '../../domain/errors.ts';
import type { MailboxDescription } from '../../domain/mailbox-description.ts';
import { type Hold, holdOf } from '../../domain/outbox.ts';
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
  /** While no mail of the mailbox is sent until a person mends it. */
  readonly hold: Hold | undefined;
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
    records: Pick<Records, 'devices' | 'mailboxes' | 'outboxes'>;
    authenticateDevice: AuthenticateDevice;
    describeMailbox: DescribeMailbox;
  }) =>
  async (credential: DeviceCredential): Promise<Result<DeviceStatus, BrokerError>> => {
    const device = await authenticateDevice(credential);
    if (!device.ok) return device;
    const slots: SlotStatus[] = [];
    const bindings = await records.devices.bindings(device.value.clientId);
    const outboxes = await records.outboxes.getMany([...new Set(bindings.map(({ mailboxId }) => mailboxId))]);
    for (const binding of bindings) {
      const mailbox = await records.mailboxes.get(binding.mailboxId);
      slots.push({
        slot: binding.slot,
        binding,
        mailbox: mailbox && (await describeMailbox(mailbox)),
        hold: holdOf(outboxes.get(binding.mailboxId) ?? {}),
      });
    }
    if (!slots.some(({ slot }) => slot === DEFAULT_SLOT)) {
      slots.unshift({ slot: DEFAULT_SLOT, binding: undefined, mailbox: undefined, hold: undefined });
    }
    return ok({ device: device.value, slots });
  };

export type ReadDeviceStatus = ReturnType<typeof makeReadDeviceStatus>;
