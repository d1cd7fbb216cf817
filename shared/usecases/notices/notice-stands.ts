import { secretExpiresAt } from '../../domain/app-registration.ts';
import { lapsesAt, warningDue } from '../../domain/grant.ts';
import { clientSecretSubject, type Notice } from '../../domain/notice.ts';
import { registrationKey } from '../../domain/registration.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';

/** Whether it is still so: looked at before anybody is told, and before anybody is reminded. */
export type NoticeStands = (notice: Notice) => Promise<boolean>;

export const makeNoticeStands = ({
  records: { grants, outboxes, submissions, appRegistrations },
  clock,
}: {
  readonly records: Pick<Records, 'grants' | 'outboxes' | 'submissions' | 'appRegistrations'>;
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

  return async (notice) => {
    switch (notice.kind) {
      case 'grant.invalid':
        return (await grants.get(notice.mailboxId)).grant.state === 'invalid';
      case 'grant.expiring': {
        const at = lapsesAt((await grants.get(notice.mailboxId)).grant);
        return at !== undefined && warningDue(at, epochSeconds(clock)) !== undefined;
      }
      case 'mailbox.held':
        return (await outboxes.get(notice.mailboxId)).outbox.stop?.cause === 'hold';
      case 'submission.failed':
        return (await submissions.get(notice.subject))?.submission.status.state === 'failed';
      case 'client_secret.expiring':
        return expires(notice);
    }
  };
};
