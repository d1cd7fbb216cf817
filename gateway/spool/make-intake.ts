import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { makeFolder, writeNewFile } from '../../shared/adapters/filesystem/durable-file.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import { timeSortedId } from '../../shared/domain/identifiers.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { senderOf } from '../../shared/domain/sender-policy.ts';
import { MESSAGE_LIMIT_BYTES } from '../../shared/domain/upload.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { MessageFormat } from '../../shared/ports/message-format.ts';
import type { Random } from '../../shared/ports/random.ts';
import {
  type CheckedMessage,
  composeContent,
  composeSubmission,
} from '../../shared/usecases/mail/compose-submission.ts';
import type { IncomingMail, Intake } from './intake.ts';
import { type Received, receive } from './received.ts';
import { isNoRoom, makeRoomFor, type SpoolLimits } from './room.ts';
import type { Spool } from './spool.ts';

export interface IntakeOptions {
  readonly spool: Spool;
  /** The spool's; raw messages lie in a folder of their own below it. */
  readonly folder: string;
  readonly limits: () => SpoolLimits;
  /** Whether the device may hand in one more. */
  readonly mayHandIn: (clientId: string) => boolean;
  readonly messageFormat: MessageFormat;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Where what comes in lies until it is accepted; emptied at the start. */
const RECEIVING = 'receiving';

const tooLarge = (sizeBytes: number): Result<never, BrokerError> =>
  fail(brokerError('message_too_large', `The limit is ${MESSAGE_LIMIT_BYTES} bytes; this has ${sizeBytes}.`));

/**
 * Writes a message as it shall be sent. Resolves once all of it has been read; of what is read from memory that is before it is on
 * disk, so that its entry can be written at the same time.
 */
const writeContent = async (path: string, content: Readable, { isInMemory }: Received) => {
  if (isInMemory) {
    const pieces: Buffer[] = [];
    for await (const piece of content as AsyncIterable<Buffer>) pieces.push(piece);
    const isDurable = writeNewFile(path, pieces);
    // Told to who awaits it.
    isDurable.catch(() => undefined);
    return { isDurable };
  }
  // Where the file cannot even be made, nobody has read of it, and what it is read from stays open.
  await writeNewFile(path, content).finally(() => content.destroy());
  return { isDurable: Promise.resolve() };
};

/** Takes mail into the spool, by the same rules as the relay takes it. */
export const makeIntake = async (options: IntakeOptions): Promise<Intake> => {
  const { spool, folder, limits, mayHandIn, messageFormat, clock, random, log } = options;
  const receiving = join(folder, RECEIVING);
  await rm(receiving, { recursive: true, force: true });
  await makeFolder(receiving);
  const roomFor = makeRoomFor({ spool, folder, limits });

  const check = async (
    { device, to }: IncomingMail,
    received: Received,
  ): Promise<Result<CheckedMessage, BrokerError>> => {
    if (received.sizeBytes > MESSAGE_LIMIT_BYTES) return tooLarge(received.sizeBytes);
    const inspected = await messageFormat.inspect(received.open());
    if (!inspected.ok) return fail(brokerError('not_a_message', inspected.error));
    const facts = inspected.value;
    const sender = senderOf(device, device.slot, device.mailbox, facts.senders);
    return sender.ok ? ok({ facts, sender: sender.value, to: [...new Set(to)] }) : sender;
  };

  const store = async ({ device }: IncomingMail, received: Received, checked: CheckedMessage, id: string) => {
    const { mailbox, slot } = device;
    const acceptance = { id, acceptedAt: epochSeconds(clock) };
    const origin = { device, mailbox, slot };
    const prepared = composeContent(messageFormat, acceptance, origin, checked, received.open());
    const content = await writeContent(spool.contentPath(id), prepared.content, received);
    const submission = composeSubmission(acceptance, origin, checked, prepared.written());
    if (submission.sizeBytes > MESSAGE_LIMIT_BYTES) {
      await content.isDurable;
      await spool.forget(id);
      return tooLarge(submission.sizeBytes);
    }
    await spool.add(submission, mailbox, content.isDurable);
    return ok({ id });
  };

  /** What was written of it goes, and nothing has been promised. */
  const failed = async (id: string, error: unknown): Promise<Result<never, BrokerError>> => {
    await spool.forget(id).catch((fault: unknown) => {
      // At the next start it goes.
      log.warn('spool.not_cleaned', { submission_id: id, error: String(fault) });
    });
    if (!isNoRoom(error)) throw error;
    return fail(brokerError('gateway_full', 'The disk is full.'));
  };

  return {
    async admits(device, announcedBytes) {
      if (announcedBytes !== undefined && announcedBytes > MESSAGE_LIMIT_BYTES) return tooLarge(announcedBytes);
      const room = await roomFor(announcedBytes);
      if (!room.ok) return room;
      return mayHandIn(device.clientId) ? room : fail(brokerError('too_much_mail'));
    },

    async take(mail) {
      const id = timeSortedId('sub', clock.now(), random.bytes);
      let received: Received | undefined;
      try {
        received = await receive(mail.content, join(receiving, id));
        const checked = await check(mail, received);
        return checked.ok ? await store(mail, received, checked.value, id) : checked;
      } catch (error) {
        return await failed(id, error);
      } finally {
        // What became of the message stands already.
        await received?.drop().catch((fault: unknown) => {
          log.warn('spool.not_cleaned', { submission_id: id, error: String(fault) });
        });
      }
    },
  };
};
