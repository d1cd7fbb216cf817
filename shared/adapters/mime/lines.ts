export const CR = 0x0d;
export const LF = 0x0a;
const HYPHEN = 0x2d;

/** RFC 5322 section 2.1.1, without the CRLF. */
export const LINE_LIMIT = 998;

/** Of a run of octets within one line: what ended it. `undefined`: the line goes on; empty: the message ends here. */
export type LineEnd = '\r\n' | '\n' | '\r' | '';

/**
 * Told line after line. A long line comes in several runs, all but the last of them without an end. In bulk, several whole lines
 * come as one: each ends with CRLF, none is too long, and none begins with a hyphen, as delimiters do.
 */
export type OnLine = (bytes: Buffer, isStart: boolean, end: LineEnd | undefined, lines: number) => void;

/** A line up to this long comes in one run, and one run is about as much as is ever held back. */
const RUN_BYTES = 16 * 1024;

/** Where the lines from here on end that can be told in bulk, and how many they are. */
const bulkFrom = (bytes: Buffer, from: number): { readonly to: number; readonly lines: number } => {
  let to = from;
  let lines = 0;
  while (to < bytes.length && bytes[to] !== HYPHEN) {
    const cr = bytes.indexOf(CR, to);
    if (cr === -1 || cr - to > LINE_LIMIT || bytes[cr + 1] !== LF) break;
    // A lone LF before it is a line end as well.
    const lf = bytes.indexOf(LF, to);
    if (lf !== cr + 1) break;
    to = cr + 2;
    lines++;
  }
  return { to, lines };
};

/**
 * Cuts a message into lines, whatever they end with, holding only what may still become part of one. `inBulk`: whether the next
 * ones may be told in bulk, asked at the start of each.
 */
export const lineReader = (onLine: OnLine, inBulk: () => boolean = () => false) => {
  let held: Buffer = Buffer.alloc(0);
  let isStart = true;

  const tell = (bytes: Buffer, end: LineEnd | undefined, lines = 1): void => {
    onLine(bytes, isStart, end, lines);
    isStart = end !== undefined;
  };

  /** Where the run's rest begins that may be told already: all but a CR that may be half of a CRLF. */
  const tellStartOfLine = (bytes: Buffer): Buffer => {
    const upTo = bytes[bytes.length - 1] === CR ? bytes.length - 1 : bytes.length;
    if (upTo < RUN_BYTES) return bytes;
    tell(bytes.subarray(0, upTo), undefined);
    return bytes.subarray(upTo);
  };

  return {
    write(chunk: Buffer): void {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      let from = 0;
      let cr = bytes.indexOf(CR);
      let lf = bytes.indexOf(LF);
      for (;;) {
        if (isStart && inBulk()) {
          const { to, lines } = bulkFrom(bytes, from);
          if (lines > 0) {
            tell(bytes.subarray(from, to - 2), '\r\n', lines);
            from = to;
          }
        }
        if (cr !== -1 && cr < from) cr = bytes.indexOf(CR, from);
        if (lf !== -1 && lf < from) lf = bytes.indexOf(LF, from);
        const isCr = cr !== -1 && (lf === -1 || cr < lf);
        const at = isCr ? cr : lf;
        if (at === -1 || (isCr && at + 1 === bytes.length)) break;
        const end = !isCr ? '\n' : lf === at + 1 ? '\r\n' : '\r';
        tell(bytes.subarray(from, at), end);
        from = at + end.length;
      }
      held = tellStartOfLine(bytes.subarray(from));
    },

    end(): void {
      const endsInCr = held[held.length - 1] === CR;
      if (endsInCr) tell(held.subarray(0, -1), '\r');
      else if (held.length > 0) tell(held, '');
    },
  };
};

/**
 * Lone CR and LF made CRLF, as RFC 5321 section 2.3.8 demands of everything sent by SMTP. With nothing to mend, the very
 * same bytes.
 */
export const withCrlf = (message: Buffer): Buffer => {
  const text = message.toString('latin1');
  const mended = text.replace(/\r\n|\r|\n/g, '\r\n');
  return mended.length === text.length ? message : Buffer.from(mended, 'latin1');
};

/** A message cut at its first empty line (RFC 5322 section 2.1). */
export interface CutMessage {
  /** Every field with its CRLF; without one at the end only where the message ends within a field. */
  readonly header: Buffer;
  /** From the empty line on, that line included; empty where there is none. */
  readonly rest: Buffer;
}

/** Wants CRLF line ends. */
export const cutMessage = (message: Buffer): CutMessage => {
  if (message[0] === CR && message[1] === LF) return { header: message.subarray(0, 0), rest: message };
  const emptyLine = message.indexOf('\r\n\r\n');
  if (emptyLine === -1) return { header: message, rest: message.subarray(message.length) };
  return { header: message.subarray(0, emptyLine + 2), rest: message.subarray(emptyLine + 2) };
};
