export const CR = 0x0d;
export const LF = 0x0a;

/** RFC 5322 section 2.1.1, without the CRLF. */
export const LINE_LIMIT = 998;

/** Of a run of octets within one line: what ended it. `undefined`: the line goes on; empty: the message ends here. */
export type LineEnd = '\r\n' | '\n' | '\r' | '';

/** Told line after line. A long line comes in several runs, all but the last of them without an end. */
export type OnLine = (bytes: Buffer, isStart: boolean, end: LineEnd | undefined) => void;

/** A line up to this long comes in one run, and one run is about as much as is ever held back. */
const RUN_BYTES = 16 * 1024;

/** Cuts a message into lines, whatever they end with, holding only what may still become part of one. */
export const lineReader = (onLine: OnLine) => {
  let held: Buffer = Buffer.alloc(0);
  let isStart = true;

  const tell = (bytes: Buffer, end: LineEnd | undefined): void => {
    onLine(bytes, isStart, end);
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
