import { type ContentHeader, contentHeaderOf, isIdentity } from './content-type.ts';
import { type Field, fieldsOf } from './fields.ts';
import { LINE_LIMIT, type LineEnd, lineReader } from './lines.ts';

/** A message, or a part of one (RFC 2045 section 2). */
export interface Part extends ContentHeader {
  /** In the order of their headers; 0 is the message itself. */
  readonly number: number;
  readonly parent: Part | undefined;
  /** `bound`: it may not be encoded (RFC 2045 section 6.4), and what is in it is not known. */
  readonly kind: 'leaf' | 'multipart' | 'message' | 'bound';
  /** Under a signature (RFC 1847 section 2.1): a changed octet would break it. */
  readonly isSealed: boolean;
}

/**
 * Told what a message consists of, from its beginning to its end. `before` is the line end that comes ahead of the octets:
 * the one ahead of a delimiter belongs to that (RFC 2046 section 5.1.1).
 */
export interface Visitor {
  /** `isCut`: the header ends without an empty line, and the part with it. */
  head(part: Part, fields: readonly Field[], isCut: boolean): void;
  /** Of a leaf, or of what is bound. */
  content(part: Part, before: LineEnd, bytes: Buffer): void;
  end(part: Part): void;
  /** What is nobody's content: delimiters, and what stands before the first and after the last. */
  frame(before: LineEnd, bytes: Buffer): void;
}

/** A message that cannot be read, in a sentence for who sent it. */
export class MimeFault extends Error {
  override readonly name = 'MimeFault';
}

/** Exchange Online takes 256 KB, Gmail 500 KB; a device's own are under 2 KB. */
const HEADER_LIMIT_BYTES = 64 * 1024;

/** Deeper ones are nobody's mail. */
const DEPTH_LIMIT = 50;

const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);
const DASH = 0x2d;

const kindOf = ({ mediaType, encoding, boundary }: ContentHeader): Part['kind'] => {
  const composite = mediaType.startsWith('multipart/') || mediaType.startsWith('message/');
  if (!composite) return 'leaf';
  if (!isIdentity(encoding)) return 'bound';
  if (mediaType === 'message/rfc822' || mediaType === 'message/global') return 'message';
  return mediaType.startsWith('multipart/') && boundary !== undefined ? 'multipart' : 'bound';
};

/** Whether the line is this multipart's delimiter; `last`: its closing one. */
const delimiterOf = (line: Buffer, { boundary = '' }: Part): 'next' | 'last' | undefined => {
  const wanted = `--${boundary}`;
  if (line.length < wanted.length || line.toString('latin1', 0, wanted.length) !== wanted) return undefined;
  const rest = line.toString('latin1', wanted.length);
  if (/^[ \t]*$/.test(rest)) return 'next';
  return /^--[ \t]*$/.test(rest) ? 'last' : undefined;
};

/** Takes a message apart. `write` and `end` throw `MimeFault`, and what the visitor throws. */
export const walker = (visitor: Visitor) => {
  /** Multiparts and messages around what is read just now. */
  let around: Part[] = [];
  let current: Part | undefined;
  let mode: 'header' | 'content' | 'frame' = 'header';
  let parent: Part | undefined;
  let header: Buffer[] = [];
  let headerBytes = 0;
  let before: LineEnd = '';
  let parts = 0;

  const beginHeader = (within: Part | undefined): void => {
    mode = 'header';
    parent = within;
    header = [];
    headerBytes = 0;
  };

  const endHeader = (isCut: boolean): void => {
    const fields = fieldsOf(Buffer.concat(header));
    const content = contentHeaderOf(fields);
    const isSealed = parent !== undefined && (parent.isSealed || parent.mediaType === 'multipart/signed');
    const kind = around.length >= DEPTH_LIMIT && kindOf(content) !== 'leaf' ? 'bound' : kindOf(content);
    const part: Part = { ...content, number: parts++, parent, kind, isSealed };
    visitor.head(part, fields, isCut);
    before = '';
    current = part;
    mode = kind === 'multipart' ? 'frame' : 'content';
    if (kind === 'multipart' || kind === 'message') around.push(part);
    if (kind === 'message' && !isCut) beginHeader(part);
  };

  const headerRun = (bytes: Buffer, isStart: boolean, end: LineEnd | undefined): void => {
    if (isStart && bytes.length === 0) {
      endHeader(false);
      return;
    }
    header.push(bytes);
    if (end !== undefined) header.push(CRLF);
    headerBytes += bytes.length + (end === undefined ? 0 : CRLF.length);
    // What is too long goes no further, but is shown once: it may not be a header at all.
    if (headerBytes > HEADER_LIMIT_BYTES) {
      endHeader(true);
      throw new MimeFault('The header is larger than 64 KB.');
    }
  };

  const run = (bytes: Buffer, end: LineEnd | undefined): void => {
    if (mode === 'frame') visitor.frame(before, bytes);
    else if (current) visitor.content(current, before, bytes);
    before = end ?? '';
  };

  const endContent = (): void => {
    if (mode === 'content' && current && current.kind !== 'message') visitor.end(current);
  };

  /** The innermost multipart around that the line delimits. */
  const delimited = (line: Buffer): readonly [Part, 'next' | 'last'] | undefined => {
    if (line[0] !== DASH || line[1] !== DASH) return undefined;
    for (const part of around.toReversed()) {
      const found = part.kind === 'multipart' ? delimiterOf(line, part) : undefined;
      if (found) return [part, found];
    }
    return undefined;
  };

  const delimiter = (line: Buffer, end: LineEnd, [part, which]: readonly [Part, 'next' | 'last']): void => {
    if (mode === 'header') endHeader(true);
    endContent();
    const depth = around.indexOf(part);
    around = around.slice(0, which === 'last' ? depth : depth + 1);
    // Blanks at its end mean nothing (RFC 2046 section 5.1.1), and too many could not stay.
    visitor.frame(
      before,
      line.length > LINE_LIMIT ? Buffer.from(line.toString('latin1').replace(/[ \t]+$/, ''), 'latin1') : line,
    );
    visitor.frame(end, NOTHING);
    before = '';
    if (which === 'next') beginHeader(part);
    else {
      current = part;
      mode = 'frame';
    }
  };

  const reader = lineReader((bytes, isStart, end) => {
    const found = isStart && end !== undefined ? delimited(bytes) : undefined;
    if (found && end !== undefined) delimiter(bytes, end, found);
    else if (mode === 'header') headerRun(bytes, isStart, end);
    else run(bytes, end);
  });

  return {
    write: (chunk: Buffer): void => reader.write(chunk),
    end(): void {
      reader.end();
      if (mode === 'header') {
        if (header.length > 0 && header.at(-1) !== CRLF) header.push(CRLF);
        endHeader(true);
      }
      run(NOTHING, '');
      endContent();
    },
  };
};
