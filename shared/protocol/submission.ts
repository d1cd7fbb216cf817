import type { ErrorKind } from '../domain/errors.ts';
import type { Submission } from '../domain/submission.ts';
import { OUTCOMES, type Outcome } from './outcomes.ts';
import { ERROR_TEXTS } from './texts/index.ts';
import { rfc3339 } from './time.ts';

const reasonOf = ({ status }: Submission): ErrorKind | undefined => ('reason' in status ? status.reason : undefined);

/** A submission as its device sees it. */
export const submissionReply = (submission: Submission) => {
  const { id, status, account, attempts, lastResponse, messageId, acceptedAt, rejected } = submission;
  const reason = reasonOf(submission);
  const outcome: Outcome | undefined = reason && OUTCOMES[reason];
  return {
    submission_id: id,
    state: status.state,
    account,
    attempts,
    message_id: messageId,
    accepted_at: rfc3339(acceptedAt),
    last_response: lastResponse ?? null,
    rejected_recipients: rejected,
    ...(status.state === 'deferred' ? { next_attempt_at: rfc3339(status.until) } : {}),
    ...(status.state === 'held' ? { next_attempt_at: rfc3339(status.recheckAt) } : {}),
    ...(status.state === 'sent' ? { sent_at: rfc3339(status.at) } : {}),
    ...(outcome?.panelCode === undefined ? {} : { panel_code: outcome.panelCode }),
    ...(reason === undefined ? {} : { reason, remedy: ERROR_TEXTS.en[reason][1] }),
  };
};

/** The same for an administrator, with who it was from and for. */
export const adminSubmissionReply = (submission: Submission) => ({
  ...submissionReply(submission),
  organization_id: submission.organizationId,
  client_id: submission.clientId,
  mailbox_id: submission.mailboxId,
  slot: submission.slot,
  recipients: submission.envelope.to,
  size_bytes: submission.sizeBytes,
});
