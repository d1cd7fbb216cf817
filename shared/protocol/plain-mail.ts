import { messageDate } from '../domain/message-fields.ts';

/** RFC 2047 section 2: a line with encoded words has 76 characters at most; 12 are not the text, 9 the name of the field. */
const WORD_BYTES = 39;

/** RFC 2045 section 6.8. */
const BASE64_LINE = /.{1,76}/g;

/** What came from outside stays in its line: no field of the header, no line of the text, is anybody else's to write. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/** A header's text: as it is, or in encoded words, none of which cuts a character in two (RFC 2047 section 5). */
export const headerText = (text: string): string => {
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

/** A mail of the broker's own, all of it ASCII. Answered by no machine (RFC 3834 section 5). */
export const plainMail = (mail: {
  /** Addresses are checked, and may stand in a header. */
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** Epoch seconds. */
  readonly at: number;
  readonly messageId: string;
  /** Further fields. */
  readonly fields?: readonly string[];
  readonly text: string;
}): string =>
  [
    `From: ${mail.from}`,
    `To: ${mail.to}`,
    `Subject: ${headerText(mail.subject)}`,
    `Date: ${messageDate(mail.at)}`,
    `Message-ID: ${mail.messageId}`,
    'Auto-Submitted: auto-generated',
    ...(mail.fields ?? []),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...(Buffer.from(mail.text).toString('base64').match(BASE64_LINE) ?? []),
    '',
  ].join('\r\n');
