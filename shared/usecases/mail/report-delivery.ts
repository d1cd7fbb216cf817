import { BROKER_SENDER } from '../../domain/notice-sender.ts';
import type { Outbox } from '../../domain/outbox.ts';
import { hasReachedAll } from '../../domain/retention.ts';
import { isOver, type Submission } from '../../domain/submission.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { makeNotices } from '../notices/raise-notice.ts';
import { logDelivery } from './log-delivery.ts';

/** A mail server's reply as people are told of it: long ones say the same again, with links. */
const SHOWN_REPLY_LENGTH = 400;

/** So many who go without are named, and of fewer what was said of each: the console has all. */
const SHOWN_RECIPIENTS = 50;
const SHOWN_REFUSALS = 5;

const refusals = ({ rejected }: Submission): string => {
  const shown = rejected.slice(0, SHOWN_REFUSALS).map(({ address, response }) => `${address}: ${response}`);
  const more = rejected.length > SHOWN_REFUSALS ? [`and ${rejected.length - SHOWN_REFUSALS} more`] : [];
  return [...shown.map((text) => text.slice(0, SHOWN_REPLY_LENGTH)), ...more].join('; ');
};

/** Tells of what became of a submission, and of what keeps a mailbox's mail: to the log, and to those who look after it. */
export const makeReportDelivery = ({
  records,
  clock,
  random,
  log,
  gatewayId,
}: {
  records: Pick<Records, 'audit' | 'notices' | 'mailboxes'>;
  clock: Clock;
  random: Random;
  log: Log;
  /** Which gateway has told of it; absent: it is the relay's own mail. */
  gatewayId?: string;
}) => {
  const by = gatewayId === undefined ? 'relay' : `gateway:${gatewayId}`;
  const lines = logDelivery(log, gatewayId === undefined ? {} : { gateway_id: gatewayId });
  const notices = makeNotices({ records, clock, random, log });

  const note = ({ organizationId, id }: Submission, action: string, detail: string): Promise<void> =>
    records.audit.add({ organizationId, by, action, subject: id, detail });

  const ended = async (submission: Submission): Promise<void> => {
    const { rejected, status, lastResponse = '' } = submission;
    if (status.state === 'failed') await note(submission, 'submission.failed', lastResponse);
    else if (rejected.length > 0) {
      const [first] = rejected.map(({ address, response }) => `${address}: ${response}`);
      const others = rejected.length > 1 ? ` (and ${rejected.length - 1} more)` : '';
      await note(submission, 'submission.recipients-rejected', `${first}${others}`);
    }
  };

  /** What the broker has to tell by mail is told again by another mailbox; to tell of that as well would never end. */
  const raiseFailed = async (submission: Submission): Promise<void> => {
    const { id, organizationId, mailboxId, account: address, clientId, messageId, rejected, status } = submission;
    if (!isOver(submission) || hasReachedAll(submission) || clientId === BROKER_SENDER) return;
    const recipients = rejected.slice(0, SHOWN_RECIPIENTS).map((one) => one.address);
    const about = { subject: id, organizationId, mailboxId, address, clientId, messageId, recipients };
    const isPartial = status.state !== 'failed';
    const reason = isPartial ? 'invalid_recipient' : status.reason;
    const detail = isPartial ? refusals(submission) : submission.lastResponse?.slice(0, SHOWN_REPLY_LENGTH);
    await notices.raise({ kind: 'submission.failed', ...about, reason, isPartial, detail });
  };

  /** Each time it is found to last, in case the word of it was lost; who knows of it is not told again. */
  const raiseHeld = async (mailboxId: string, { reason, response }: NonNullable<Outbox['stop']>): Promise<void> => {
    const mailbox = await records.mailboxes.get(mailboxId);
    if (mailbox === undefined) return;
    const { organizationId, address } = mailbox;
    const about = { subject: mailboxId, organizationId, mailboxId, address, reason };
    await notices.raise({ kind: 'mailbox.held', ...about, detail: response.slice(0, SHOWN_REPLY_LENGTH) });
  };

  const settleHeld = async (mailboxId: string): Promise<void> => {
    const mailbox = await records.mailboxes.get(mailboxId);
    if (mailbox === undefined) return;
    await notices.settle({ kind: 'mailbox.held', organizationId: mailbox.organizationId, subject: mailboxId });
  };

  return {
    /** Before it is written that it has failed, or has not reached all, so that nobody dies between the end of a message and the word of it. */
    foretell: raiseFailed,

    async submission(submission: Submission): Promise<void> {
      lines.submission(submission);
      if (isOver(submission)) await ended(submission);
    },

    /** Once for each stop, however many messages wait, and however often it is found to last. */
    async outbox(mailboxId: string, before: Outbox, after: Outbox): Promise<void> {
      lines.outbox(mailboxId, before, after);
      const { stop } = after;
      if (stop?.cause === 'hold') await raiseHeld(mailboxId, stop);
      else if (before.stop?.cause === 'hold') await settleHeld(mailboxId);
    },
  };
};

export type ReportDelivery = ReturnType<typeof makeReportDelivery>;
