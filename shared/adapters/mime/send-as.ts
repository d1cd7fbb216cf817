import type { Readable } from 'node:stream';
import type { ResentMessage } from '../../ports/message-format.ts';
import { decodeWords } from './encoded-words.ts';
import { type Field, fieldsOf, nameOf, octetsOf, rawValueOf, unfoldedOf } from './fields.ts';
import { repairField } from './header-repair.ts';
import { CR, cutMessage, withCrlf } from './lines.ts';
import { madeOf } from './streams.ts';

/** More than a header may have. */
const HEAD_LIMIT_BYTES = 128 * 1024;

interface Head {
  readonly header: Buffer;
  /** What has been read behind it, the empty line included. */
  readonly rest: Buffer;
}

/** Reads up to the empty line. */
const readHead = async (chunks: AsyncIterator<Buffer>): Promise<Head> => {
  let read: Buffer = Buffer.alloc(0);
  for (;;) {
    const next = await chunks.next();
    if (next.done !== true) read = Buffer.concat([read, next.value]);
    // A CR at the end may be half of a CRLF.
    const isHalf = next.done !== true && read[read.length - 1] === CR;
    const mended = withCrlf(isHalf ? read.subarray(0, -1) : read);
    const { header, rest } = cutMessage(mended);
    if (rest.length > 0 || next.done === true || read.length > HEAD_LIMIT_BYTES) {
      return { header, rest: isHalf ? Buffer.concat([rest, Buffer.from([CR])]) : rest };
    }
  }
};

const NAMES_A_SENDER = /^(from|sender|resent-.*)$/;

/** The name alone: without the address, comments, and further mailboxes. Empty where it might pass for an address. */
const displayName = (from: string): string => {
  const [name = ''] = /^(?:"(?:[^"\\]|\\.)*"|[^"<,(@])*(?=<)/u.exec(from.trim()) ?? [];
  const shown = decodeWords(name);
  return shown === undefined || shown.includes('@') ? '' : name.trim();
};

/** Who it was from stays reachable; whom it comes from now is the only one named. */
const underSender = (fields: readonly Field[], address: string): readonly Field[] => {
  const from = fields.find((field) => nameOf(field) === 'from');
  const name = from === undefined ? '' : displayName(unfoldedOf(from));
  const rewritten: Field = `From: ${octetsOf(name === '' ? address : `${name} <${address}>`)}`;
  const hasReplyTo = fields.some((field) => nameOf(field) === 'reply-to' && rawValueOf(field).trim() !== '');
  const replyTo = from === undefined || hasReplyTo ? [] : [`Reply-To:${from.slice(from.indexOf(':') + 1)}`];
  const others = fields.filter((field) => !NAMES_A_SENDER.test(nameOf(field)));
  return [rewritten, ...replyTo, ...others].map((field) => repairField(field) ?? field);
};

export const sentAs = (content: Readable, address: string): ResentMessage => {
  const chunks = (content as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let head: Promise<Head & { readonly instead: Buffer }> | undefined;
  const rewrittenHead = () => {
    head ??= readHead(chunks).then((read) => {
      const lines = underSender(fieldsOf(read.header), address).map((field) => `${field}\r\n`);
      return { ...read, instead: Buffer.from(lines.join(''), 'latin1') };
    });
    return head;
  };

  const pieces = async function* (): AsyncGenerator<Buffer> {
    const { instead, rest } = await rewrittenHead();
    yield Buffer.concat([instead, rest]);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  };
  return Object.defineProperty(madeOf(content, pieces()), 'growthBytes', {
    // What cannot be read is found out by who reads the stream.
    get: () =>
      rewrittenHead().then(
        ({ instead, header }) => instead.length - header.length,
        () => 0,
      ),
  }) as ResentMessage;
};
