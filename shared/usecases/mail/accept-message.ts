import type { Device, Mailbox } from '../../domain/entities.ts';
import { parseEnvelopeTo } from '../../domain/envelope.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { timeSortedId } from '../../domain/identifiers.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { checkSenders, senderPolicyOf } from '../../domain/sender-policy.ts';
import { blobKeyOf, type Submission } from '../../domain/submission.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MessageFacts, MessageFormat } from '../../ports/message-format.ts';
import type { Random } from '../../ports/random.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { DeviceAccess } from '../../records/device-access.ts';
import type { Records } from '../../records/index.ts';
import type { CheckDevice, DeviceCredential } from '../devices/authenticate-device.ts';
import { makeRecordUse } from '../devices/record-use.ts';
import { hashOf } from '../secrets.ts';

export interface HandedInMessage extends DeviceCredential {
  readonly slot: string;
  readonly message: Uint8Array;
  /** `X-Envelope-To`; without it the message's own To, Cc and Bcc. */
  readonly envelopeTo: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** What was found in a message that may go. */
interface Checked {
  readonly facts: MessageFacts;
  /** For a message that names none. */
  readonly sender: string;
  readonly to: readonly string[];
}

/** The queue's message to the sending worker. */
export interface SubmissionWork {
  readonly submissionId: string;
}

/**
 * Takes responsibility for a message: when it resolves with a submission, message and envelope are durable under an id
 * of their own (design rule 7), and will reach `sent` or `failed`.
 */
export const makeAcceptMessage = ({
  records,
  checkDevice,
  blobs,
  queue,
  messageFormat,
  clock,
  random,
  log,
}: {
  records: Pick<Records, 'deviceAccess' | 'submissions'>;
  checkDevice: CheckDevice;
  blobs: BlobStore;
  queue: WorkQueue;
  messageFormat: MessageFormat;
  clock: Clock;
  random: Random;
  log: Log;
}) => {
  const recordUseOfBinding = makeRecordUse({ records, clock });

  const recordUse = (access: DeviceAccess): Promise<unknown> =>
    recordUseOfBinding(access).catch((error: unknown) => {
      // The message is safe; that the slot was used can be noted the next time.
      log.warn('submission.use_not_recorded', { mailbox_id: access.mailbox?.id, error: String(error) });
    });

  /** Whom it goes to: the envelope if given, else everybody the headers name. */
  const recipients = (envelopeTo: string | undefined, facts: MessageFacts): Result<readonly string[], BrokerError> =>
    parseEnvelopeTo(envelopeTo ?? [...facts.to, ...facts.cc, ...facts.bcc].join(','));

  const store = async (
    device: Device,
    mailbox: Mailbox,
    handedIn: HandedInMessage,
    { facts, sender, to }: Checked,
  ): Promise<Submission> => {
    const { slot, idempotencyKey } = handedIn;
    const id = timeSortedId('sub', clock.now(), random.bytes);
    const messageId = facts.messageId ?? `<${id}@${mailbox.address.slice(mailbox.address.lastIndexOf('@') + 1)}>`;
    const supplied: [name: string, value: string][] = [
      ...(facts.messageId === undefined ? [['Message-ID', messageId] as [string, string]] : []),
      ...(facts.hasDate ? [] : [['Date', rfc5322Date(clock.now())] as [string, string]]),
      ...(facts.hasFrom ? [] : [['From', sender] as [string, string]]),
    ];
    const message = messageFormat.prepare(handedIn.message, {
      headers: supplied,
      // Who is told in secret stands in the envelope alone; a field supplied takes the place of an empty one.
      without: ['bcc', 'resent-bcc', ...supplied.map(([name]) => name)],
    });
    const submission: Submission = {
      id,
      organizationId: device.organizationId,
      clientId: device.clientId,
      slot,
      mailboxId: mailbox.id,
      account: mailbox.address,
      messageId,
      envelope: { from: mailbox.address, to },
      delivered: [],
      rejected: [],
      sizeBytes: message.length,
      acceptedAt: epochSeconds(clock),
      attempts: 0,
      status: { state: 'queued' },
    };
    await blobs.put(blobKeyOf(id), message);
    const keyHash = idempotencyKey === undefined ? undefined : hashOf(idempotencyKey);
    if (await records.submissions.create(submission, keyHash)) return submission;
    // A write repeated because its answer was lost is refused by itself.
    if (await records.submissions.get(id)) return submission;
    await blobs.delete(blobKeyOf(id));
    const earlier = keyHash && (await earlierSubmission(device.clientId, keyHash));
    if (!earlier) throw new Error(`submission ${id} could not be stored`);
    return earlier;
  };

  const earlierSubmission = async (clientId: string, keyHash: string): Promise<Submission | undefined> => {
    const id = await records.submissions.byIdempotencyKey(clientId, keyHash, epochSeconds(clock));
    return id === undefined ? undefined : (await records.submissions.get(id))?.submission;
  };

  return async (handedIn: HandedInMessage): Promise<Result<Submission, BrokerError>> => {
    const { clientId, slot, idempotencyKey } = handedIn;
    const access = await records.deviceAccess.read({ ...handedIn, audience: 'smtp' });
    const device = await checkDevice(handedIn, access);
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
    const inspected = messageFormat.inspect(handedIn.message);
    if (!inspected.ok) return fail(brokerError('not_a_message', inspected.error));
    const sender = checkSenders(senderPolicyOf(device.value), slot, mailbox, inspected.value.senders);
    if (!sender.ok) return sender;
    const to = recipients(handedIn.envelopeTo, inspected.value);
    if (!to.ok) return to;

    if (idempotencyKey !== undefined) {
      const earlier = await earlierSubmission(clientId, hashOf(idempotencyKey));
      if (earlier) {
        await recordUse(access);
        return ok(earlier);
      }
    }
    const checked = { facts: inspected.value, sender: sender.value, to: to.value };
    const submission = await store(device.value, mailbox, handedIn, checked);
    await queue
      .send({
        body: JSON.stringify({ submissionId: submission.id } satisfies SubmissionWork),
        group: mailbox.id,
        deduplicationId: submission.id,
      })
      .catch((error: unknown) => {
        // It is durable, and due: the sweep will queue it.
        log.warn('submission.not_queued', { submission_id: submission.id, error: String(error) });
      });
    await recordUse(access);
    log.info('submission.accepted', {
      submission_id: submission.id,
      client_id: clientId,
      mailbox_id: mailbox.id,
      size_bytes: submission.sizeBytes,
      recipients: to.value.length,
    });
    return ok(submission);
  };
};

export type AcceptMessage = ReturnType<typeof makeAcceptMessage>;

/** RFC 5322 section 3.3; `toUTCString` differs from it only in the zone's name. */
const rfc5322Date = (nowMs: number): string => new Date(nowMs).toUTCString().replace('GMT', '+0000');
