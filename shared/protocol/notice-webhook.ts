import type { Notice } from '../domain/notice.ts';
import type { ToldNotice } from '../domain/told-notice.ts';
import { languageOf, noticeWords, reasonOf } from './notice-words.ts';
import { OUTCOMES, type Outcome } from './outcomes.ts';
import { rfc3339 } from './time.ts';

/** What it is about, with nothing that is not there. */
const subjectOf = (notice: Notice, deviceName: string | undefined) => {
  if (notice.kind === 'client_secret.expiring') {
    const { provider, clientId, position, expiresOn, daysLeft } = notice;
    return {
      app_registration: { provider, client_id: clientId, secret_position: position, expires_on: expiresOn ?? null },
      days_left: daysLeft,
    };
  }
  return {
    mailbox: { mailbox_id: notice.mailboxId, address: notice.address },
    ...(notice.kind === 'grant.expiring' ? { days_left: notice.daysLeft } : {}),
    ...(notice.kind === 'submission.failed'
      ? {
          submission_id: notice.subject,
          message_id: notice.messageId,
          recipients: notice.recipients,
          partial: notice.isPartial,
          device: { client_id: notice.clientId, ...(deviceName === undefined ? {} : { name: deviceName }) },
        }
      : {}),
    ...(notice.detail === undefined ? {} : { detail: notice.detail }),
    ...(notice.code === undefined ? {} : { provider_code: notice.code }),
    ...(notice.correlationId === undefined ? {} : { correlation_id: notice.correlationId }),
  };
};

/** The reason as everywhere else: its kind, who must act, and the code at the panel (R26). */
const reasonFields = (notice: Notice) => {
  const reason = reasonOf(notice);
  if (reason === undefined) return {};
  const { actor, panelCode }: Outcome = OUTCOMES[reason];
  return { reason, actor, ...(panelCode === undefined ? {} : { panel_code: panelCode }) };
};

/** The body of a webhook (Standard Webhooks 1.0: `type`, `timestamp`, `data`). */
export const noticeWebhook = (told: ToldNotice, locale: string): string => {
  const { event, organization, reconnectUrl, consoleUrl, deviceName } = told;
  const { headline, reason, remedy } = noticeWords(event, languageOf(locale));
  const { of } = event;
  return JSON.stringify({
    type: of?.notice.kind ?? 'test',
    timestamp: rfc3339(event.at),
    data: {
      event_id: event.id,
      phase: event.phase,
      ...(of === undefined
        ? {}
        : {
            notice_id: of.id,
            kind: of.notice.kind,
            since: rfc3339(of.since),
            reminders: of.reminders,
            ...reasonFields(of.notice),
            ...subjectOf(of.notice, deviceName),
          }),
      organization: organization === undefined ? null : { organization_id: organization.id, name: organization.name },
      message: reason === undefined ? headline : `${headline} ${reason}`,
      ...(remedy === undefined ? {} : { remedy }),
      ...(reconnectUrl === undefined ? {} : { sign_in_url: reconnectUrl }),
      console_url: consoleUrl,
    },
  });
};
