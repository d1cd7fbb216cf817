import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { describeSubmission, type SubmissionDescription } from '../../domain/submission.ts';
import type { Records } from '../../records/index.ts';

/** For the message's own device, and nobody else: a submission of another device is not there. */
export const makeReadSubmission =
  ({ submissions, outboxes }: Pick<Records, 'submissions' | 'outboxes'>) =>
  async (clientId: string, submissionId: string): Promise<Result<SubmissionDescription, BrokerError>> => {
    const record = await submissions.get(submissionId);
    if (record?.submission.clientId !== clientId) return fail(brokerError('not_found', 'No such submission.'));
    const { outbox } = await outboxes.get(record.submission.mailboxId);
    return ok(describeSubmission(record.submission, outbox));
  };

export type ReadSubmission = ReturnType<typeof makeReadSubmission>;
