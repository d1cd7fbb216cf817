import type { Readable } from 'node:stream';
import type { ServedDevice, ServedMailbox } from '../../domain/gateway.ts';
import { messageDate, messageIdOf } from '../../domain/message-fields.ts';
import { sameAddress } from '../../domain/provider.ts';
import type { Sender } from '../../domain/sender-policy.ts';
import type { Submission } from '../../domain/submission.ts';
import type { MessageFacts, MessageFormat, PreparedMessage } from '../../ports/message-format.ts';

/** A message that may go, and what is known of it. */
export interface CheckedMessage {
  readonly facts: MessageFacts;
  readonly sender: Sender;
  readonly to: readonly string[];
}

/** Whose message it is. */
export interface MessageOrigin {
  readonly device: Pick<ServedDevice, 'clientId' | 'organizationId' | 'rewriteSender'>;
  readonly mailbox: Pick<ServedMailbox, 'id' | 'address'>;
  readonly slot: string;
}

/** What it is known by from now on. */
export interface Acceptance {
  readonly id: string;
  /** Epoch seconds. */
  readonly acceptedAt: number;
}

const messageIdFor = ({ id }: Acceptance, { facts }: CheckedMessage, { mailbox }: MessageOrigin): string =>
  facts.messageId ?? messageIdOf(id, mailbox.address);

/** The message as it shall be sent: under its sender, with the fields it lacks, mended. */
export const composeContent = (
  messageFormat: Pick<MessageFormat, 'prepare' | 'sendAs'>,
  acceptance: Acceptance,
  origin: MessageOrigin,
  checked: CheckedMessage,
  content: Readable,
): PreparedMessage => {
  const { facts, sender } = checked;
  const supplied: [name: string, value: string][] = [
    ...(facts.messageId === undefined
      ? [['Message-ID', messageIdFor(acceptance, checked, origin)] as [string, string]]
      : []),
    ...(facts.hasDate ? [] : [['Date', messageDate(acceptance.acceptedAt)] as [string, string]]),
    ...(facts.hasFrom ? [] : [['From', sender.address] as [string, string]]),
  ];
  return messageFormat.prepare(
    sender.isRewritten ? messageFormat.sendAs(content, sender.address) : content,
    facts.repairs,
    // Who is told in secret stands in the envelope alone; a field supplied takes the place of an empty one.
    {
      headers: supplied,
      without: ['bcc', 'resent-bcc', ...supplied.map(([name]) => name)],
      bodyStands: facts.bodyStands,
    },
  );
};

/** The submission that goes with it. */
export const composeSubmission = (
  acceptance: Acceptance,
  origin: MessageOrigin,
  checked: CheckedMessage,
  { sizeBytes, eightBit }: ReturnType<PreparedMessage['written']>,
): Submission => {
  const { device, mailbox, slot } = origin;
  const { sender, to } = checked;
  return {
    id: acceptance.id,
    organizationId: device.organizationId,
    clientId: device.clientId,
    slot,
    mailboxId: mailbox.id,
    account: mailbox.address,
    messageId: messageIdFor(acceptance, checked, origin),
    envelope: { from: mailbox.address, to },
    delivered: [],
    rejected: [],
    sizeBytes,
    eightBit,
    ...(device.rewriteSender ? { mayRewriteSender: true } : {}),
    // Under an alias it may still have to be rewritten, to the mailbox itself.
    ...(sender.isRewritten && sameAddress(sender.address, mailbox.address) ? { senderRewritten: true } : {}),
    acceptedAt: acceptance.acceptedAt,
    attempts: 0,
    status: { state: 'queued' },
  };
};
