import type { NoticeMail, NoticeWording, ToldNotice } from '../domain/told-notice.ts';
import { NOTICE_TEXTS, type NoticeTexts } from './notice-texts/index.ts';
import { noticeWebhook } from './notice-webhook.ts';
import { languageOf, noticeWords, reasonOf } from './notice-words.ts';
import { OUTCOMES, type Outcome } from './outcomes.ts';
import type { Language } from './texts/index.ts';
import { rfc3339 } from './time.ts';

/** RFC 2047 section 2: an encoded-word has at most 75 characters, of which 12 are not its text; base64 makes 4 of 3 bytes. */
const WORD_BYTES = 45;

/** RFC 2045 section 6.8. */
const BASE64_LINE = 76;

const DAY_SECONDS = 86_400;

/** What came from outside stays in its line: no field of the header, no line of the text, is anybody else's to write. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/** A header's text: as it is, or in encoded-words, none of which cuts a character in two (RFC 2047 section 5). */
const headerText = (text: string): string => {
  const line = oneLine(text);
  if (/^[\x20-\x7e]*$/.test(line) && line.length <= 60 && !line.includes('=?')) return line;
  const words: string[] = [];
  let word = '';
  for (const character of line) {
    if (Buffer.byteLength(word + character) > WORD_BYTES) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((one) => `=?utf-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ');
};

const base64Lines = (text: string): string => {
  const encoded = Buffer.from(text).toString('base64');
  return (encoded.match(new RegExp(`.{1,${BASE64_LINE}}`, 'g')) ?? []).join('\r\n');
};

/** RFC 5322 section 3.3. */
const dateOf = (epochSeconds: number): string => new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');

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

/** A mail to people: plain text, one paragraph for each notice. Answered by no machine (RFC 3834 section 5). */
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
  const text = `${paragraphs.map((lines) => lines.join('\r\n')).join('\r\n\r\n')}\r\n`;
  const message = [
    `From: ${headerText(product)} <${wanted.from}>`,
    `To: ${wanted.to.join(',\r\n ')}`,
    `Subject: ${headerText(subjectOf(wanted, language))}`,
    `Date: ${dateOf(wanted.at)}`,
    `Message-ID: ${wanted.messageId}`,
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: All',
    'MIME-Version: 1.0',
    `Content-Language: ${language}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    base64Lines(text),
    '',
  ].join('\r\n');
  return Buffer.from(message, 'ascii');
};

export const noticeWording: NoticeWording = { webhook: noticeWebhook, mail: noticeMail };
