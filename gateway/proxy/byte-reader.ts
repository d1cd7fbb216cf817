import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** Beyond this the other end waits until somebody reads. */
const HELD_BYTES = 64 * 1024;

const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

/** `line`: with its end. `too_long`: it is still there, as are all after it. */
export type LineRead =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'too_long' | 'late' | 'ended' };

/** A socket read as the reader likes. What nobody reads stays with the sender, but for `HELD_BYTES`. One may read at a time. */
export interface ByteReader {
  readonly socket: Socket;
  /** Up to LF, with or without CR before it. */
  line(limitBytes: number, limitMs: number): Promise<LineRead>;
  /** Exactly so many; undefined: they do not come. */
  bytes(count: number, limitMs: number): Promise<Buffer | undefined>;
  /** Whatever has come; undefined: nothing does. */
  chunk(limitMs: number): Promise<Buffer | undefined>;
  /** Puts back what was too much. */
  unread(bytes: Buffer): void;
  /** Whether nobody is there any more, or something that nobody has read. */
  hasNews(): boolean;
  /** Waits for the other end to hang up: true, it did within that time. */
  hangsUp(limitMs: number): Promise<boolean>;
  /** Resolves when there is room for more. False: the other end has gone. */
  write(bytes: Uint8Array | string): Promise<boolean>;
  /** For TLS to be laid over it. What was read ahead is dropped. */
  release(): Socket;
}

export const byteReader = (socket: Socket): ByteReader => {
  let held: Buffer = NOTHING;
  let isOver = socket.destroyed;
  let wake = (): void => undefined;

  const onData = (chunk: Buffer): void => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (held.length >= HELD_BYTES) socket.pause();
    wake();
  };
  const onOver = (): void => {
    isOver = true;
    wake();
  };
  // An error is followed by the close, and says no more than that.
  socket.on('data', onData).on('end', onOver).on('close', onOver).on('error', onOver);

  /** Something happened, or the time is up. */
  const something = (limitMs: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => wake(), limitMs);
      wake = () => {
        clearTimeout(timer);
        wake = () => undefined;
        resolve();
      };
      socket.resume();
    });

  const take = (count: number): Buffer => {
    const taken = held.subarray(0, count);
    held = held.length === count ? NOTHING : held.subarray(count);
    return taken;
  };

  /** Waits until there is an answer; undefined: the time is up. */
  const within = async <Value>(limitMs: number, look: () => Value | undefined): Promise<Value | undefined> => {
    const until = performance.now() + limitMs;
    for (;;) {
      const value = look();
      const leftMs = until - performance.now();
      if (value !== undefined || leftMs <= 0) return value;
      await something(leftMs);
    }
  };

  return {
    socket,
    async line(limitBytes, limitMs) {
      const read = await within(limitMs, (): LineRead | undefined => {
        const end = held.indexOf(LF) + 1;
        if (end > limitBytes || (end === 0 && held.length > limitBytes)) return { kind: 'too_long' };
        if (end > 0) return { kind: 'line', bytes: take(end) };
        return isOver ? { kind: 'ended' } : undefined;
      });
      return read ?? { kind: 'late' };
    },
    async bytes(count, limitMs) {
      const read = await within(limitMs, () => (held.length >= count ? take(count) : isOver ? NOTHING : undefined));
      return read?.length === count ? read : undefined;
    },
    async chunk(limitMs) {
      const read = await within(limitMs, () => (held.length > 0 || isOver ? take(held.length) : undefined));
      return read === undefined || read.length === 0 ? undefined : read;
    },
    unread(bytes) {
      held = Buffer.concat([bytes, held]);
    },
    hasNews: () => isOver || held.length > 0,
    async hangsUp(limitMs) {
      return (await within(limitMs, () => isOver || undefined)) === true;
    },
    async write(bytes) {
      if (!socket.writable) return false;
      if (socket.write(bytes)) return true;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          socket.off('drain', done).off('close', done);
          resolve();
        };
        socket.on('drain', done).on('close', done);
      });
      return !socket.destroyed;
    },
    release() {
      held = NOTHING;
      socket.off('data', onData).off('end', onOver).off('close', onOver);
      return socket;
    },
  };
};
