import type { Binding, Device } from '../domain/entities.ts';
import type { MailboxDescription } from '../domain/mailbox-description.ts';
import type { Audience, MailServer, ProviderName } from '../domain/provider.ts';
import { OUTCOMES, type Outcome } from './outcomes.ts';
import { wireMetadata } from './registration.ts';
import { ERROR_TEXTS, type Language } from './texts/index.ts';
import { STATUS_LABELS } from './texts/status-labels.ts';
import { rfc3339OrNull } from './time.ts';

interface ShownSlot {
  readonly slot: string;
  readonly binding: Binding | undefined;
  readonly mailbox: MailboxDescription | undefined;
}

/** The slot `receive` reads mail by POP3 (R20); every other one sends. */
const audienceOf = (slot: string): Audience => (slot === 'receive' ? 'pop' : 'smtp');

type ServerFor = (provider: ProviderName, audience: Audience) => MailServer | undefined;

const slotReply = ({ slot, binding, mailbox }: ShownSlot, language: Language, serverFor: ServerFor) => {
  const tokenStatus = mailbox?.tokenStatus ?? 'not_acquired';
  const reason = mailbox === undefined ? 'slot_not_bound' : mailbox.statusReason;
  const outcome: Outcome | undefined = reason && OUTCOMES[reason];
  const [message, remedy] = reason ? ERROR_TEXTS[language][reason] : [null, null];
  return {
    slot,
    token_status: tokenStatus,
    label: STATUS_LABELS[language][tokenStatus],
    account: mailbox?.mailbox.address ?? null,
    provider: mailbox?.mailbox.provider ?? null,
    server: (mailbox && serverFor(mailbox.mailbox.provider, audienceOf(slot))) ?? null,
    access_token_expires_at: rfc3339OrNull(mailbox?.accessTokenExpiresAt),
    lapses_at: rfc3339OrNull(mailbox?.lapsesAt),
    last_fetched_at: rfc3339OrNull(binding?.lastFetchedAt),
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
  device: { client_id: device.clientId, ...wireMetadata(device.metadata) },
  slots: slots.map((slot) => slotReply(slot, language, serverFor)),
});
