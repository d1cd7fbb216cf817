const CR = 0x0d;
const LF = 0x0a;

/**
 * Lone CR and LF made CRLF, as RFC 5321 section 2.3.8 demands of everything sent by SMTP. With nothing to mend, the very
 * same bytes.
 */
export const withCrlf = (message: Uint8Array): Uint8Array => {
  const lone = countLone(message);
  if (lone === 0) return message;
  const mended = new Uint8Array(message.length + lone);
  let at = 0;
  for (let i = 0; i < message.length; i++) {
    const byte = message[i] as number;
    if (byte !== CR && byte !== LF) {
      mended[at++] = byte;
      continue;
    }
    if (byte === CR && message[i + 1] === LF) i++;
    mended[at++] = CR;
    mended[at++] = LF;
  }
  return mended;
};

const countLone = (message: Uint8Array): number => {
  let lone = 0;
  for (let i = 0; i < message.length; i++) {
    const byte = message[i];
    if (byte === LF) lone++;
    else if (byte === CR && message[i + 1] === LF) i++;
    else if (byte === CR) lone++;
  }
  return lone;
};

/** A message cut at its first empty line (RFC 5322 section 2.1). */
export interface CutMessage {
  /** Every field with its CRLF; without one at the end only where the message ends within a field. */
  readonly header: Uint8Array;
  /** From the empty line on, that line included; empty where there is none. */
  readonly rest: Uint8Array;
}

/** Wants CRLF line ends. */
export const cutMessage = (message: Uint8Array): CutMessage => {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (bytes[0] === CR && bytes[1] === LF) return { header: bytes.subarray(0, 0), rest: bytes };
  const emptyLine = bytes.indexOf('\r\n\r\n');
  if (emptyLine === -1) return { header: bytes, rest: bytes.subarray(bytes.length) };
  return { header: bytes.subarray(0, emptyLine + 2), rest: bytes.subarray(emptyLine + 2) };
};
