import { CONNECTION_TEST_TEXTS, filledIn } from './connection-test-texts/index.ts';
import { isLanguage } from './texts/index.ts';

/** RFC 2045 section 6.8. */
const BASE64_LINE = /.{1,76}/g;

/** RFC 2047 section 2: a line with encoded words has 76 characters at most; 12 are not the text, 9 the name of the field. */
const WORD_BYTES = 39;

/** Whole characters, as many as fit into one encoded word. */
const encodedWords = (text: string): string => {
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    if (Buffer.byteLength(word + character) > WORD_BYTES) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((part) => `=?utf-8?B?${Buffer.from(part).toString('base64')}?=`).join('\r\n ');
};

/** RFC 5322 section 3.3, in UTC: `Sat, 07 Nov 2026 10:00:00 +0000`. */
const mailDate = (at: number): string => new Date(at * 1000).toUTCString().replace('GMT', '+0000');

/**
 * The message of a connection test. Addresses are bare and checked, so that they can stand in a header. `Auto-Submitted` keeps
 * absence notices away (RFC 3834 section 5).
 */
export const composeTestMessage = (message: {
  readonly language: string;
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly at: number;
}): string => {
  const { language, from, to, id, at } = message;
  const { subject, body } = CONNECTION_TEST_TEXTS[isLanguage(language) ? language : 'en'].message;
  const content = Buffer.from(`${filledIn(body, { account: from })}\r\n`).toString('base64');
  return [
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${encodedWords(subject)}`,
    `Date: ${mailDate(at)}`,
    `Message-ID: <${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...(content.match(BASE64_LINE) ?? []),
    '',
  ].join('\r\n');
};
