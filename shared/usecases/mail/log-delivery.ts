import { BROKER_SENDER } from '../../domain/notice-sender.ts';
import type { Outbox } from '../../domain/outbox.ts';
import type { Submission } from '../../domain/submission.ts';
import type { Log } from '../../ports/log.ts';

/** A device has handed it in here, and nobody had it sent again: one message accepted, and this is its end. */
const isRelayed = ({ clientId, resentAt }: Submission): boolean => clientId !== BROKER_SENDER && resentAt === undefined;

/** What becomes of mail, in the log: the same lines by whom it may be sent. `sender`: of which gateway it is told. */
export const logDelivery = (log: Log, sender: { readonly gateway_id?: string } = {}) => ({
  submission(submission: Submission): void {
    const { id, status, mailboxId, attempts, rejected, lastResponse, unknownOutcomes } = submission;
    const fields = {
      submission_id: id,
      mailbox_id: mailboxId,
      ...sender,
      attempts,
      ...('reason' in status ? { reason: status.reason } : {}),
      ...(unknownOutcomes === undefined ? {} : { unknown_outcomes: unknownOutcomes }),
      response: lastResponse,
    };
    if (status.state === 'sent') {
      const seconds = Math.max(0, status.at - (submission.resentAt ?? submission.acceptedAt));
      const relayed = sender.gateway_id === undefined && isRelayed(submission) ? { relayed: 1 } : {};
      log.info('submission.sent', { ...fields, rejected: rejected.length, seconds, ...relayed });
    } else if (status.state !== 'queued') log.warn(`submission.${status.state}`, fields);
  },

  /** Once for each stop, however many messages wait, and however often it is found to last. */
  outbox(mailboxId: string, before: Outbox, after: Outbox): void {
    const about = { mailbox_id: mailboxId, ...sender };
    const { stop, detour } = after;
    if (stop && stop.cause !== before.stop?.cause) {
      const { reason, response } = stop;
      log.warn(stop.cause === 'hold' ? 'outbox.held' : 'outbox.paused', { ...about, reason, response });
    }
    if (before.stop && !stop) log.info('outbox.resumed', about);
    if (detour && detour.since !== before.detour?.since) {
      const { reason, response } = detour;
      log.warn('outbox.detoured', { ...about, reason, response });
    }
  },
});
