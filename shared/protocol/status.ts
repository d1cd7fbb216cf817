import { isFetchedSince } from '../domain/binding.ts';
import type { Binding, Device } from '../domain/entities.ts';
import type { MailboxDescription } from '../domain/mailbox-description.ts';
import type { Hold } from '../domain/outbox.ts';
import type { Audience, MailServer, ProviderName } from '../domain/provider.ts';
import { senderAddresses, senderPolicyOf } from '../domain/sender-policy.ts';
import { wireMetadata } from './device-metadata.ts';
import { OUTCOMES, type Outcome } from './outcomes.ts';
import { wireSenderPolicy } from './sender-policy.ts';
import { ERROR_TEXTS, type Language } from './texts/index.ts';
import { STATUS_LABELS } from './texts/status-labels.ts';
import { rfc3339OrNull } from './time.ts';

interface ShownSlot {
  readonly slot: string;
  readonly binding: Binding | undefined;
  readonly mailbox: MailboxDescription | undefined;
  readonly hold: Hold | undefined;
}

/** The slot `receive` reads mail by POP3 (R20); every other one sends. */
const audienceOf = (slot: string): Audience => (slot === 'receive' ? 'pop' : 'smtp');

type ServerFor = (provider: ProviderName, audience: Audience) => MailServer | undefined;

/** What the device may enter as the sender; nothing where the slot may not send, or has no mailbox. */
const sendersOf = (device: Device, { slot, mailbox }: ShownSlot): readonly string[] => {
  const allowed = mailbox && senderAddresses(senderPolicyOf(device), slot, mailbox.mailbox);
  return allowed?.ok ? allowed.value : [];
};

const slotReply = (device: Device, shown: ShownSlot, language: Language, serverFor: ServerFor) => {
  const { slot, binding, mailbox } = shown;
  const tokenStatus = mailbox?.tokenStatus ?? 'not_acquired';
  // Of mail that waits to be sent a slot that reads has nothing to say.
  const hold = mailbox && audienceOf(slot) === 'smtp' ? shown.hold : undefined;
  const reason = mailbox === undefined ? 'slot_not_bound' : (mailbox.statusReason ?? hold?.reason);
  const outcome: Outcome | undefined = reason && OUTCOMES[reason];
  const [message, remedy] = reason ? ERROR_TEXTS[language][reason] : [null, null];
  return {
    slot,
    token_status: tokenStatus,
    label: STATUS_LABELS[language][tokenStatus],
    account: mailbox?.mailbox.address ?? null,
    provider: mailbox?.mailbox.provider ?? null,
    sender_addresses: sendersOf(device, shown),
    server: (mailbox && serverFor(mailbox.mailbox.provider, audienceOf(slot))) ?? null,
    access_token_expires_at: rfc3339OrNull(mailbox?.accessTokenExpiresAt),
    lapses_at: rfc3339OrNull(mailbox?.lapsesAt),
    last_fetched_at: rfc3339OrNull(binding?.lastFetchedAt),
    fetched_since_sign_in: (binding && isFetchedSince(binding, mailbox?.signedInAt)) ?? null,
    mail_held: hold !== undefined,
    panel_code: outcome?.panelCode ?? null,
    message,
    remedy,
  };
};

/** `GET /v1/status`: everything a panel or a status sheet shows (R13, R14, R26). */
export const statusReply = (
  { device, slots }: { readonly device: Device; readonly slots: readonly ShownSlot[] },
  language: Language,
  serverFor: ServerFor,
) => ({
  device: { client_id: device.clientId, ...wireMetadata(device.metadata), ...wireSenderPolicy(device) },
  slots: slots.map((slot) => slotReply(device, slot, language, serverFor)),
});
