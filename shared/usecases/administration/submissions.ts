import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { LOCAL_GATEWAY_ID } from '../../domain/gateway.ts';
import { isBeingSent, type NoResend, resend, type SubmissionDetails } from '../../domain/resend.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { describeSubmission, isOver, type Submission } from '../../domain/submission.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Notices } from '../../ports/notices.ts';
import type { SubmissionRecord } from '../../records/submissions.ts';
import type { RemoveSubmission } from '../mail/forget-submissions.ts';

import type { RecordsWithin } from './reach.ts';

interface Dependencies {
  readonly records: Pick<RecordsWithin, 'devices' | 'mailboxes' | 'submissions' | 'outboxes' | 'audit'>;
  readonly removeSubmission: RemoveSubmission;
  readonly tryOutboxNow: (mailboxId: string) => Promise<void>;
  readonly notices: Pick<Notices, 'settle'>;
  readonly clock: Clock;
}

/** Workers change a submission a few times, and then it rests; who is slower so often is told to look again. */
const WRITE_ATTEMPTS = 5;

const WHY_NOT: Readonly<Record<NoResend, string>> = {
  being_sent: 'It is being sent just now. Look again in some minutes.',
  reached_all: 'Every recipient has got it, so its content was deleted.',
  too_old: 'It was accepted so long ago that its content is about to be deleted. Have the device send it again.',
  mailbox_removed: 'Its mailbox was removed, so nothing can send it.',
  at_gateway:
    'Its content lies at the gateway that took it. What is to be done with it is done on the status page there.',
};

const missing = fail(brokerError('not_found', 'No such submission.'));
const conflict = (why: string) => fail(brokerError('conflict', why));
const outrun = conflict('It changed at the same moment. Look again.');

/** What an administrator does about one message. */
export const submissionAdministration = (dependencies: Dependencies) => {
  const { records, removeSubmission, tryOutboxNow, notices, clock } = dependencies;
  const { devices, mailboxes, submissions, outboxes, audit } = records;

  const find = async (id: string): Promise<SubmissionRecord | undefined> => {
    const record = await submissions.get(id);
    const isKept = record && (record.keptUntil === undefined || record.keptUntil > epochSeconds(clock));
    return isKept ? record : undefined;
  };

  const resendOf = async ({ submission }: SubmissionRecord) => {
    const mailbox = await mailboxes.get(submission.mailboxId);
    return resend(submission, mailbox !== undefined, submissions.retention, epochSeconds(clock));
  };

  const details = async (record: SubmissionRecord): Promise<SubmissionDetails> => {
    const { submission, keptUntil } = record;
    const { outbox } = await outboxes.get(submission.mailboxId);
    return { description: describeSubmission(submission, outbox), resend: await resendOf(record), keptUntil };
  };

  /** The failure that people were told of is being mended, or is of no more interest. */
  const noteDown = async ({ organizationId, id, account }: Submission, action: string): Promise<void> => {
    await audit.add({ organizationId, action, subject: id, detail: account });
    await notices.settle({ kind: 'submission.failed', organizationId, subject: id });
  };

  /** Taken away here, it would be sent all the same, and told of again; but for a gateway that is no more. */
  const waitsAtGateway = async (submission: Submission): Promise<boolean> => {
    const { gatewayId } = submission;
    if (gatewayId === undefined || isOver(submission)) return false;
    return gatewayId === LOCAL_GATEWAY_ID || (await devices.get(gatewayId)) !== undefined;
  };

  const get = async (id: string): Promise<Result<SubmissionDetails, BrokerError>> => {
    const record = await find(id);
    return record ? ok(await details(record)) : missing;
  };

  return {
    get,

    /** What had ended is put into the outbox again for those who have not got it; what waits is tried now. */
    async resend(id: string): Promise<Result<SubmissionDetails, BrokerError>> {
      for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
        const record = await find(id);
        if (record === undefined) return missing;
        const choice = await resendOf(record);
        if (choice.how === 'not') return conflict(WHY_NOT[choice.why]);
        // A worker may have claimed it, or another administrator been faster: then it is looked at anew.
        if (!(await submissions.replace(record, choice.submission, epochSeconds(clock)))) continue;
        await noteDown(record.submission, 'submission.resent');
        await tryOutboxNow(record.submission.mailboxId);
        return get(id);
      }
      return outrun;
    },

    /** The message and what is known of it, also while it waits: it is not sent then. */
    async remove(id: string): Promise<Result<undefined, BrokerError>> {
      for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
        const record = await find(id);
        if (record === undefined) return missing;
        if (isBeingSent(record.submission, epochSeconds(clock))) return conflict(WHY_NOT.being_sent);
        if (await waitsAtGateway(record.submission)) return conflict(WHY_NOT.at_gateway);
        if (!(await removeSubmission(record))) continue;
        await noteDown(record.submission, 'submission.removed');
        return ok(undefined);
      }
      return outrun;
    },
  };
};

export type SubmissionAdministration = ReturnType<typeof submissionAdministration>;
