import type { Organization } from '../../domain/entities.ts';
import { isMendedBySignIn, type Notice, type NoticeEvent, type NoticeScope } from '../../domain/notice.ts';
import { RECONNECT_SECONDS } from '../../domain/notice-timing.ts';
import type { NotificationSettings } from '../../domain/notification-settings.ts';
import type { ToldNotice } from '../../domain/told-notice.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { hashOf, longSecret } from '../secrets.ts';

interface Dependencies {
  readonly records: Pick<Records, 'reconnectLinks' | 'devices'>;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Who is told, and how they want it. */
export interface Addressee {
  readonly scope: NoticeScope;
  /** Undefined: the operator, or it was removed. */
  readonly organization: Organization | undefined;
  readonly settings: NotificationSettings;
}

export const localeOf = ({ organization, settings }: Addressee): string =>
  settings.locale ?? organization?.locale ?? 'en';

export const consoleUrlOf = (publicUrl: string, scope: NoticeScope): string =>
  scope === undefined ? `${publicUrl}/` : `${publicUrl}/console/organizations/${scope}`;

/**
 * Puts together what a telling says. Each has a link of its own: the table keeps but the hash of its token, so that of what
 * rests there nobody can make a link, and it cannot be said again.
 */
export const makeTellNotice = ({ records: { reconnectLinks, devices }, publicUrl, clock, random }: Dependencies) => {
  const reconnectUrl = async ({ phase, of }: NoticeEvent): Promise<string | undefined> => {
    if (of === undefined || phase === 'resolved' || !isMendedBySignIn(of.notice)) return undefined;
    const { kind, subject, organizationId } = of.notice;
    const token = longSecret(random);
    await reconnectLinks.create(hashOf(token), {
      mailboxId: subject,
      noticeId: of.id,
      name: { kind, organizationId, subject },
      endsAt: epochSeconds(clock) + RECONNECT_SECONDS,
    });
    return `${publicUrl}/reconnect/${token}`;
  };

  const pageOf = (scope: NoticeScope, notice: Notice): string => {
    if (notice.kind === 'client_secret.expiring') return consoleUrlOf(publicUrl, scope);
    return notice.kind === 'submission.failed'
      ? `${publicUrl}/console/submissions/${notice.subject}`
      : `${publicUrl}/console/mailboxes/${notice.mailboxId}`;
  };

  return async (
    { scope, organization }: Pick<Addressee, 'scope' | 'organization'>,
    event: NoticeEvent,
  ): Promise<ToldNotice> => {
    const notice = event.of?.notice;
    const device = notice?.kind === 'submission.failed' ? await devices.get(notice.clientId) : undefined;
    return {
      event,
      organization: organization && { id: organization.id, name: organization.name },
      reconnectUrl: await reconnectUrl(event),
      consoleUrl: notice === undefined ? consoleUrlOf(publicUrl, scope) : pageOf(scope, notice),
      deviceName: device?.metadata.clientName,
    };
  };
};

export type TellNotice = ReturnType<typeof makeTellNotice>;
