import type { Readable } from 'node:stream';
import type { Device } from '../../domain/entities.ts';
import { parseEnvelopeTo } from '../../domain/envelope.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import type { ServedMailbox } from '../../domain/gateway.ts';
import { timeSortedId } from '../../domain/identifiers.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { senderOf } from '../../domain/sender-policy.ts';
import { blobKeyOf, type Submission } from '../../domain/submission.ts';
import { MESSAGE_LIMIT_BYTES, uploadKeyOf } from '../../domain/upload.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MessageFacts, MessageFormat } from '../../ports/message-format.ts';
import type { Random } from '../../ports/random.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import type { IdempotencyKey } from '../../records/submissions.ts';
import { type CheckedMessage, composeContent, composeSubmission } from './compose-submission.ts';
import {
  ChangedMeanwhile,
  type HandedInContent,
  type HandedInSource,
  type HandedInStream,
  makeOpenHandedIn,
} from './handed-in.ts';
import { makeQueueSubmission } from './queue-outbox.ts';

export interface TakenMessage {
  readonly content: HandedInContent | HandedInStream;
  /** Whom it is for; undefined: whoever its own To, Cc and Bcc name. */
  readonly envelopeTo: string | undefined;
}

/** Whose message it is, as was found out before. */
export interface TakenFrom {
  readonly device: Device;
  readonly mailbox: ServedMailbox;
  readonly slot: string;
  readonly key: IdempotencyKey | undefined;
  /** The client that uploaded it, where it was uploaded. */
  readonly uploader: string;
}

interface Checked extends CheckedMessage {
  readonly source: HandedInSource;
}

export interface TakeMessageDependencies {
  readonly records: Pick<Records, 'submissions' | 'uploads'>;
  readonly blobs: BlobStore;
  readonly queue: WorkQueue;
  readonly messageFormat: MessageFormat;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Takes responsibility for a message of somebody who may hand it in: when it resolves with a submission, message and envelope
 * are durable under an id of their own (design rule 7), and will reach `sent` or `failed`.
 */
export const makeTakeMessage = (dependencies: TakeMessageDependencies) => {
  const { records, blobs, queue, messageFormat, clock, random, log } = dependencies;
  const queueSubmission = makeQueueSubmission({ queue, log });
  const openHandedIn = makeOpenHandedIn({ records, blobs, clock });

  /** Whom it goes to: the envelope if given, else everybody the headers name. */
  const recipients = (envelopeTo: string | undefined, facts: MessageFacts): Result<readonly string[], BrokerError> =>
    parseEnvelopeTo(envelopeTo ?? [...facts.to, ...facts.cc, ...facts.bcc].join(','));

  const check = async (
    message: TakenMessage,
    { device, mailbox, slot, uploader }: TakenFrom,
  ): Promise<Result<Checked, BrokerError>> => {
    const source = await openHandedIn(message.content, uploader);
    if (!source.ok) return source;
    const inspected = await messageFormat.inspect(await source.value.read());
    if (!inspected.ok) return fail(brokerError('not_a_message', inspected.error));
    const sender = senderOf(device, slot, mailbox, inspected.value.senders);
    if (!sender.ok) return sender;
    const to = recipients(message.envelopeTo, inspected.value);
    return to.ok ? ok({ source: source.value, facts: inspected.value, sender: sender.value, to: to.value }) : to;
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

  const store = async (from: TakenFrom, checked: Checked): Promise<Result<Submission, BrokerError>> => {
    const id = timeSortedId('sub', clock.now(), random.bytes);
    const acceptance = { id, acceptedAt: epochSeconds(clock) };
    const content: Readable = await checked.source.read();
    const prepared = composeContent(messageFormat, acceptance, from, checked, content);
    await blobs.put(blobKeyOf(id), prepared.content);
    const written = prepared.written();
    if (written.sizeBytes > MESSAGE_LIMIT_BYTES) {
      await blobs.delete(blobKeyOf(id));
      const detail = `The limit is ${MESSAGE_LIMIT_BYTES} bytes; to be sent it has ${written.sizeBytes}.`;
      return fail(brokerError('message_too_large', detail));
    }
    const submission = composeSubmission(acceptance, from, checked, written);
    // A write repeated because its answer was lost is refused by itself.
    const isStored = (await records.submissions.create(submission, from.key)) || (await records.submissions.get(id));
    if (isStored) {
      await pass(submission);
      return ok(submission);
    }
    await blobs.delete(blobKeyOf(id));
    const earlier = await earlierSubmission(from);
    if (!earlier) throw new Error(`submission ${id} could not be stored`);
    return earlier;
  };

  /** A device that counts its jobs anew after each start must not have the second one taken for the first. */
  const earlierSubmission = async ({
    device,
    key,
  }: TakenFrom): Promise<Result<Submission, BrokerError> | undefined> => {
    const held = key && (await records.submissions.byIdempotencyKey(device.clientId, key, epochSeconds(clock)));
    const record = held && (await records.submissions.get(held.submissionId));
    if (held === undefined || record === undefined) return undefined;
    if (held.isSame) return ok(record.submission);
    return fail(brokerError('conflict', 'This Idempotency-Key was used for another message in the last 24 hours.'));
  };

  /** Whether it was taken now, or by an earlier or a parallel request. */
  const take = async (message: TakenMessage, from: TakenFrom): Promise<Result<Submission, BrokerError>> => {
    const earlier = await earlierSubmission(from);
    if (earlier) return earlier;
    try {
      const checked = await check(message, from);
      if (checked.ok) return await store(from, checked.value);
      // Its upload may have gone with the request that was faster.
      const faster = checked.error.kind === 'upload_unknown' ? await earlierSubmission(from) : undefined;
      return faster ?? checked;
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      const faster = await earlierSubmission(from);
      return faster ?? fail(brokerError('upload_incomplete', error.message));
    }
  };

  /** Otherwise it goes with time. */
  const removeUpload = async (uploadId: string, uploader: string): Promise<void> => {
    try {
      const upload = await records.uploads.get(uploadId, epochSeconds(clock));
      if (upload?.clientId !== uploader) return;
      await blobs.delete(uploadKeyOf(uploadId));
      await records.uploads.delete(uploadId);
    } catch (error) {
      log.warn('upload.not_removed', { upload_id: uploadId, error: String(error) });
    }
  };

  return {
    take,

    /** For an upload that was taken: nobody will hand it in again. */
    async removeUploadOf({ content }: TakenMessage, { uploader }: TakenFrom): Promise<void> {
      if ('uploadId' in content) await removeUpload(content.uploadId, uploader);
    },
  };
};
