import * as v from 'valibot';
import type { Log } from '../../ports/log.ts';
import { fifoBatchHandler } from './batch-handler.ts';

const SUBMISSION_WORK = v.object({ submissionId: v.string() });

/** The mail queue's batches, in order for each mailbox. */
export const sendMailHandler = (sendSubmission: (submissionId: string) => Promise<void>, log: Log) =>
  fifoBatchHandler(SUBMISSION_WORK, ({ submissionId }) => sendSubmission(submissionId), log);
