import type { Mailbox } from '../../domain/entities.ts';
import { timeSortedId } from '../../domain/identifiers.ts';
import { messageIdOf } from '../../domain/message-fields.ts';
import type { NoticeEvent, NoticeScope } from '../../domain/notice.ts';
import type { MailUnderWay } from '../../domain/notice-post.ts';
import { BROKER_SENDER, BROKER_SLOT } from '../../domain/notice-sender.ts';
import { blobKeyOf, type Submission } from '../../domain/submission.ts';
import type { NoticeWording, ToldNotice } from '../../domain/told-notice.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import { makeQueueSubmission } from '../mail/queue-outbox.ts';
import { type Addressee, consoleUrlOf, localeOf, type TellNotice } from './tell-notice.ts';

/** So many are told of one by one, which nobody reads to the end; the console has all. */
export const TOLD_ONE_BY_ONE = 50;

interface Dependencies {
  readonly records: Pick<Records, 'submissions'>;
  readonly tell: TellNotice;
  readonly wording: Pick<NoticeWording, 'mail'>;
  readonly blobs: BlobStore;
  readonly queue: WorkQueue;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export const makeNewMail =
  ({ clock, random }: Pick<Dependencies, 'clock' | 'random'>) =>
  (mailboxId: string, eventIds: readonly string[], more: number): MailUnderWay => ({
    submissionId: timeSortedId('sub', clock.now(), random.bytes),
    ...{ mailboxId, eventIds, more, tried: [], since: epochSeconds(clock), state: 'making' },
  });

/** Puts a mail of the broker's own into a mailbox's outbox, as a device's would be, and once, however often it is tried. */
export const makeHandOverNoticeMail = (dependencies: Dependencies) => {
  const { records, tell, wording, blobs, publicUrl, clock, log } = dependencies;
  const queueSubmission = makeQueueSubmission(dependencies);

  /** Whosever the mailbox is, it is listed with the organization that is told. */
  const submissionOf = (
    { submissionId: id }: MailUnderWay,
    mailbox: Mailbox,
    scope: NoticeScope,
    to: readonly string[],
  ): Submission => ({
    id,
    organizationId: scope ?? mailbox.organizationId,
    clientId: BROKER_SENDER,
    slot: BROKER_SLOT,
    mailboxId: mailbox.id,
    account: mailbox.address,
    messageId: messageIdOf(id, mailbox.address),
    envelope: { from: mailbox.address, to },
    delivered: [],
    rejected: [],
    sizeBytes: 0,
    acceptedAt: epochSeconds(clock),
    attempts: 0,
    status: { state: 'queued' },
  });

  return async (
    addressee: Addressee,
    mail: MailUnderWay,
    mailbox: Mailbox,
    events: readonly NoticeEvent[],
  ): Promise<void> => {
    const { scope, settings } = addressee;
    const told: ToldNotice[] = [];
    for (const event of events.slice(0, TOLD_ONE_BY_ONE)) told.push(await tell(addressee, event));
    const submission = submissionOf(mail, mailbox, scope, settings.emails);
    const message = wording.mail({
      told,
      more: mail.more + events.length - told.length,
      consoleUrl: consoleUrlOf(publicUrl, scope),
      from: mailbox.address,
      to: settings.emails,
      messageId: submission.messageId,
      at: submission.acceptedAt,
      locale: localeOf(addressee),
    });
    await blobs.put(blobKeyOf(submission.id), message);
    const isNew = await records.submissions.create({ ...submission, sizeBytes: message.length });
    await queueSubmission(submission);
    if (isNew) {
      const about = { submission_id: submission.id, mailbox_id: mailbox.id, organization_id: scope };
      log.info('notice.mailed', { ...about, notices: events.length });
    }
  };
};

export type HandOverNoticeMail = ReturnType<typeof makeHandOverNoticeMail>;
