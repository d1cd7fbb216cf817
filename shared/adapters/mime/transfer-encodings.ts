import { LINE_LIMIT, type LineEnd } from './lines.ts';

/** Puts octets somewhere; they are used before it returns. */
export type Write = (bytes: Buffer) => void;

/** Makes content of content, run after run; `before` as with a `Visitor`. */
export interface ContentWriter {
  content(before: LineEnd, bytes: Buffer): void;
  end(): void;
}

const CRLF = Buffer.from('\r\n');
const NUL = 0;
const DASH = 0x2d;

/** As it is, but for the line ends. */
export const plainWriter = (write: Write): ContentWriter => ({
  content(before, bytes) {
    if (before !== '') write(CRLF);
    if (bytes.length > 0) write(bytes);
  },
  end: () => undefined,
});

/** What may not be encoded: NUL left out, lines cut where they must end, and none made to look like a delimiter. */
export const breakingWriter = (write: Write): ContentWriter => {
  let column = 0;
  return {
    content(before, bytes) {
      if (before !== '') {
        write(CRLF);
        column = 0;
      }
      let rest = bytes.includes(NUL) ? Buffer.from(bytes.filter((byte) => byte !== NUL)) : bytes;
      while (column + rest.length > LINE_LIMIT) {
        write(rest.subarray(0, LINE_LIMIT - column));
        rest = rest.subarray(LINE_LIMIT - column);
        write(CRLF);
        column = rest[0] === DASH ? 1 : 0;
        if (column === 1) write(Buffer.from(' '));
      }
      if (rest.length > 0) write(rest);
      column += rest.length;
    },
    end: () => undefined,
  };
};

/** RFC 2045 section 6.8: 76 characters a line. */
const BASE64_LINE = 76;
const BASE64_LINE_OCTETS = (BASE64_LINE / 4) * 3;

/** Lines of base64; no line end after the last, which belongs to what follows. */
const base64Lines = (write: Write) => {
  let isFirst = true;
  return (characters: string): void => {
    for (let at = 0; at < characters.length; at += BASE64_LINE) {
      if (!isFirst) write(CRLF);
      isFirst = false;
      write(Buffer.from(characters.slice(at, at + BASE64_LINE), 'latin1'));
    }
  };
};

/** So much is encoded at once; whole lines. */
const BASE64_CHUNK_OCTETS = BASE64_LINE_OCTETS * 512;

/** `asText`: line ends become CRLF, the canonical form of text (RFC 2045 section 6.8); else octets stay what they are. */
export const base64Writer = (write: Write, asText: boolean): ContentWriter => {
  const lines = base64Lines(write);
  const held = Buffer.allocUnsafe(BASE64_CHUNK_OCTETS);
  let used = 0;

  const put = (byte: number): void => {
    held[used++] = byte;
    if (used < held.length) return;
    lines(held.toString('base64'));
    used = 0;
  };

  return {
    content(before, bytes) {
      const end = before === '' || !asText ? before : '\r\n';
      for (let at = 0; at < end.length; at++) put(end.charCodeAt(at));
      for (let at = 0; at < bytes.length; at++) put(bytes[at] as number);
    },
    end: () => lines(held.toString('base64', 0, used)),
  };
};

/** Base64 in lines that are too long, anew; what is no base64 is left out, as readers do (RFC 2045 section 6.8). */
export const base64Rewriter = (write: Write): ContentWriter => {
  const lines = base64Lines(write);
  let held = '';
  return {
    content(_before, bytes) {
      held += bytes.toString('latin1').replace(/[^A-Za-z0-9+/=]/g, '');
      const whole = held.length - (held.length % BASE64_LINE);
      lines(held.slice(0, whole));
      held = held.slice(whole);
    },
    end: () => lines(held),
  };
};

/** RFC 2045 section 6.7: 76 characters a line, the `=` of a soft line break among them. */
const QUOTED_LINE = 75;
const EQUALS = 0x3d;
const SPACE = 0x20;
const TAB = 0x09;

const quoted = (byte: number): string => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB;

/**
 * Each octet as quoted-printable has it. A dash that begins a line after a soft break is quoted too: together with what
 * follows it might look like a delimiter.
 */
const QUOTED: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  (byte >= 0x21 && byte <= 0x7e && byte !== EQUALS) || isBlank(byte) ? String.fromCharCode(byte) : quoted(byte),
);

export const quotedPrintableWriter = (write: Write): ContentWriter => {
  let column = 0;
  /** A blank must not end a line, so it waits for what comes after it. */
  let blank: number | undefined;
  let open = '';

  const put = (token: string): void => {
    let wanted = token;
    if (column + wanted.length > QUOTED_LINE) {
      open += '=\r\n';
      column = 0;
      if (wanted === '-') wanted = quoted(DASH);
    }
    open += wanted;
    column += wanted.length;
  };
  const endLine = (): void => {
    if (blank !== undefined) put(quoted(blank));
    blank = undefined;
  };
  const flush = (): void => {
    if (open !== '') write(Buffer.from(open, 'latin1'));
    open = '';
  };

  return {
    content(before, bytes) {
      if (before !== '') {
        endLine();
        open += '\r\n';
        column = 0;
      }
      for (let at = 0; at < bytes.length; at++) {
        const byte = bytes[at] as number;
        if (blank !== undefined) put(QUOTED[blank] as string);
        blank = isBlank(byte) ? byte : undefined;
        if (blank === undefined) put(QUOTED[byte] as string);
      }
      flush();
    },
    end() {
      endLine();
      flush();
    },
  };
};

/** Quoted-printable in lines that are too long, with soft breaks between its tokens, and what it may not hold quoted. */
export const quotedPrintableRewriter = (write: Write): ContentWriter => {
  let column = 0;
  /** What may be the beginning of `=3D`. */
  let held = '';
  let open = '';

  const put = (token: string): void => {
    const isTooLong = column + token.length > LINE_LIMIT - 1;
    if (isTooLong) open += '=\r\n';
    if (isTooLong) column = 0;
    const wanted = isTooLong && token === '-' ? quoted(DASH) : token;
    open += wanted;
    column += wanted.length;
  };
  const putAll = (text: string): void => {
    for (const [token] of text.matchAll(/=[\dA-Fa-f]{2}|./gs)) {
      const byte = token.charCodeAt(0);
      put(byte === NUL || byte >= 0x7f ? quoted(byte) : token);
    }
    if (open !== '') write(Buffer.from(open, 'latin1'));
    open = '';
  };

  return {
    content(before, bytes) {
      if (before !== '') {
        putAll(held);
        held = '';
        write(CRLF);
        column = 0;
      }
      const all = held + bytes.toString('latin1');
      const cut = /=[\dA-Fa-f]?$/.exec(all)?.index ?? all.length;
      putAll(all.slice(0, cut));
      held = all.slice(cut);
    },
    end: () => putAll(held),
  };
};
