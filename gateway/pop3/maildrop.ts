import { createHash, type Hash } from 'node:crypto';
import type { ByteReader } from '../proxy/byte-reader.ts';
import { readStatus } from './reply.ts';

/** RFC 1939 section 7: a number of at most ten digits, and up to 70 characters. */
const LISTING_LIMIT = 512;

/** The messages at one time, in their order: as many, and these. A hash, since mailboxes have hundreds of thousands. */
export interface Maildrop {
  readonly count: number;
  readonly digest: string;
}

export interface Listing {
  readonly whole: Maildrop;
  /** Whether it begins with the messages of the earlier one, under the same numbers. */
  readonly goesOnFrom: boolean;
}

const digestOf = (hash: Hash): string => hash.copy().digest('base64');

/**
 * Asks for the unique ids of all messages (RFC 1939 section 7, UIDL), of which none is deleted yet. Undefined: the provider does
 * not tell, or not as the RFC has it.
 */
export const listMaildrop = async (
  provider: ByteReader,
  silenceMs: number,
  earlier: Maildrop = { count: 0, digest: '' },
): Promise<Listing | undefined> => {
  await provider.write('UIDL\r\n');
  if ((await readStatus(provider, silenceMs)).kind !== 'positive') return undefined;
  const hash = createHash('sha256');
  let count = 0;
  let isOrdered = true;
  let goesOnFrom = earlier.count === 0;
  for (;;) {
    const read = await provider.line(LISTING_LIMIT, silenceMs);
    if (read.kind !== 'line') return undefined;
    const line = read.bytes.toString('latin1').trim();
    if (line === '.') return isOrdered ? { whole: { count, digest: digestOf(hash) }, goesOnFrom } : undefined;
    const [, number, uniqueId] = /^(\d+) +([\x21-\x7e]+)$/.exec(line) ?? [];
    count += 1;
    isOrdered &&= Number(number) === count;
    hash.update(`${uniqueId}\n`);
    if (count === earlier.count) goesOnFrom = digestOf(hash) === earlier.digest;
  }
};
