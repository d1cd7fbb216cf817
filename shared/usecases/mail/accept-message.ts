import type { Device, Mailbox } from '../../domain/entities.ts';
import { parseEnvelopeTo } from '../../domain/envelope.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { timeSortedId } from '../../domain/identifiers.ts';
import { messageDate, messageIdOf } from '../../domain/message-fields.ts';
import { sameAddress } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Sender, senderOf } from '../../domain/sender-policy.ts';
import { blobKeyOf, type Submission } from '../../domain/submission.ts';
import { MESSAGE_LIMIT_BYTES, uploadKeyOf } from '../../domain/upload.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MessageFacts, MessageFormat } from '../../ports/message-format.ts';
import type { Random } from '../../ports/random.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { DeviceAccess } from '../../records/device-access.ts';
import type { Records } from '../../records/index.ts';
import type { IdempotencyKey } from '../../records/submissions.ts';
import type { CheckDevice, DeviceCredential } from '../devices/authenticate-device.ts';
import { makeRecordUse } from '../devices/record-use.ts';
import { hashOf } from '../secrets.ts';
import { ChangedMeanwhile, type HandedInContent, type HandedInSource, makeOpenHandedIn } from './handed-in.ts';
import { makeQueueSubmission } from './queue-outbox.ts';

export type HandedInMessage = DeviceCredential &
  HandedInContent & {
    readonly slot: string;
    /** `X-Envelope-To`; without it the message's own To, Cc and Bcc. */
    readonly envelopeTo: string | undefined;
    /** Without it that of an upload is the upload's id. */
    readonly idempotencyKey: string | undefined;
  };

/** A message that may go. */
interface Checked {
  readonly source: HandedInSource;
  readonly facts: MessageFacts;
  readonly sender: Sender;
  readonly to: readonly string[];
}

