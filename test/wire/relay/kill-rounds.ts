import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBasic } from '../../../shared/protocol/client-authentication.ts';
import { PROXY_STEPS, type ProxyStep } from '../../fakes/fault-proxy.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import type { Program } from '../crash/program.ts';
import { composeMachine } from './compose.ts';
import { type Doomed, startDoomed, type Trail } from './run-doomed.ts';
import { aheadClock, arrivedFor, handIn, openOffice, openPlace, told, value, type World } from './scene.ts';
import { HAND_OVER } from './steps.ts';

/** When a worker dies. */
export type Death =
  /** By itself, at its nth step. */
  | { readonly by: 'itself'; readonly atStep: number }
  /** While it waits for the mail server, which has not heard of the step, or has answered. */
  | { readonly by: 'server'; readonly step: ProxyStep; readonly side: 'before' | 'after' }
  | { readonly by: 'chance'; readonly afterMs: number }
  | { readonly by: 'nobody' };

/** Who takes up what it left: the next start of the only process there is, or another worker when the claim has run out. */
export type Heir = 'restart' | 'other worker';

export interface Round {
  readonly death: Death;
  readonly killed: boolean;
  readonly lastStep: string;
  readonly timed: Trail;
  /** Of its two messages. */
  readonly copies: readonly number[];
}

/** Longer than a claim, and than a call is hidden. */
const CLAIMS_ARE_OVER_SECONDS = 1000;
/** What was sent within a minute counts; a round is not to wait for the one before it. */
const NEXT_ROUND_SECONDS = 65;

/** A data folder in which worker after worker is killed over two messages, each time another two. */
export const startKillRounds = async (world: World, program: Program, name: string) => {
  const { place, proxy } = await openPlace(world, name);
  const clock = aheadClock();
  const machine = composeMachine(place, { clock, log: memoryLog() });
  const office = await openOffice(machine, name);
  const { address } = office.mailbox;
  let count = 0;

  const doom = (death: Death): Doomed => {
    const dieAtStep = death.by === 'itself' ? { dieAtStep: death.atStep } : {};
    const doomed = startDoomed({ place, aheadMs: clock.now() - Date.now(), work: 'send', ...dieAtStep }, program);
    if (death.by === 'chance') void doomed.killAfter(death.afterMs);
    if (death.by === 'server') proxy.at(death.step, { kind: 'drop', side: death.side }, { onStrike: doomed.kill });
    return doomed;
  };

  /** So that the worker needs none, and takes the same steps every time. */
  const warmToken = async (): Promise<void> => {
    const wish = { slot: 'scan', audience: 'smtp', minTtlSeconds: 1200, place: '192.0.2.1' } as const;
    value(await machine.fetchToken({ ...value(parseBasic(office.basic)), ...wish }));
  };

  const inherit = async (heir: Heir): Promise<void> => {
    if (heir === 'restart') await machine.recover();
    else clock.advance(CLAIMS_ARE_OVER_SECONDS);
    await machine.work();
  };

  const run = async (death: Death, heir: Heir): Promise<Round> => {
    clock.advance(NEXT_ROUND_SECONDS);
    const names = ['a', 'b'].map((one) => `${name}-${count}-${one}`);
    count++;
    const ids = [];
    for (const one of names) ids.push(await handIn(machine, office, { name: one }));
    await warmToken();
    const { killed, timed, trail } = await doom(death).ended();
    proxy.clear();
    await inherit(heir);
    const arrived = await arrivedFor(world, address, (one) => names.includes(one));
    const records = await Promise.all(ids.map((id) => told(machine, office, id)));
    for (const { state, message_id } of records) {
      assert.equal(state, 'sent');
      const copies = arrived.filter(({ messageId }) => messageId === message_id);
      assert.equal(new Set(copies.map(({ sha256 }) => sha256)).size, 1, 'a repeat is not the same message');
    }
    const copies = names.map((one) => arrived.filter((message) => message.name === one).length);
    const firsts = names.map((one) => arrived.findIndex((message) => message.name === one));
    assert.deepEqual(firsts, firsts.toSorted(), 'the order was not kept');
    return { death, killed, lastStep: trail.at(-1) ?? 'none', timed, copies };
  };

  return {
    run,
    /** Contents of messages that are still stored. */
    async stored(): Promise<number> {
      return (await readdir(join(place.folder, 'blobs', 'submissions'))).length;
    },
    async close(): Promise<void> {
      machine.close();
      await proxy.close();
    },
  };
};

/** No answer is waited for in the middle of these. */
const ONE_SIDED: readonly ProxyStep[] = ['connect', 'tls', 'content'];

/** RSET is for messages that were refused. */
export const SERVER_DEATHS: readonly Death[] = PROXY_STEPS.filter((step) => step !== 'RSET').flatMap((step) =>
  (ONE_SIDED.includes(step) ? (['before'] as const) : (['before', 'after'] as const)).map(
    (side): Death => ({ by: 'server', step, side }),
  ),
);

/** The messages after each of which nobody can tell whether they were taken, as nothing was written down since. */
const OPEN_STEPS: readonly RegExp[] = [
  new RegExp(`^(before|after) ${HAND_OVER}$`),
  /^before write submission\+outbox$/,
];

/** Whether a message may have been taken without a record of it: then, and only then, may it arrive twice. */
export const isInTheWindow = ({ death, lastStep }: Round): boolean => {
  if (death.by === 'server') return death.step === '.' && death.side === 'after';
  if (death.by === 'itself' && lastStep === `before ${HAND_OVER}`) return false;
  return OPEN_STEPS.some((pattern) => pattern.test(lastStep));
};
