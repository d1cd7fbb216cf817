import type { NoticeMail, NoticeWording, ToldNotice } from '../domain/told-notice.ts';
import { NOTICE_TEXTS, type NoticeTexts } from './notice-texts/index.ts';
import { noticeWebhook } from './notice-webhook.ts';
import { languageOf, noticeWords, reasonOf } from './notice-words.ts';
import { OUTCOMES, type Outcome } from './outcomes.ts';
import { headerText, oneLine, plainMail } from './plain-mail.ts';
import type { Language } from './texts/index.ts';
import { rfc3339 } from './time.ts';

const DAY_SECONDS = 86_400;

const line = (label: string, value: string | number | undefined): readonly string[] =>
  value === undefined || value === '' ? [] : [`${label}: ${oneLine(String(value))}`];

/** The message, and where an administrator sees more of it. */
const messageLines = ({ event, consoleUrl, deviceName }: ToldNotice, { mail }: NoticeTexts): readonly string[] => {
  const notice = event.of?.notice;
  if (notice?.kind !== 'submission.failed') return [];
  const { subject, clientId, messageId, recipients } = notice;
  return [
    ...line(mail.submission, subject),
    ...line(mail.messageId, messageId),
    ...line(mail.recipients, recipients.join(', ')),
    ...line(mail.device, deviceName === undefined ? clientId : `${deviceName} (${clientId})`),
    consoleUrl,
  ];
};

const paragraphOf = (told: ToldNotice, language: Language, at: number): readonly string[] => {
  const { event, reconnectUrl } = told;
  const texts: NoticeTexts = NOTICE_TEXTS[language];
  const { mail } = texts;
  const { headline, reason, remedy } = noticeWords(event, language);
  const { of, phase } = event;
  if (of === undefined || phase === 'resolved') return [headline];
  const { notice, since } = of;
  const kind = reasonOf(notice);
  const outcome: Outcome | undefined = kind && OUTCOMES[kind];
  const days = Math.floor((at - since) / DAY_SECONDS);
  return [
    oneLine(headline),
    ...(reason === undefined ? [] : [reason]),
    ...(phase === 'reminder' && days > 0 ? [mail.reminder(days)] : []),
    ...line(mail.whatToDo, remedy),
    ...line(mail.since, rfc3339(since)),
    ...('detail' in notice ? line(mail.detail, notice.detail) : []),
    ...('code' in notice ? line(mail.code, notice.code) : []),
    ...('correlationId' in notice ? line(mail.correlationId, notice.correlationId) : []),
    ...line(mail.panelCode, outcome?.panelCode),
    ...messageLines(told, texts),
    ...(reconnectUrl === undefined ? [] : [mail.signIn, reconnectUrl]),
  ];
};

const subjectOf = ({ told, more }: NoticeMail, language: Language): string => {
  const { subjects }: NoticeTexts = NOTICE_TEXTS[language];
  const [first] = told;
  if (first === undefined || told.length + more > 1) return subjects.many(told.length + more);
  if (first.event.of === undefined) return subjects.test;
  const { headline } = noticeWords(first.event, language);
  if (first.event.phase === 'resolved') return subjects.resolved(headline);
  return first.event.phase === 'reminder' ? subjects.reminder(headline) : headline;
};

/** A mail to people: plain text, one paragraph for each notice. */
export const noticeMail = (wanted: NoticeMail): Uint8Array => {
  const language = languageOf(wanted.locale);
  const { mail, product }: NoticeTexts = NOTICE_TEXTS[language];
  const organization = wanted.told.find((one) => one.organization)?.organization;
  const paragraphs = [
    ...(organization ? [line(mail.organization, organization.name)] : []),
    ...wanted.told.map((one) => paragraphOf(one, language, wanted.at)),
    ...(wanted.more > 0 ? [[mail.more(wanted.more)]] : []),
    [mail.console, wanted.consoleUrl],
    [mail.why],
  ];
  const message = plainMail({
    from: `${headerText(product)} <${wanted.from}>`,
    to: wanted.to.join(',\r\n '),
    subject: subjectOf(wanted, language),
    at: wanted.at,
    messageId: wanted.messageId,
    fields: ['X-Auto-Response-Suppress: All', `Content-Language: ${language}`],
    text: `${paragraphs.map((lines) => lines.join('\r\n')).join('\r\n\r\n')}\r\n`,
  });
  return Buffer.from(message, 'ascii');
};

export const noticeWording: NoticeWording = { webhook: noticeWebhook, mail: noticeMail };
