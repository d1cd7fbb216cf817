import type { Readable } from 'node:stream';
import { chained } from '../streams/chunks.ts';
import { cutMessage } from './lines.ts';
import { ACCEPTED } from './walk.ts';

/** A message whose header is at hand while its body is still to come. */
export interface OpenedMessage {
  /** Every field with its CRLF. */
  readonly header: Buffer;
  /** From the empty line on, that line included. */
  readonly rest: AsyncGenerator<Buffer>;
}

/** Reads as far as the header's end. A message without an empty line is all header. */
export const openMessage = async (content: Readable): Promise<OpenedMessage> => {
  const pieces = content.iterator({ destroyOnReturn: true }) as AsyncIterableIterator<Buffer>;
  let head: Buffer = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await pieces.next();
    if (value) head = Buffer.concat([head, value]);
    const { header, rest } = cutMessage(head);
    if (rest.length > 0 || done) return { header, rest: chained(rest, pieces) };
    if (head.length > ACCEPTED.headerBytes) throw new Error('the header of an accepted message does not end');
  }
};
