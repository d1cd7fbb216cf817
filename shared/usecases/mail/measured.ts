import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

export interface Measure {
  readonly sizeBytes: number;
  /** In hexadecimal, lower case. */
  readonly sha256: string;
}

/**
 * The same content, which ends its source with itself. `check` is told what it came to before its end is: what it throws,
 * the reader gets in place of the end. With a limit, also what goes beyond it is told at once.
 */
export const measured = (
  source: Readable,
  check: (found: Measure) => void,
  limitBytes = Number.POSITIVE_INFINITY,
): Readable => {
  const pass = async function* (): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      hash.update(chunk);
      if (sizeBytes > limitBytes) break;
      yield chunk;
    }
    check({ sizeBytes, sha256: hash.digest('hex') });
  };
  const content = Readable.from(pass(), { objectMode: false });
  content.once('close', () => source.destroy());
  return content;
};
