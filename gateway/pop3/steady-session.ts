import { fail, ok, type Result } from '../../shared/domain/result.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { ByteReader } from '../proxy/byte-reader.ts';
import { type ProxyLimits, RECONNECTS_WITHIN_MS } from '../proxy/options.ts';
import type { Refusal } from '../proxy/refusal.ts';
import type { Pop3Command } from './commands.ts';
import { listMaildrop } from './maildrop.ts';
import { refusalReply, SAID } from './replies.ts';
import { readStatus } from './reply.ts';

export interface SteadyOptions {
  /** Signed in at the provider, and asked nothing yet. */
  readonly provider: ByteReader;
  /** Another session for the same mailbox, with a token of then. */
  readonly reopen: () => Promise<Result<ByteReader, Refusal>>;
  readonly limits: Pick<ProxyLimits, 'silenceMs' | 'reconnects'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Sessions at the provider, one in the place of the other, which are to a device as if they were one. */
export interface SteadySession {
  /** The one of now. */
  readonly provider: ByteReader;
  readonly reconnects: number;
  /** Whether anything would be deleted by QUIT. */
  hasDeletions(): boolean;
  /** The provider has done it. */
  note(command: Pop3Command): void;
  /**
   * A new session with the same messages deleted in it: of a mailbox that begins with the messages of the one before, under the
   * same numbers. Else the line that the device is to hear.
   */
  goOn(): Promise<Result<undefined, string>>;
  /** Without QUIT, so that nothing is deleted (RFC 1939 section 6). */
  end(): void;
}

export const steadySession = async ({ reopen, limits, clock, ...first }: SteadyOptions): Promise<SteadySession> => {
  const { silenceMs } = limits;
  let { provider } = first;
  const reconnectedAt: number[] = [];
  /** Numbers that the provider has taken for deletion. */
  const deleted = new Set<number>();
  let maildrop = (await listMaildrop(provider, silenceMs))?.whole;

  const isTooOften = (): boolean => {
    const since = clock.now() - RECONNECTS_WITHIN_MS;
    return reconnectedAt.filter((at) => at > since).length >= limits.reconnects;
  };

  const deleteAgain = async (): Promise<boolean> => {
    for (const number of deleted) {
      await provider.write(`DELE ${number}\r\n`);
      if ((await readStatus(provider, silenceMs)).kind !== 'positive') return false;
    }
    return true;
  };

  return {
    get provider() {
      return provider;
    },
    get reconnects() {
      return reconnectedAt.length;
    },
    hasDeletions: () => deleted.size > 0,
    note({ verb, argument }) {
      if (verb === 'DELE') deleted.add(Number(argument));
      if (verb === 'RSET') deleted.clear();
    },
    async goOn() {
      provider.socket.destroy();
      if (maildrop === undefined || isTooOften()) return fail(SAID.cutOff);
      reconnectedAt.push(clock.now());
      const opened = await reopen();
      if (!opened.ok) return fail(refusalReply(opened.error));
      provider = opened.value;
      const listing = await listMaildrop(provider, silenceMs, maildrop);
      if (listing === undefined) return fail(SAID.cutOff);
      if (!listing.goesOnFrom) return fail(SAID.changed);
      // With what has come at its end, which the device may have asked for by the time of the next one.
      maildrop = listing.whole;
      return (await deleteAgain()) ? ok(undefined) : fail(SAID.cutOff);
    },
    end: () => void provider.socket.destroy(),
  };
};
