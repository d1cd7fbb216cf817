import type { DeviceConnection } from '../proxy/device-connection.ts';

/** One command of a device that has not signed in (RFC 9051 section 2.2.1). */
export interface ImapCommand {
  readonly tag: string;
  /** Upper case. */
  readonly verb: string;
  /** Atoms, and strings without what encloses them; a list in parentheses as it comes. */
  readonly words: readonly string[];
}

export type CommandRead =
  | { readonly kind: 'command'; readonly command: ImapCommand }
  /** `*`: not even a tag can be told. */
  | { readonly kind: 'malformed'; readonly tag: string }
  | { readonly kind: 'too_long' | 'late' | 'ended' };

/** A name and a password, and a little more. */
const LITERALS = 4;
const LITERAL_BYTES = 1024;

/** RFC 9051 section 9: ASTRING-CHAR but for `+`. */
const TAG = /^[^\s\p{Cc}(){%*"\\+\u007f-\uffff]{1,100}$/u;

const WORD = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/y;

/** Undefined: a quotation mark without another. */
const wordsOf = (text: string): readonly string[] | undefined => {
  const words: string[] = [];
  const rest = text.trimEnd();
  for (WORD.lastIndex = 0; WORD.lastIndex < rest.length; ) {
    const found = WORD.exec(rest);
    if (found === null) return undefined;
    words.push(found[2] ?? (found[1] ?? '').replace(/\\(.)/g, '$1'));
  }
  return words;
};

/** RFC 9051 section 4.3; with `+` nobody waits to be asked (RFC 7888). */
const LITERAL = /\{(\d{1,9})(\+?)\}$/;

/** A line, and the literals and lines that go on from it. */
export const readImapCommand = async (device: DeviceConnection): Promise<CommandRead> => {
  const words: string[] = [];
  for (let literals = 0; ; literals++) {
    const read = await device.line();
    if (read.kind !== 'line') return { kind: read.kind };
    const text = read.bytes.toString('utf8');
    const [announced, size, isAtOnce] = LITERAL.exec(text) ?? [];
    const own = wordsOf(announced === undefined ? text : text.slice(0, -announced.length));
    const tag = words[0] ?? text.split(' ', 1)[0] ?? '';
    if (own === undefined || !TAG.test(tag)) return { kind: 'malformed', tag: TAG.test(tag) ? tag : '*' };
    words.push(...own);
    if (size === undefined) break;
    // Whoever does not wait would send it as commands.
    if (literals === LITERALS || Number(size) > LITERAL_BYTES) return { kind: 'too_long' };
    if (isAtOnce === '') device.say('+ Go on');
    const bytes = await device.bytes(Number(size));
    if (bytes === undefined) return { kind: 'ended' };
    words.push(bytes.toString('utf8'));
  }
  const [tag = '', verb = '', ...rest] = words;
  return { kind: 'command', command: { tag, verb: verb.toUpperCase(), words: rest } };
};
