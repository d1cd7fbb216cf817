import type { Device, Mailbox } from './entities.ts';
import { type BrokerError, brokerError } from './errors.ts';
import { sameAddress } from './provider.ts';
import { fail, ok, type Result } from './result.ts';
import { isPersonal } from './slot.ts';

/** As whom a device sends (R23). */
export const SENDER_POLICIES = ['user_may_change', 'login_user', 'administrator', 'configured'] as const;
export type SenderPolicy =
  /** Each person as themself, from their own mailbox: what no person sends has nobody to be from. */
  | { readonly name: 'login_user' }
  /** Any address of the mailbox, at the choice of the person at the panel. */
  | { readonly name: 'user_may_change' }
  /** The mailbox's own address, and no alias. */
  | { readonly name: 'administrator' }
  /** This one alone; it has to be an address of the mailbox all the same. */
  | { readonly name: 'configured'; readonly address: string };

/** A device that came before there were policies goes on as it did. */
export const senderPolicyOf = ({ senderPolicy }: Pick<Device, 'senderPolicy'>): SenderPolicy =>
  senderPolicy ?? { name: 'user_may_change' };

/** At least one; the first is for a message that names no sender. */
export type SenderAddresses = readonly [string, ...string[]];

type Addresses = Pick<Mailbox, 'address' | 'aliases'>;

const notAllowed = (detail: string) => fail(brokerError('sender_not_allowed', detail));

/** The addresses a message may be from, of those the mailbox has. Error: why none, and what would be allowed. */
export const senderAddresses = (
  policy: SenderPolicy,
  slot: string,
  { address, aliases }: Addresses,
): Result<SenderAddresses, BrokerError> => {
  // Internet fax answers to an address that the other side knows, whatever people at the panel may choose.
  if (slot === 'fax') return ok([address]);
  // Notifications are the device's own, and nobody is logged in for them.
  if (slot === 'alerts' && policy.name === 'login_user') return ok([address]);
  switch (policy.name) {
    case 'administrator':
      return ok([address]);
    case 'user_may_change':
      return ok([address, ...aliases]);
    case 'login_user':
      if (isPersonal(slot)) return ok([address, ...aliases]);
      return notAllowed('This device sends only as the user who is logged in: use the slot user:<login>.');
    case 'configured': {
      const configured = [address, ...aliases].find((own) => sameAddress(own, policy.address));
      if (configured !== undefined) return ok([configured]);
      return notAllowed(
        `This device sends only as ${policy.address}, which the mailbox ${address} does not have: ` +
          'change its sender address, or assign a mailbox that has it.',
      );
    }
  }
};

/** Whether a message from these senders may go; and as whom, where it names none. */
export const checkSenders = (
  policy: SenderPolicy,
  slot: string,
  mailbox: Addresses,
  senders: readonly string[],
): Result<string, BrokerError> => {
  const allowed = senderAddresses(policy, slot, mailbox);
  if (!allowed.ok) return allowed;
  const foreign = senders.find((sender) => !allowed.value.some((address) => sameAddress(address, sender)));
  if (foreign === undefined) return ok(allowed.value[0]);
  return notAllowed(`The message is from ${foreign}; allowed on slot ${slot}: ${allowed.value.join(', ')}.`);
};

/** As whom a message goes out. */
export interface Sender {
  /** For a message that names none, or in the place of those it names. */
  readonly address: string;
  readonly isRewritten: boolean;
}

/** The same where a device may have it rewritten: then what is not allowed goes as the first that is (R41). */
export const senderOf = (
  device: Pick<Device, 'senderPolicy' | 'rewriteSender'>,
  slot: string,
  mailbox: Addresses,
  senders: readonly string[],
): Result<Sender, BrokerError> => {
  const policy = senderPolicyOf(device);
  const checked = checkSenders(policy, slot, mailbox, senders);
  if (checked.ok) return ok({ address: checked.value, isRewritten: false });
  const allowed = senderAddresses(policy, slot, mailbox);
  return device.rewriteSender && allowed.ok ? ok({ address: allowed.value[0], isRewritten: true }) : checked;
};
