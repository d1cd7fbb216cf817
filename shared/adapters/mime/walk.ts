import { BOUNDARY_LIMIT, type ContentHeader, contentHeaderOf, isIdentity } from './content-type.ts';
import { type Field, fieldsOf } from './fields.ts';
import { LINE_LIMIT, type LineEnd, lineReader, type OnLine } from './lines.ts';

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
  /** Of a leaf, or of what is bound. `lines`: how many the octets are, with a CRLF between two; more than one only in bulk. */
  content(part: Part, before: LineEnd, bytes: Buffer, lines: number): void;
  end(part: Part): void;
  /** What is nobody's content: delimiters, and what stands before the first and after the last. */
  frame(before: LineEnd, bytes: Buffer): void;
}

/** A message that cannot be read, in a sentence for who sent it. */
export class MimeFault extends Error {
  override readonly name = 'MimeFault';
}

/** What a message may be for it to be read: one that is more would keep everybody else's waiting. */
export interface WalkLimits {
  /** Of each header, with its line ends. */
  readonly headerBytes: number;
  readonly parts: number;
  readonly depth: number;
}

/** At first sight. Exchange Online takes headers of 256 KB, Gmail of 500 KB; a device's own are under 2 KB. */
export const ACCEPTABLE: WalkLimits = { headerBytes: 60 * 1024, parts: 1000, depth: 50 };

/**
 * Later nothing may be refused any more, and there is more: fields of the broker's own, and From a second time as Reply-To.
 * Together that is about twice what was acceptable.
 */
export const ACCEPTED: WalkLimits = { headerBytes: 256 * 1024, parts: Infinity, depth: Infinity };

export const headerTooLarge = ({ headerBytes }: WalkLimits): MimeFault =>
  new MimeFault(`The header is larger than ${headerBytes / 1024} KB. Send it with fewer or shorter fields.`);

const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);
const DASH = 0x2d;
const SPACE = 0x20;
const TAB = 0x09;

const kindOf = ({ mediaType, encoding, boundary }: ContentHeader): Part['kind'] => {
  const composite = mediaType.startsWith('multipart/') || mediaType.startsWith('message/');
  if (!composite) return 'leaf';
  if (!isIdentity(encoding)) return 'bound';
  if (mediaType === 'message/rfc822' || mediaType === 'message/global') return 'message';
  return mediaType.startsWith('multipart/') && boundary !== undefined ? 'multipart' : 'bound';
};

/** `last`: the closing one. */
type Delimited = readonly [part: Part, which: 'next' | 'last'];

/** The delimiters of these multiparts; of the same ones, the innermost's. */
const delimitersOf = (around: readonly Part[]): ReadonlyMap<string, Delimited> =>
  new Map(
    around
      .filter(({ kind }) => kind === 'multipart')
      .flatMap((part): [string, Delimited][] => [
        [`--${part.boundary}--`, [part, 'last']],
        [`--${part.boundary}`, [part, 'next']],
      ]),
  );

const DELIMITER_LIMIT = '--'.length + BOUNDARY_LIMIT + '--'.length;

/** Without the blanks at its end, which mean nothing (RFC 2046 section 5.1.1). */
const withoutBlanks = (line: Buffer): Buffer => {
  let end = line.length;
  while (line[end - 1] === SPACE || line[end - 1] === TAB) end--;
  return line.subarray(0, end);
};

/**
 * Takes a message apart. `write` and `end` throw `MimeFault`, and what the visitor throws. `inBulk`: contents may be told in
 * several lines at once.
 */
export const walker = (visitor: Visitor, limits = ACCEPTED, inBulk = false) => {
  /** Multiparts and messages around what is read just now. */
  let around: readonly Part[] = [];
  let delimiters = delimitersOf(around);
  let current: Part | undefined;
  let mode: 'header' | 'content' | 'frame' = 'header';
  let parent: Part | undefined;
  let header: Buffer[] = [];
  let headerBytes = 0;
  let before: LineEnd = '';
  let parts = 0;
  let hasLoneEnd = false;

  const setAround = (all: readonly Part[]): void => {
    around = all;
    delimiters = delimitersOf(all);
  };

  const checkLimits = (kind: Part['kind']): void => {
    if (parts > limits.parts) {
      throw new MimeFault(`The message has more than ${limits.parts} parts. Send it as several messages.`);
    }
    if (kind !== 'leaf' && around.length >= limits.depth) {
      throw new MimeFault(`The parts of the message are nested more than ${limits.depth} deep.`);
    }
  };

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
    const kind = kindOf(content);
    const part: Part = { ...content, number: parts++, parent, kind, isSealed };
    checkLimits(kind);
    visitor.head(part, fields, isCut);
    before = '';
    current = part;
    mode = kind === 'multipart' ? 'frame' : 'content';
    if (kind === 'multipart' || kind === 'message') setAround([...around, part]);
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
    if (headerBytes > limits.headerBytes) {
      endHeader(true);
      throw headerTooLarge(limits);
    }
  };

  const run = (bytes: Buffer, end: LineEnd | undefined, lines = 1): void => {
    if (mode === 'frame') visitor.frame(before, bytes);
    else if (current) visitor.content(current, before, bytes, lines);
    before = end ?? '';
  };

  const endContent = (): void => {
    if (mode === 'content' && current && current.kind !== 'message') visitor.end(current);
  };

  /** The innermost multipart around that the line delimits. */
  const delimited = (line: Buffer): Delimited | undefined => {
    if (line[0] !== DASH || line[1] !== DASH || delimiters.size === 0) return undefined;
    const text = withoutBlanks(line);
    return text.length > DELIMITER_LIMIT ? undefined : delimiters.get(text.toString('latin1'));
  };

  const delimiter = (line: Buffer, end: LineEnd, [part, which]: Delimited): void => {
    if (mode === 'header') endHeader(true);
    endContent();
    const depth = around.indexOf(part);
    setAround(around.slice(0, which === 'last' ? depth : depth + 1));
    // Too many blanks at its end could not stay.
    visitor.frame(before, line.length > LINE_LIMIT ? withoutBlanks(line) : line);
    visitor.frame(end, NOTHING);
    before = '';
    if (which === 'next') beginHeader(part);
    else {
      current = part;
      mode = 'frame';
    }
  };

  const onLine: OnLine = (bytes, isStart, end, lines) => {
    if (end === '\n' || end === '\r') hasLoneEnd = true;
    const found = isStart && end !== undefined ? delimited(bytes) : undefined;
    if (found && end !== undefined) delimiter(bytes, end, found);
    else if (mode === 'header') headerRun(bytes, isStart, end);
    else run(bytes, end, lines);
  };
  const reader = lineReader(onLine, () => inBulk && mode === 'content');

  return {
    write: (chunk: Buffer): void => reader.write(chunk),
    /** Whether any line, so far, has ended otherwise than with CRLF. */
    hasLoneEnd: (): boolean => hasLoneEnd,
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
