import * as v from 'valibot';
import type { Log } from '../../ports/log.ts';
import { fifoBatchHandler } from './batch-handler.ts';

/** `submissionId`: queued by an earlier version, which the sweep has since put into its mailbox's outbox. */
const OUTBOX_WORK = v.union([v.object({ mailboxId: v.string() }), v.object({ submissionId: v.string() })]);

/** The mail queue's batches, in order for each mailbox. */
export const sendMailHandler = (sendOutbox: (mailboxId: string) => Promise<void>, log: Log) =>
  fifoBatchHandler(OUTBOX_WORK, async (work) => ('mailboxId' in work ? sendOutbox(work.mailboxId) : undefined), log);
