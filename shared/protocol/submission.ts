import type { SubmissionDetails } from '../domain/resend.ts';
import { recipientOutcomes, type Submission, type SubmissionDescription } from '../domain/submission.ts';
import { OUTCOMES, type Outcome } from './outcomes.ts';
import { ERROR_TEXTS, type Language } from './texts/index.ts';
import { rfc3339, rfc3339OrNull } from './time.ts';

/** As it was accepted. */
export const acceptedReply = ({ id, account, messageId, acceptedAt, status }: Submission) => ({
  submission_id: id,
  state: status.state,
  account,
  message_id: messageId,
  accepted_at: rfc3339(acceptedAt),
});

/** A submission as its device sees it, with the remedy in its language. */
export const submissionReply = (
  { submission, state, reason, nextAttemptAt, response }: SubmissionDescription,
  language: Language,
) => {
  const { status, attempts, rejected, unknownOutcomes, senderRewritten, sentBy } = submission;
  const outcome: Outcome | undefined = reason && OUTCOMES[reason];
  return {
    ...acceptedReply(submission),
    state,
    attempts,
    last_response: response ?? null,
    rejected_recipients: rejected,
    ...(nextAttemptAt === undefined ? {} : { next_attempt_at: rfc3339(nextAttemptAt) }),
    ...(status.state === 'sent' ? { sent_at: rfc3339(status.at) } : {}),
    ...(sentBy === undefined ? {} : { sent_by: sentBy }),
    ...(senderRewritten ? { sender_rewritten: true } : {}),
    // It may have arrived more than once, or though it is given up.
    ...(unknownOutcomes === undefined ? {} : { unknown_outcomes: unknownOutcomes }),
    ...(outcome?.panelCode === undefined ? {} : { panel_code: outcome.panelCode }),
    ...(reason === undefined ? {} : { reason, remedy: ERROR_TEXTS[language][reason][1] }),
  };
};

/** The same for an administrator, with who it was from and for. */
export const adminSubmissionReply = (description: SubmissionDescription) => {
  const { organizationId, clientId, mailboxId, slot, envelope, sizeBytes, gatewayId } = description.submission;
  return {
    ...submissionReply(description, 'en'),
    organization_id: organizationId,
    client_id: clientId,
    mailbox_id: mailboxId,
    slot,
    recipients: envelope.to,
    size_bytes: sizeBytes,
    ...(gatewayId === undefined ? {} : { gateway_id: gatewayId }),
  };
};

/** All there is of one submission. `resend`: what `POST …/resend` would do. */
export const submissionDetailsReply = ({ description, resend, keptUntil }: SubmissionDetails) => {
  const { submission } = description;
  const {
    status,
    envelope,
    resentAt,
    senderRewritten = false,
    unknownOutcomes = 0,
    sentBy,
    eightBit = false,
  } = submission;
  return {
    ...adminSubmissionReply(description),
    sender: envelope.from,
    recipient_outcomes: recipientOutcomes(submission),
    sent_by: sentBy ?? null,
    sender_rewritten: senderRewritten,
    unknown_outcomes: unknownOutcomes,
    eight_bit: eightBit,
    resent_at: rfc3339OrNull(resentAt),
    failed_at: rfc3339OrNull(status.state === 'failed' ? status.at : undefined),
    kept_until: rfc3339OrNull(keptUntil),
    resend: resend.how === 'not' ? { possible: false, reason: resend.why } : { possible: true },
  };
};
