import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Beyond this the other end waits until somebody reads. */
const HELD_BYTES = 256 * 1024;

export interface SocketReader {
  /** Without its end; undefined: the other end has gone. */
  line(): Promise<string | undefined>;
  /** Whatever has come; undefined as above. */
  chunk(): Promise<Buffer | undefined>;
  /** Puts back what was too much. */
  unread(bytes: Buffer): void;
  /** Resolves when there is room for more. False: the other end has gone. */
  write(bytes: string | Uint8Array): Promise<boolean>;
  /** When the other end has gone. */
  readonly ended: Promise<void>;
  destroy(): void;
  /** The same, after what was written. */
  end(): void;
  /** The socket without its reader, for TLS to be laid over it. */
  release(): Socket;
}

/** A socket read line by line, or as it comes. Only one may read at a time. */
export const socketReader = (socket: Socket): SocketReader => {
  let input: Buffer = Buffer.alloc(0);
  let isOver = false;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let wake = (): void => undefined;

  const onData = (chunk: Buffer): void => {
    input = input.length === 0 ? chunk : Buffer.concat([input, chunk]);
    if (input.length > HELD_BYTES) socket.pause();
    wake();
  };
  const onEnd = (): void => {
    isOver = true;
    end();
    wake();
  };
  socket.on('data', onData);
  socket.on('error', () => socket.destroy());
  socket.on('end', onEnd);
  socket.on('close', onEnd);

  const more = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (isOver) resolve();
      else socket.resume();
    });

  return {
    ended,
    async line() {
      for (;;) {
        const at = input.indexOf('\r\n');
        if (at >= 0) {
          const line = input.subarray(0, at).toString('latin1');
          input = input.subarray(at + 2);
          return line;
        }
        if (isOver) return undefined;
        await more();
      }
    },
    async chunk() {
      while (input.length === 0) {
        if (isOver) return undefined;
        await more();
      }
      const chunk = input;
      input = Buffer.alloc(0);
      return chunk;
    },
    unread(bytes) {
      input = Buffer.concat([bytes, input]);
    },
    async write(bytes) {
      if (socket.destroyed || !socket.writable) return false;
      if (!socket.write(bytes)) await Promise.race([once(socket, 'drain').catch(() => undefined), ended]);
      return !socket.destroyed;
    },
    destroy: () => void socket.destroy(),
    end: () => void socket.end(),
    release() {
      for (const event of ['data', 'end', 'close'] as const) socket.removeAllListeners(event);
      return socket;
    },
  };
};
