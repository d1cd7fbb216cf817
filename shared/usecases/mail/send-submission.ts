import { type BrokerError, type ErrorKind, passesByItself } from '../../domain/errors.ts';
import { smtpReplyRow } from '../../domain/smtp-replies.ts';
import {
  type AttemptOutcome,
  blobKeyOf,
  concluded,
  isClaimable,
  pendingRecipients,
  type Submission,
  settleRecipients,
} from '../../domain/submission.ts';
import {
  ATTEMPT_SECONDS,
  backOffSeconds,
  DEFAULT_MIN_TTL_SECONDS,
  GIVE_UP_AFTER_SECONDS,
  HELD_RECHECK_SECONDS,
  MAIL_BACK_OFF,
  SENDING_SECONDS,
} from '../../domain/timing.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MailTransport } from '../../ports/mail-transport.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import type { SubmissionRecord } from '../../records/submissions.ts';
import type { ServerFor } from '../devices/fetch-token.ts';
import type { AcquireAccessToken } from '../grants/acquire-access-token.ts';

/**
 * One attempt at sending one submission, and the record of how it ended. Safe to call twice: only the worker that claims
 * the submission sends it.
 */
export const makeSendSubmission = ({
  records,
  blobs,
  transport,
  acquireAccessToken,
  serverFor,
  clock,
  random,
  log,
}: {
  records: Pick<Records, 'submissions' | 'mailboxes' | 'grants' | 'audit'>;
  blobs: BlobStore;
  transport: MailTransport;
  acquireAccessToken: AcquireAccessToken;
  serverFor: ServerFor;
  clock: Clock;
  random: Random;
  log: Log;
}) => {
  const withoutToken = (error: BrokerError): AttemptOutcome => {
    const response = error.detail ?? error.kind;
    if (!passesByItself(error)) return { outcome: 'held', reason: error.kind, response };
    const { retryAfterSeconds } = error;
    return { outcome: 'deferred', reason: error.kind, response, ...(retryAfterSeconds ? { retryAfterSeconds } : {}) };
  };

  const transmit = async (submission: Submission, minTtlSeconds: number): Promise<AttemptOutcome> => {
    const mailbox = await records.mailboxes.get(submission.mailboxId);
    if (mailbox === undefined) {
      return { outcome: 'failed', reason: 'slot_not_bound', response: 'The mailbox was removed.' };
    }
    const { grant, revision, tokens } = await records.grants.getWithTokens(mailbox.id, ['smtp']);
    const wish = { mailbox, audience: 'smtp', minTtlSeconds } as const;
    const token = await acquireAccessToken(wish, { grant: { grant, revision }, token: tokens[0] });
    if (!token.ok) return withoutToken(token.error);
    const server = serverFor(mailbox.provider, 'smtp');
    if (server === undefined) throw new Error(`no SMTP server is configured for ${mailbox.provider}`);
    const blob = await blobs.open(blobKeyOf(submission.id));
    if (blob === undefined) {
      return { outcome: 'failed', reason: 'internal', response: 'The stored message is gone.' };
    }
    return transport.send({
      server,
      user: mailbox.address,
      accessToken: token.value.accessToken,
      envelope: { from: submission.envelope.from, to: pendingRecipients(submission) },
      content: blob.stream,
      sizeBytes: blob.sizeBytes,
    });
  };

  /** A token can be ended before its time; where the reply allows for that, a new one is tried before the mail is held. */
  const attempt = async (submission: Submission): Promise<AttemptOutcome> => {
    const first = await transmit(submission, DEFAULT_MIN_TTL_SECONDS);
    const mayHelp = first.outcome === 'held' && smtpReplyRow(first.response, 'sign_in').newTokenMayHelp;
    const { status } = submission;
    // Another try must end, like the first, before the claim does.
    const hasTime = status.state === 'sending' && status.until - epochSeconds(clock) >= ATTEMPT_SECONDS;
    return mayHelp && hasTime ? transmit(submission, Number.MAX_SAFE_INTEGER) : first;
  };

  const deferred = (submission: Submission, reason: ErrorKind, now: number, retryAfterSeconds = 0): Submission => {
    const backOff = backOffSeconds(submission.attempts, MAIL_BACK_OFF, random.fraction());
    return { ...submission, status: { state: 'deferred', until: now + Math.max(backOff, retryAfterSeconds), reason } };
  };

  const afterAttempt = (submission: Submission, result: AttemptOutcome, now: number): Submission => {
    const heard: Submission = { ...submission, lastResponse: result.response };
    const tooLate = now - submission.acceptedAt > GIVE_UP_AFTER_SECONDS;
    switch (result.outcome) {
      case 'sent': {
        const settled = settleRecipients(heard, result.refused);
        const [pending] = result.refused.filter(({ tryAgain }) => tryAgain);
        if (pending === undefined || tooLate) return concluded(settled, 'invalid_recipient', now);
        return deferred({ ...settled, lastResponse: pending.response }, 'mail_server_unavailable', now);
      }
      case 'failed':
        return concluded(heard, result.reason, now);
      case 'held': {
        const { reason } = result;
        return { ...heard, status: { state: 'held', since: now, reason, recheckAt: now + HELD_RECHECK_SECONDS } };
      }
      case 'deferred':
        if (tooLate) return concluded(heard, result.reason, now);
        return deferred(heard, result.reason, now, result.retryAfterSeconds);
    }
  };

  const report = async (submission: Submission, result: AttemptOutcome): Promise<void> => {
    const { id, status, mailboxId, attempts, rejected } = submission;
    const fields = {
      submission_id: id,
      mailbox_id: mailboxId,
      attempts,
      ...('reason' in result ? { reason: result.reason } : {}),
      response: result.response,
    };
    if (status.state === 'sent') log.info('submission.sent', { ...fields, rejected: rejected.length });
    else log.warn(`submission.${status.state}`, fields);
    const note = async (action: string, detail: string) =>
      records.audit.add({ organizationId: submission.organizationId, by: 'relay', action, subject: id, detail });
    if (status.state === 'failed') await note('submission.failed', result.response);
    else if (status.state === 'sent' && rejected.length > 0) {
      const [first] = rejected.map(({ address, response }) => `${address}: ${response}`);
      const others = rejected.length > 1 ? ` (and ${rejected.length - 1} more)` : '';
      await note('submission.recipients-rejected', `${first}${others}`);
    }
  };

  const claim = async (record: SubmissionRecord, now: number): Promise<Submission | undefined> => {
    const { submission } = record;
    const status = { state: 'sending', until: now + SENDING_SECONDS } as const;
    const claimed: Submission = { ...submission, attempts: submission.attempts + 1, status };
    return (await records.submissions.replace(record, claimed, now)) ? claimed : undefined;
  };

  return async (submissionId: string): Promise<void> => {
    const record = await records.submissions.get(submissionId);
    const startedAt = epochSeconds(clock);
    if (record === undefined || !isClaimable(record.submission, startedAt)) return;
    const claimed = await claim(record, startedAt);
    if (claimed === undefined) return;

    const result = await attempt(claimed);
    const now = epochSeconds(clock);
    const after = afterAttempt(claimed, result, now);
    const settled = await records.submissions.replace(
      { submission: claimed, revision: record.revision + 1 },
      after,
      now,
    );
    if (!settled) {
      log.error('submission.claim_lost', { submission_id: submissionId, outcome: result.outcome });
      return;
    }
    await report(after, result);
    if (after.status.state === 'sent') await blobs.delete(blobKeyOf(submissionId));
  };
};

export type SendSubmission = ReturnType<typeof makeSendSubmission>;
