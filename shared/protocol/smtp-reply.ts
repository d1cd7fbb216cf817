import type { BrokerError } from '../domain/errors.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';
import { ERROR_TEXTS, type Language } from './texts/index.ts';

/** Basic and enhanced code, of one class (RFC 2034 section 4). */
export type SmtpCodes = `${2 | 4 | 5}${number} ${2 | 4 | 5}.${number}.${number}`;

/** A reply of one line (RFC 5321 section 4.2). */
export interface SmtpReply {
  readonly code: number;
  readonly enhancedCode: string;
  readonly text: string;
}

/** So much of a reply a panel shows, or prints on its report, at the most. */
const TEXT_LIMIT = 120;

/** An error whose row names no reply is not expected on SMTP: it passes, or somebody looks into the log. */
const UNEXPECTED: SmtpCodes = '451 4.3.0';

/** Letters that are none with a mark, so that decomposing them changes nothing; and the marks of typographers. */
const BY_HAND: Readonly<Record<string, string>> = {
  ł: 'l',
  Ł: 'L',
  ø: 'o',
  Ø: 'O',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  đ: 'd',
  Đ: 'D',
  ß: 'ss',
  ı: 'i',
  '\u2013': '-',
  '\u2014': '-',
  '\u2018': "'",
  '\u2019': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u201e': '"',
  '\u00ab': '"',
  '\u00bb': '"',
  '\u2026': '...',
};

/** In ASCII: replies are (RFC 5321 section 4.2), and old panels show squares for the rest. */
export const toAscii = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]/gu, (letter) => BY_HAND[letter] ?? letter)
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/\s/gu, ' ')
    .replace(/[^\x20-\x7e]/gu, '?');

/** Cut at a word. */
const withinLimit = (text: string, limit: number): string => {
  if (text.length <= limit) return text;
  const room = limit - '...'.length;
  const end = text.lastIndexOf(' ', room);
  return `${text.slice(0, end > 0 ? end : room)}...`;
};

export const smtpReply = (codes: SmtpCodes, text: string, panelCode?: number): SmtpReply => {
  const [code = '', enhancedCode = ''] = codes.split(' ');
  const mark = panelCode === undefined ? '' : ` [${panelCode}]`;
  return { code: Number(code), enhancedCode, text: `${withinLimit(toAscii(text), TEXT_LIMIT - mark.length)}${mark}` };
};

/** What a device is told of an error, in its language: what happened, and the code that its panel knows (R26). */
export const smtpReplyOf = (error: BrokerError, language: Language): SmtpReply => {
  const { smtp, panelCode }: Outcome = outcomeOf(error);
  return smtpReply(smtp ?? UNEXPECTED, ERROR_TEXTS[language][error.kind][0], panelCode);
};
