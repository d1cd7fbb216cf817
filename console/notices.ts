import { html } from 'hono/html';
import type { Delivery, Notice, NoticeEvent, OpenNotice } from '../shared/domain/notice.ts';
import { noticeWords } from '../shared/protocol/notice-words.ts';
import { mailboxLink, table, time } from './elements.ts';
import { type NotificationTexts, notificationTextsIn } from './texts/notifications/index.ts';
import { type Html, PROVIDER_NAMES, paths, type View } from './view.ts';

export interface ListedNotice extends OpenNotice {
  readonly told: NoticeEvent | undefined;
}

const deliveryWords = (words: NotificationTexts['deliveries'], delivery: Delivery): string => {
  switch (delivery.state) {
    case 'pending':
      return delivery.problem === undefined ? words.pending : words.retrying;
    case 'handed_over':
      return words.handed_over(delivery.by);
    default:
      return words[delivery.state];
  }
};

/** How far a telling has come, and what keeps it, in the receiver's or the broker's own words. */
export const deliveryLine = ({ language }: View, channel: string, delivery: Delivery): Html => {
  const { deliveries } = notificationTextsIn(language);
  const problem = 'problem' in delivery ? delivery.problem : undefined;
  return html`${channel}: ${deliveryWords(deliveries, delivery)}${
    problem === undefined ? '' : html` <span class="quiet" lang="en">${problem}</span>`
  }`;
};

const toldLines = (view: View, { told, reminders }: ListedNotice): Html => {
  const { settings, open } = notificationTextsIn(view.language);
  const lines =
    told === undefined
      ? []
      : [
          deliveryLine(view, settings.byWebhook, told.webhook),
          deliveryLine(view, settings.byMail, told.mail),
          ...(reminders > 0 ? [html`${open.reminders(reminders)}`] : []),
        ];
  return html`${lines.map((line, index) => html`${index === 0 ? '' : html`<br>`}${line}`)}`;
};

const subject = (notice: Notice): Html => {
  if (notice.kind === 'client_secret.expiring') {
    return html`${PROVIDER_NAMES[notice.provider]} <code>${notice.clientId}</code>`;
  }
  const mailbox = mailboxLink(notice.mailboxId, notice.address);
  if (notice.kind !== 'submission.failed') return mailbox;
  return html`${mailbox}<br><a href="${paths.submission(notice.subject)}"><code>${notice.subject}</code></a>`;
};

/** What happened, then what to do. */
const words = ({ language }: View, { id, notice, since, reminders }: ListedNotice): string => {
  const { headline, remedy } = noticeWords({ phase: 'raised', of: { id, notice, since, reminders } }, language);
  return remedy === undefined ? headline : `${headline} ${remedy}`;
};

/** What people are told of now, and how far that has come. */
export const noticeTable = (view: View, notices: readonly ListedNotice[], hasMore: boolean): Html => {
  const { open } = notificationTextsIn(view.language);
  if (notices.length === 0) return html`<p class="card">${open.none}</p>`;
  const rows = notices.map((listed) => [
    words(view, listed),
    subject(listed.notice),
    time(listed.since),
    toldLines(view, listed),
  ]);
  return html`${table(open.title, [open.what, open.about, open.since, open.told], rows)}${
    hasMore ? html`<p class="quiet">${open.more}</p>` : ''
  }`;
};
