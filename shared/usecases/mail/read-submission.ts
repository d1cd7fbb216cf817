import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { Submission } from '../../domain/submission.ts';
import type { Records } from '../../records/index.ts';

/** For the message's own device, and nobody else: a submission of another device is not there. */
export const makeReadSubmission =
  ({ submissions }: Pick<Records, 'submissions'>) =>
  async (clientId: string, submissionId: string): Promise<Result<Submission, BrokerError>> => {
    const record = await submissions.get(submissionId);
    if (record?.submission.clientId !== clientId) return fail(brokerError('not_found', 'No such submission.'));
    return ok(record.submission);
  };

export type ReadSubmission = ReturnType<typeof makeReadSubmission>;
