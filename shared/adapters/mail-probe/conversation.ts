import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Deadline, type Patience, within } from './deadline.ts';
import type { Trouble } from './steps.ts';

/** Sixteen times what RFC 5321 section 4.5.3.1 allows a reply line; lists of IMAP capabilities are longer than others. */
const LINE_LIMIT = 8 * 1024;

/** What is kept of what nobody has read yet: the rest stays with the sender. */
const INPUT_LIMIT = 4 * LINE_LIMIT;

/** A goodbye is answered within that, or not at all. */
const GOODBYE_MS = 250;

/** A talk line by line. Every wait has an end, and nothing that a server sends makes it hold more than `INPUT_LIMIT`. */
export interface Conversation {
  /** For one reply, however many lines it has: a server that drips does not get more time. */
  patience(): Patience;
  /** The next line without its end. */
  line(patience: Patience): Promise<Result<string, Trouble>>;
  send(text: string): void;
  /** The socket for TLS. Whatever the server had sent before is not part of the secured talk (RFC 3207 section 6). */
  handOver(): Result<Socket, Trouble>;
  /** Whoever opened the connection closes it. */
  end(goodbye: string): Promise<void>;
}

export const converse = (socket: Socket, deadline: Deadline, silenceMs: number): Conversation => {
  let input = '';
  let over = false;
  let wake: () => void = () => undefined;

  const onData = (chunk: Buffer): void => {
    input += chunk.toString('latin1');
    if (input.length > INPUT_LIMIT) socket.pause();
    wake();
  };
  const onEnd = (): void => {
    over = true;
    wake();
  };
  socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd);

  const take = (): string | undefined => {
    const end = input.indexOf('\n');
    if (end === -1) return undefined;
    const line = input.slice(0, end).replace(/\r$/, '');
    input = input.slice(end + 1);
    socket.resume();
    return Buffer.from(line, 'latin1').toString('utf8');
  };

  return {
    patience: () => deadline.wait(silenceMs),

    async line(patience) {
      for (;;) {
        const line = take();
        if (line !== undefined && line.length <= LINE_LIMIT) return ok(line);
        if (line !== undefined || input.length > LINE_LIMIT)
          return fail({ why: 'other_protocol', said: input.slice(0, 100) });
        if (over) return fail({ why: 'dropped' });
        if (performance.now() >= patience.until) return fail({ why: patience.why });
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await within(woken, patience);
      }
    },

    send(text) {
      socket.write(text);
    },

    handOver() {
      if (input !== '') return fail({ why: 'tls_failed', said: input });
      socket.off('data', onData);
      return ok(socket);
    },

    async end(goodbye) {
      if (over) return;
      const closed = new Promise<void>((resolve) => {
        wake = () => over && resolve();
      });
      socket.end(goodbye);
      await Promise.race([closed, sleep(GOODBYE_MS)]);
    },
  };
};
