import type { Delivery, NoticeEvent, OpenNotice } from '../domain/notice.ts';
import type { NotificationSettings } from '../domain/notification-settings.ts';
import { noticeWords, reasonOf } from './notice-words.ts';
import { rfc3339, rfc3339OrNull } from './time.ts';

/** Notices and their settings in the admin API's spelling. Secrets have no place here but where they are shown once. */

const deliveryReply = (delivery: Delivery) => ({
  state: delivery.state,
  at: 'at' in delivery ? rfc3339(delivery.at) : null,
  attempts: 'attempts' in delivery ? delivery.attempts : null,
  by: 'by' in delivery ? (delivery.by ?? null) : null,
  problem: 'problem' in delivery ? (delivery.problem ?? null) : null,
});

const eventReply = ({ id, phase, at, webhook, mail }: NoticeEvent) => ({
  event_id: id,
  phase,
  at: rfc3339(at),
  webhook: deliveryReply(webhook),
  mail: deliveryReply(mail),
});

interface Shown {
  readonly settings: NotificationSettings;
  readonly test: NoticeEvent | undefined;
  readonly webhookSecret?: string;
}

export const notificationsReply = ({ settings, test, webhookSecret }: Shown) => {
  const { webhook, emails, locale, kinds } = settings;
  return {
    webhook_url: webhook?.url ?? null,
    ...(webhookSecret === undefined ? {} : { webhook_secret: webhookSecret }),
    webhook_gone_at: rfc3339OrNull(webhook?.goneAt),
    former_webhook_secret_valid_until: rfc3339OrNull(webhook?.former?.until),
    emails,
    locale: locale ?? null,
    kinds: kinds ?? null,
    last_test: test === undefined ? null : eventReply(test),
  };
};

export const noticeReply = ({ id, notice, since, reminders, told }: OpenNotice & { told: NoticeEvent | undefined }) => {
  const { headline, remedy } = noticeWords({ phase: 'raised', of: { id, notice, since, reminders } }, 'en');
  const isSecret = notice.kind === 'client_secret.expiring';
  return {
    notice_id: id,
    kind: notice.kind,
    organization_id: notice.organizationId ?? null,
    subject: notice.subject,
    since: rfc3339(since),
    reminders,
    mailbox_id: isSecret ? null : notice.mailboxId,
    address: isSecret ? null : notice.address,
    reason: reasonOf(notice) ?? null,
    days_left: 'daysLeft' in notice ? notice.daysLeft : null,
    message: headline,
    remedy: remedy ?? null,
    detail: 'detail' in notice ? (notice.detail ?? null) : null,
    provider_code: 'code' in notice ? (notice.code ?? null) : null,
    correlation_id: 'correlationId' in notice ? (notice.correlationId ?? null) : null,
    last_told: told === undefined ? null : eventReply(told),
  };
};
