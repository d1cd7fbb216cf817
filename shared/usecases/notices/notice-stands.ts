import { secretExpiresAt } from '../../domain/app-registration.ts';
import { isLive, lapsesAt, warningDue } from '../../domain/grant.ts';
import { clientSecretSubject, type Notice } from '../../domain/notice.ts';
import { holdOf } from '../../domain/outbox.ts';
import { registrationKey } from '../../domain/registration.ts';
import { hasReachedAll } from '../../domain/retention.ts';
import { isOver } from '../../domain/submission.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';

/** `moot`: it is not so any more, nor is it mended, as what it was about was signed out or removed. */
export type Standing = 'so' | 'mended' | 'moot';

/** Whether it is still so: looked at before anybody is told, and before anybody is reminded. */
export type NoticeStands = (notice: Notice) => Promise<Standing>;

const soOr = (isSo: boolean, otherwise: Standing): Standing => (isSo ? 'so' : otherwise);

export const makeNoticeStands = ({
  records: { grants, outboxes, gateways, submissions, appRegistrations },
  clock,
}: {
  readonly records: Pick<Records, 'grants' | 'outboxes' | 'gateways' | 'submissions' | 'appRegistrations'>;
  readonly clock: Clock;
}): NoticeStands => {
  const expires = async ({ subject, provider, organizationId }: Extract<Notice, { provider: unknown }>) => {
    const whose = { provider, ...(organizationId === undefined ? {} : { organizationId }) };
    const { registration } = await appRegistrations.get(whose);
    const secrets = registration?.clientSecrets ?? [];
    const secret = secrets.find((_, index) => clientSecretSubject(registrationKey(whose), index + 1) === subject);
    const at = secret && secretExpiresAt(secret);
    // Also where it has expired already.
    return at !== undefined && warningDue(at, epochSeconds(clock)) !== undefined;
  };

  /** Of a mailbox that was signed out on purpose people need not hear once nothing waits. */
  const isHeld = async (mailboxId: string): Promise<boolean> => {
    const { outbox, dueAt } = await outboxes.get(mailboxId);
    if (outbox.stop?.cause === 'hold' && (outbox.stop.reason !== 'signed_out' || dueAt !== undefined)) return true;
    const atGateways = await gateways.outboxesOf(mailboxId, epochSeconds(clock));
    return [...atGateways.values()].some((one) => holdOf(one) !== undefined);
  };

  const isLost = async (submissionId: string): Promise<boolean> => {
    const submission = (await submissions.get(submissionId))?.submission;
    return submission !== undefined && isOver(submission) && !hasReachedAll(submission);
  };

  const ofMailbox = async (notice: Extract<Notice, { mailboxId: string }>): Promise<Standing> => {
    if (notice.kind === 'submission.failed') return soOr(await isLost(notice.subject), 'mended');
    const { grant } = await grants.get(notice.mailboxId);
    const otherwise = isLive(grant) ? 'mended' : 'moot';
    if (notice.kind === 'grant.invalid') return soOr(grant.state === 'invalid', otherwise);
    if (notice.kind === 'mailbox.held') return soOr(await isHeld(notice.mailboxId), otherwise);
    const at = lapsesAt(grant);
    return soOr(at !== undefined && warningDue(at, epochSeconds(clock)) !== undefined, otherwise);
  };

  return async (notice) =>
    notice.kind === 'client_secret.expiring' ? soOr(await expires(notice), 'mended') : ofMailbox(notice);
};
