/** RFC 2047 section 2, found wherever lenient readers find them: within other text, in quotes, with blanks inside. */
const ENCODED_WORD = /=\?([^?]*)\?([bq])\?(.*?)\?=/gisu;
/** The start of one without its end, which some readers decode all the same. */
const UNFINISHED = /=\?[^?]*\?[bq]\?/iu;
/** Blanks between two of them do not count (RFC 2047 section 6.2). */
const BETWEEN = /(?<=\?=)[ \t]+(?==\?)/gu;

/** The text with its encoded-words decoded; undefined where one cannot be, so that nobody knows what others make of it. */
export const decodeWords = (text: string): string | undefined => {
  let readable = !UNFINISHED.test(replaceWords(text, () => ''));
  const decoded = replaceWords(text.replace(BETWEEN, ''), (_word, charset, encoding, content) => {
    const bytes = /b/i.test(encoding) ? base64(content) : quotedPrintable(content);
    const plain = bytes && decode(charset, bytes);
    readable &&= plain !== undefined;
    return plain ?? '';
  });
  return readable ? decoded : undefined;
};

/** Behind the last end of one there is none: looking for it from each beginning anew would take a minute. */
const replaceWords = (
  text: string,
  replacer: (word: string, charset: string, encoding: string, content: string) => string,
): string => {
  const end = text.lastIndexOf('?=') + 1;
  return text.slice(0, end + 1).replace(ENCODED_WORD, replacer) + text.slice(end + 1);
};

/** Only whole ones: some readers join the contents of neighbours before they decode. */
const base64 = (content: string): Buffer | undefined => {
  const bytes = Buffer.from(content, 'base64');
  const unpadded = content.replace(/={0,2}$/u, '');
  return bytes.toString('base64').replace(/=+$/u, '') === unpadded ? bytes : undefined;
};

const quotedPrintable = (content: string): Buffer | undefined => {
  if (/=(?![\da-f]{2})/iu.test(content)) return undefined;
  const utf8 = Buffer.from(content.replaceAll('_', ' '), 'utf8').toString('latin1');
  const bytes = utf8.replace(/=([\da-f]{2})/giu, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
};

/**
 * Character sets that browsers know, which leaves out those in which an at sign looks like something else (UTF-7, EBCDIC).
 * UTF-16 is left out too: its characters can be cut in two between words. A language may follow (RFC 2231 section 5).
 */
const decode = (charset: string, bytes: Uint8Array): string | undefined => {
  const label = charset.split('*', 1)[0] ?? '';
  if (/utf-?16|unicode|ucs-2|iso-10646/iu.test(label)) return undefined;
  try {
    return new TextDecoder(label).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};

/** RFC 2047 section 2: 75 characters at most, of which this much is around the content. */
const CONTENT_LIMIT = 75 - '=?utf-8?Q??='.length;

/** Safe in every place that an encoded word may stand, phrases of addresses among them (RFC 2047 section 5); blanks as `_`. */
const LITERAL = /^[A-Za-z0-9!*+/ -]$/u;
const NOT_LITERAL = /[^A-Za-z0-9!*+/-]/gu;

const quotedOctets = (text: string): string =>
  text.replace(NOT_LITERAL, (character) => {
    if (character === ' ') return '_';
    return Buffer.from(character, 'utf8').toString('hex').toUpperCase().replace(/../gu, '=$&');
  });

/** Text as encoded words with a blank between them, none of which cuts a character in two. */
export const encodeWords = (text: string): string => {
  const asBase64 = quotedOctets(text).length > Buffer.byteLength(text, 'utf8') * 2;
  const encoded = (part: string): string =>
    asBase64 ? Buffer.from(part, 'utf8').toString('base64') : quotedOctets(part);
  const words: string[] = [];
  let part = '';
  let octets = 0;
  for (const character of text) {
    const bytes = Buffer.byteLength(character, 'utf8');
    const more = asBase64 || LITERAL.test(character) ? bytes : bytes * '=FF'.length;
    const length = asBase64 ? Math.ceil((octets + more) / 3) * 4 : octets + more;
    if (part !== '' && length > CONTENT_LIMIT) {
      words.push(part);
      part = '';
      octets = 0;
    }
    part += character;
    octets += more;
  }
  words.push(part);
  return words.map((word) => `=?utf-8?${asBase64 ? 'B' : 'Q'}?${encoded(word)}?=`).join(' ');
};