/** Whose message it is. */
interface Origin {
  readonly device: Device;
  readonly mailbox: Mailbox;
  readonly slot: string;
  readonly key: IdempotencyKey | undefined;
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
  records: Pick<Records, 'deviceAccess' | 'submissions' | 'uploads'>;
  checkDevice: CheckDevice;
  blobs: BlobStore;
  queue: WorkQueue;
  messageFormat: MessageFormat;
  clock: Clock;
  random: Random;
  log: Log;
}) => {
  const recordUseOfBinding = makeRecordUse({ records, clock });
  const queueSubmission = makeQueueSubmission({ queue, log });
  const openHandedIn = makeOpenHandedIn({ records, blobs, clock });

  const recordUse = (access: DeviceAccess): Promise<unknown> =>
    recordUseOfBinding(access).catch((error: unknown) => {
      // The message is safe; that the slot was used can be noted the next time.
      log.warn('submission.use_not_recorded', { mailbox_id: access.mailbox?.id, error: String(error) });
    });

  /** Whom it goes to: the envelope if given, else everybody the headers name. */
  const recipients = (envelopeTo: string | undefined, facts: MessageFacts): Result<readonly string[], BrokerError> =>
    parseEnvelopeTo(envelopeTo ?? [...facts.to, ...facts.cc, ...facts.bcc].join(','));

  const check = async (
    handedIn: HandedInMessage,
    { device, mailbox, slot }: Origin,
  ): Promise<Result<Checked, BrokerError>> => {
    const source = await openHandedIn(handedIn, device.clientId);
    if (!source.ok) return source;
    const inspected = await messageFormat.inspect(await source.value.read());
    if (!inspected.ok) return fail(brokerError('not_a_message', inspected.error));
    const sender = senderOf(device, slot, mailbox, inspected.value.senders);
    if (!sender.ok) return sender;
    const to = recipients(handedIn.envelopeTo, inspected.value);
    return to.ok ? ok({ source: source.value, facts: inspected.value, sender: sender.value, to: to.value }) : to;
  };

  /** The message as it shall be sent, durable under the submission's id. */
  const storeContent = async (id: string, messageId: string, { source, facts, sender }: Checked) => {
    const supplied: [name: string, value: string][] = [
      ...(facts.messageId === undefined ? [['Message-ID', messageId] as [string, string]] : []),
      ...(facts.hasDate ? [] : [['Date', messageDate(epochSeconds(clock))] as [string, string]]),
      ...(facts.hasFrom ? [] : [['From', sender.address] as [string, string]]),
    ];
    const content = await source.read();
    const { content: prepared, written } = messageFormat.prepare(
      sender.isRewritten ? messageFormat.sendAs(content, sender.address) : content,
      facts.repairs,
      // Who is told in secret stands in the envelope alone; a field supplied takes the place of an empty one.
      { headers: supplied, without: ['bcc', 'resent-bcc', ...supplied.map(([name]) => name)] },
    );
    await blobs.put(blobKeyOf(id), prepared);
    return written();
  };

  /** On to who sends it. */
  const pass = async (submission: Submission): Promise<void> => {
    await queueSubmission(submission);
    log.info('submission.accepted', {
      submission_id: submission.id,
      client_id: submission.clientId,
      mailbox_id: submission.mailboxId,
      size_bytes: submission.sizeBytes,
      recipients: submission.envelope.to.length,
    });
  };

  const store = async (origin: Origin, checked: Checked): Promise<Result<Submission, BrokerError>> => {
    const { device, mailbox, slot, key } = origin;
    const { facts, sender, to } = checked;
    const id = timeSortedId('sub', clock.now(), random.bytes);
    const messageId = facts.messageId ?? messageIdOf(id, mailbox.address);
    const { sizeBytes, eightBit } = await storeContent(id, messageId, checked);
    if (sizeBytes > MESSAGE_LIMIT_BYTES) {
      await blobs.delete(blobKeyOf(id));
      return fail(
        brokerError('message_too_large', `The limit is ${MESSAGE_LIMIT_BYTES} bytes; to be sent it has ${sizeBytes}.`),
      );
    }
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
      sizeBytes,
      eightBit,
      ...(device.rewriteSender ? { mayRewriteSender: true } : {}),
      // Under an alias it may still have to be rewritten, to the mailbox itself.
      ...(sender.isRewritten && sameAddress(sender.address, mailbox.address) ? { senderRewritten: true } : {}),
      acceptedAt: epochSeconds(clock),
      attempts: 0,
      status: { state: 'queued' },
    };
    // A write repeated because its answer was lost is refused by itself.
    const isStored = (await records.submissions.create(submission, key)) || (await records.submissions.get(id));
    if (isStored) {
      await pass(submission);
      return ok(submission);
    }
    await blobs.delete(blobKeyOf(id));
    const earlier = await earlierSubmission(origin);
    if (!earlier) throw new Error(`submission ${id} could not be stored`);
    return earlier;
  };

  /** A device that counts its jobs anew after each start must not have the second one taken for the first. */
  const earlierSubmission = async ({ device, key }: Origin): Promise<Result<Submission, BrokerError> | undefined> => {
    const held = key && (await records.submissions.byIdempotencyKey(device.clientId, key, epochSeconds(clock)));
    const record = held && (await records.submissions.get(held.submissionId));
    if (held === undefined || record === undefined) return undefined;
    if (held.isSame) return ok(record.submission);
    return fail(brokerError('conflict', 'This Idempotency-Key was used for another message in the last 24 hours.'));
  };

  /** Whether it was taken now, or by an earlier or a parallel request. */
  const take = async (handedIn: HandedInMessage, origin: Origin): Promise<Result<Submission, BrokerError>> => {
    const earlier = await earlierSubmission(origin);
    if (earlier) return earlier;
    try {
      const checked = await check(handedIn, origin);
      if (checked.ok) return await store(origin, checked.value);
      // Its upload may have gone with the request that was faster.
      const faster = checked.error.kind === 'upload_unknown' ? await earlierSubmission(origin) : undefined;
      return faster ?? checked;
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      const faster = await earlierSubmission(origin);
      return faster ?? fail(brokerError('upload_incomplete', error.message));
    }
  };

  /**
   * By what a repeat is known. An upload is gone once it was handed in, and a repeat may name it or one made anew; so it is
   * known by its id, and by the SHA-256 that was announced.
   */
  const keyOf = async (handedIn: HandedInMessage): Promise<IdempotencyKey | undefined> => {
    const { clientId, slot, envelopeTo = null } = handedIn;
    const uploadId = 'uploadId' in handedIn ? handedIn.uploadId : undefined;
    const key = handedIn.idempotencyKey ?? uploadId;
    if (key === undefined) return undefined;
    const upload = uploadId === undefined ? undefined : await records.uploads.get(uploadId, epochSeconds(clock));
    const announced = upload?.clientId === clientId ? upload.sha256 : undefined;
    const contents = 'message' in handedIn ? [hashOf(handedIn.message)] : [handedIn.uploadId, announced];
    return {
      hash: hashOf(key),
      fingerprints: contents
        .filter((content) => content !== undefined)
        .map((content) => hashOf(JSON.stringify([slot, envelopeTo, content]))),
    };
  };

  /** Otherwise it goes with time. */
  const removeUpload = async (uploadId: string, clientId: string): Promise<void> => {
    try {
      const upload = await records.uploads.get(uploadId, epochSeconds(clock));
      if (upload?.clientId !== clientId) return;
      await blobs.delete(uploadKeyOf(uploadId));
      await records.uploads.delete(uploadId);
    } catch (error) {
      log.warn('upload.not_removed', { upload_id: uploadId, error: String(error) });
    }
  };

  return async (handedIn: HandedInMessage): Promise<Result<Submission, BrokerError>> => {
    const { clientId, slot } = handedIn;
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
    const uploadId = 'uploadId' in handedIn ? handedIn.uploadId : undefined;
    const taken = await take(handedIn, { device: device.value, mailbox, slot, key: await keyOf(handedIn) });
    if (!taken.ok) return taken;
    await recordUse(access);
    if (uploadId !== undefined) await removeUpload(uploadId, clientId);
    return taken;
  };
};

export type AcceptMessage = ReturnType<typeof makeAcceptMessage>;
