import type { Readable } from 'node:stream';
import { ACCEPTED } from './walk.ts';

/** A message whose header is at hand while its body is still to come. */
export interface OpenedMessage {
  /** Every field with its CRLF. */
  readonly header: Buffer;
  /** From the empty line on, that line included. */
  readonly rest: AsyncGenerator<Buffer>;
}

const CRLF = '\r\n';

/** Where the empty line begins that ends the header (RFC 5322 section 2.1). */
const endOfHeader = (head: Buffer): number | undefined => {
  if (head.indexOf(CRLF) === 0) return 0;
  const at = head.indexOf(CRLF + CRLF);
  return at === -1 ? undefined : at + CRLF.length;
};

/** Reads as far as the header's end. A message without an empty line is all header. */
export const openMessage = async (content: Readable): Promise<OpenedMessage> => {
  const pieces = content.iterator({ destroyOnReturn: true }) as AsyncIterableIterator<Buffer>;
  let head: Buffer = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await pieces.next();
    if (value) head = Buffer.concat([head, value]);
    const at = endOfHeader(head);
    if (at !== undefined) return { header: head.subarray(0, at), rest: chained(head.subarray(at), pieces) };
    if (done) return { header: head, rest: chained(Buffer.alloc(0), pieces) };
    if (head.length > ACCEPTED.headerBytes) throw new Error('the header of an accepted message does not end');
  }
};

const chained = async function* (first: Buffer, others: AsyncIterable<Buffer>) {
  if (first.length > 0) yield first;
  yield* others;
};
