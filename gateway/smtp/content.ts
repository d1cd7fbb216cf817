import { type Readable, Transform } from 'node:stream';

export interface LimitedContent {
  /** Fails as soon as it is too large, or its connection is gone. */
  readonly stream: Readable;
  /** Why it failed, if it did. */
  readonly failure: () => 'too_large' | 'cut_off' | undefined;
  readonly sizeBytes: () => number;
  /** Nobody wants the rest. The client is heard to its end all the same: only then it listens for the reply. */
  drop(): void;
}

/**
 * A message that is no longer wanted must fail for whoever reads it, and still be read from the client: so the source is never
 * destroyed, but unhooked and let run.
 */
export const limitContent = (source: Readable, limitBytes: number): LimitedContent => {
  let sizeBytes = 0;
  let failure: 'too_large' | 'cut_off' | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes <= limitBytes) return done(null, chunk);
      failure = 'too_large';
      done(new Error(`the message is larger than ${limitBytes} bytes`));
    },
  });
  const cutOff = (): void => {
    if (source.readableEnded || stream.destroyed) return;
    failure = 'cut_off';
    stream.destroy(new Error('the connection was closed before the message was complete'));
  };
  source.on('error', cutOff);
  source.on('close', cutOff);
  // Whether anybody still reads or not.
  stream.on('error', () => undefined);
  stream.on('close', () => {
    source.unpipe(stream);
    source.resume();
  });
  source.pipe(stream);
  return {
    stream,
    failure: () => failure,
    sizeBytes: () => sizeBytes,
    drop: () => void stream.destroy(),
  };
};
