import { parametersOf } from './content-type.ts';
import { decodeWords, encodeWords } from './encoded-words.ts';
import { endOfText, type Field, octetsOf, rawValueOf, textOf } from './fields.ts';
import { LINE_LIMIT } from './lines.ts';

/** RFC 5322 section 2.1.1: where a field is folded anyway, it is folded here. */
const PREFERRED_LIMIT = 78;

/** A word of text without a blank that cannot stand in a line with what is before it. */
const WORD_LIMIT = 900;

const ADDRESS_FIELDS = new Set([
  ...['from', 'sender', 'reply-to', 'to', 'cc', 'bcc', 'mail-followup-to'],
  ...['resent-from', 'resent-sender', 'resent-to', 'resent-cc', 'resent-bcc', 'resent-reply-to'],
  ...['disposition-notification-to', 'return-receipt-to', 'errors-to'],
]);
const PARAMETER_FIELDS = new Set(['content-type', 'content-disposition']);

/** Encoded words have no place in them (RFC 2047 section 5): what is beyond ASCII stays as RFC 6532 has it. */
const TOKEN_FIELDS = new Set([
  ...['message-id', 'in-reply-to', 'references', 'resent-message-id', 'content-id', 'date', 'resent-date', 'received'],
  ...['return-path', 'mime-version', 'content-transfer-encoding', 'dkim-signature', 'authentication-results'],
]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
const PLAIN = /^[\x01-\x7f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same in text.
const ASCII = /^[\x00-\x7f]*$/u;
/** RFC 5322 section 2.2, and the blanks of section 4.5 behind it. */
const NAME = /^[\x21-\x39\x3b-\x7e]+(?=[ \t]*:)/;
const ENCODED_WORD = /^=\?[^?\s]+\?[bq]\?[^?\s]*\?=$/iu;
const ATOMS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ \t-]*$/u;

const isShort = (field: Field): boolean => field.length <= LINE_LIMIT || field.split('\r\n').every(fits);
const fits = (line: string): boolean => line.length <= LINE_LIMIT;

/** In a value it is left out; elsewhere something must stand in its place, or it might end the header. */
const withoutNul = (field: Field): Field => {
  const value = field.indexOf(':') + 1 || field.length;
  return field.slice(0, value).replaceAll('\0', '?') + field.slice(value).replaceAll('\0', '');
};

/** The field as mail may have it: the same where nothing is wrong, undefined where nothing helps. */
export const repairField = (given: Field): Field | undefined => {
  if (isShort(given) && PLAIN.test(given)) return given;
  const field = withoutNul(given);
  const name = NAME.exec(field)?.[0];
  // No field at all: it is kept, or cannot be.
  if (name === undefined) return isShort(field) ? field : undefined;
  const value = textOf(rawValueOf(field)).trim();
  const folded = folds(`${name}: ${octetsOf(encoded(name.toLowerCase(), value))}`);
  return isShort(folded) ? folded : undefined;
};

const encoded = (name: string, value: string): string => {
  if (ADDRESS_FIELDS.has(name)) return encodedAddresses(value);
  if (PARAMETER_FIELDS.has(name)) return encodedParameters(value);
  // Between message identifiers there is room to fold (RFC 5322 section 3.6.4).
  return TOKEN_FIELDS.has(name) ? value.replaceAll('><', '> <') : encodedText(value);
};

const needsEncoding = (word: string): boolean => !ASCII.test(word) || word.length > WORD_LIMIT;

/** Words that need it as encoded words, with the blanks between them, which readers would leave out otherwise. */
const encodedText = (text: string): string => {
  const pieces = text.split(/([ \t]+)/u);
  const words: string[] = [];
  let open = '';
  const close = (next: string): void => {
    if (open === '') return;
    const wanted = ENCODED_WORD.test(next) ? `${open} ` : open;
    words.push(encodeWords(ENCODED_WORD.test(words.at(-1) ?? '') ? ` ${wanted}` : wanted));
    open = '';
  };
  for (let at = 0; at < pieces.length; at += 2) {
    const word = pieces[at] ?? '';
    const blank = at === 0 ? '' : (pieces[at - 1] ?? '');
    if (needsEncoding(word)) {
      // A word of which others have encoded too much: it is made anew.
      const plain = ENCODED_WORD.test(word) ? (decodeWords(word) ?? word) : word;
      open = open === '' ? plain : `${open}${blank}${plain}`;
      continue;
    }
    close(word);
    words.push(word);
  }
  close('');
  return words.join(' ');
};

/** The pieces of an address list that differ in what may be encoded (RFC 5322 section 3.4, RFC 2047 section 5). */
const ADDRESS_PIECE = /<[^<>]*>|[,;:]|(?<phrase>[^"(<,;:]+)|./suy;

/** What may stand between quotes, and within a comment. */
const QUOTED = /(?:[^"\\]|\\.)*/suy;
const COMMENT = /(?:[^()\\]|\\.)*/suy;

/**
 * Where what begins there ends; undefined where it does not. None that begins before the place where one came to nothing
 * can end, so that nothing is read twice.
 */
const enclosed = (value: string, pattern: RegExp, close: string) => {
  const inside = new RegExp(pattern);
  let hopeless = 0;
  return (at: number): string | undefined => {
    if (at < hopeless) return undefined;
    inside.lastIndex = at + 1;
    const content = inside.exec(value)?.[0] ?? '';
    const end = at + 1 + content.length;
    if (value[end] === close) return content;
    hopeless = end;
    return undefined;
  };
};

interface AddressPiece {
  readonly whole: string;
  readonly quoted?: string | undefined;
  readonly comment?: string | undefined;
  readonly phrase?: string | undefined;
}

const addressPieces = function* (value: string): Generator<AddressPiece> {
  const quotedAt = enclosed(value, QUOTED, '"');
  const commentAt = enclosed(value, COMMENT, ')');
  const others = new RegExp(ADDRESS_PIECE);
  for (let at = 0; at < value.length; ) {
    const quoted = value[at] === '"' ? quotedAt(at) : undefined;
    const comment = value[at] === '(' ? commentAt(at) : undefined;
    others.lastIndex = at;
    const other = quoted === undefined && comment === undefined ? others.exec(value) : undefined;
    const whole = other?.[0] ?? value.slice(at, at + (quoted ?? comment ?? '').length + 2);
    yield { whole, quoted, comment, phrase: other?.groups?.phrase };
    at += whole.length;
  }
};

/** Display names and comments are encoded; addresses beyond ASCII stay (RFC 6531). After a comma there is room to fold. */
const encodedAddresses = (value: string): string => {
  let list = '';
  let endsInBlank = false;
  for (const given of addressPieces(value)) {
    const piece = ASCII.test(given.whole) ? given.whole : encodedPiece(given);
    const wanted = piece === ',' ? ', ' : piece;
    // RFC 2047 section 5: a blank on both sides of an encoded word, and no more than one.
    const added: string = endsInBlank ? wanted.trimStart() : wanted;
    list += added;
    if (added !== '') endsInBlank = added.endsWith(' ') || added.endsWith('\t');
  }
  return list.trim();
};

const encodedPiece = ({ whole, quoted, comment, phrase }: AddressPiece): string => {
  if (quoted !== undefined) return ` ${encodedPhrase(quoted.replace(/\\(.)/gsu, '$1'))} `;
  if (comment !== undefined) return `(${encodedText(comment)})`;
  return phrase !== undefined && !phrase.includes('@') ? ` ${encodedText(phrase.trim())} ` : whole;
};

/** A quoted string's content: what needs no encoding stays as it is, or quoted. */
const encodedPhrase = (text: string): string =>
  encodedText(text)
    .split(/(=\?utf-8\?[BQ]\?[^?]*\?=)/u)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
    .map((piece) => (ENCODED_WORD.test(piece) || ATOMS.test(piece) ? piece : `"${piece.replace(/["\\]/gu, '\\$&')}"`))
    .join(' ');

/** One section of a value that is cut (RFC 2231 section 3). */
const SECTION_LIMIT = 60;

const encodedParameters = (value: string): string => {
  const parsed = parametersOf(value);
  if (parsed === undefined) return value;
  const parameters = parsed.parameters.map(({ name, value: text }) => {
    // Encoded by others.
    if (name.endsWith('*')) return `${name}=${text}`;
    if (!needsEncoding(text) || name.toLowerCase() === 'boundary')
      return `${name}="${text.replace(/["\\]/gu, '\\$&')}"`;
    const sections = [...percentEncoded(text).matchAll(new RegExp(`(?:%..|[^%]){1,${SECTION_LIMIT / 3}}`, 'gu'))];
    if (sections.length === 1) return `${name}*=utf-8''${sections[0]}`;
    return sections.map(([part], n) => `${name}*${n}*=${n === 0 ? "utf-8''" : ''}${part}`).join('; ');
  });
  return [parsed.main.trim(), ...parameters].join('; ');
};

/** RFC 2231 section 7: all but attribute characters. */
const percentEncoded = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/gu,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Not `trim`, which takes an octet of a character beyond ASCII for a blank. */
const TOO_MANY_BLANKS = new RegExp(`^[ \\t]{${WORD_LIMIT},}`, 'u');

/** Folded at blanks (RFC 5322 section 2.2.3), and never into a line of nothing but blanks. */
const folds = (line: string): string => {
  const words = line.slice(0, endOfText(line)).split(/(?<=[^ \t])(?=[ \t])/u);
  const lines: string[] = [];
  let open = '';
  for (const word of words) {
    const next = word.replace(TOO_MANY_BLANKS, ' ');
    // Not right after the name: some readers take that for an empty field.
    const isFull = open.length + next.length > PREFERRED_LIMIT && !/^[^ \t]*:$/u.test(open);
    if (open !== '' && isFull) {
      lines.push(open);
      open = next;
    } else open += next;
  }
  return [...lines, open].join('\r\n');
};
