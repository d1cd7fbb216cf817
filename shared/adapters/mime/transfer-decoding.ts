import { endOfText } from './fields.ts';

/** What a part's content is once its transfer encoding is undone (RFC 2045 section 6), without holding it. */
export async function* decoded(content: AsyncIterable<Buffer>, encoding: string): AsyncIterable<Buffer> {
  if (encoding === 'base64') yield* fromBase64(content);
  else if (encoding === 'quoted-printable') yield* fromQuotedPrintable(content);
  else yield* content;
}

const isBase64 = Array.from({ length: 256 }, (_, byte) => /[A-Za-z0-9+/]/.test(String.fromCharCode(byte)));

/** RFC 2045 section 6.8: what is not of the alphabet is passed over. */
async function* fromBase64(content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  // Up to three characters wait for the fourth.
  let held: Buffer = Buffer.alloc(0);
  for await (const bytes of content) {
    const characters = Buffer.alloc(held.length + bytes.length);
    let length = held.copy(characters);
    for (const byte of bytes) if (isBase64[byte]) characters[length++] = byte;
    const whole = length - (length % 4);
    held = Buffer.from(characters.subarray(whole, length));
    yield Buffer.from(characters.toString('latin1', 0, whole), 'base64');
  }
  yield Buffer.from(held.toString('latin1'), 'base64');
}

/** RFC 2045 section 6.7. What may go on in the next piece is held: an escape, a soft break, blanks at a line's end. */
async function* fromQuotedPrintable(content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let held = '';
  for await (const bytes of content) {
    const text = held + bytes.toString('latin1');
    const escaped = /=[^\n]?\r?$/.exec(text)?.index ?? text.length;
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    const open = Math.min(escaped, endOfText(line));
    held = text.slice(open);
    yield fromEscapes(text.slice(0, open));
  }
  yield fromEscapes(held);
}

const fromEscapes = (text: string): Buffer =>
  Buffer.from(
    text
      // From the first blank of a run alone, or a long one would be read anew from each.
      .replace(/(?<![ \t])[ \t]+(?=\r?\n)/g, '')
      .replace(/=\r?\n/g, '')
      .replace(/=([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
