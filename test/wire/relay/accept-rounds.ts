import assert from 'node:assert/strict';
import { memoryLog } from '../../fakes/memory-log.ts';
import type { Program } from '../crash/program.ts';
import { composeMachine } from './compose.ts';
import { startDoomed } from './run-doomed.ts';
import { scanOf } from './scan.ts';
import { aheadClock, arrivedFor, openOffice, openPlace, type World } from './scene.ts';

/** When the accepting process dies, counted from the moment when the device begins to hand over. */
export type AcceptDeath = { readonly atStep: number } | { readonly afterMs: number };

export interface AcceptRound {
  readonly death: AcceptDeath;
  readonly lastStep: string;
  readonly steps: number;
  /** The device was told that the message is accepted. */
  readonly wasAccepted: boolean;
  /** It was not, and so has handed it over again, under the same key. */
  readonly wasRepeated: boolean;
  readonly copies: number;
}

/** Later than any step. */
const NEVER = 10_000;

/** What was sent within a minute counts; a round is not to wait for the one before it. */
const NEXT_ROUND_SECONDS = 65;

/** A data folder whose accepting process is killed time and again while a device hands a message over. */
export const startAcceptRounds = async (world: World, program: Program, name: string) => {
  const { place, proxy } = await openPlace(world, name);
  const clock = aheadClock();
  const machine = composeMachine(place, { clock, log: memoryLog() });
  const office = await openOffice(machine, name);
  let count = 0;

  const start = () => startDoomed({ place, aheadMs: clock.now() - Date.now(), work: 'accept' }, program);

  /** True: accepted. False: nobody knows. */
  const handOver = async (port: number, message: string, key: string): Promise<boolean> => {
    const headers = { authorization: office.basic, 'content-type': 'message/rfc822', 'idempotency-key': key };
    try {
      const reply = await fetch(`http://127.0.0.1:${port}/v1/messages`, { method: 'POST', headers, body: message });
      assert.equal(reply.status, 202, await reply.text());
      return true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return false;
    }
  };

  const run = async (death: AcceptDeath, repeats: boolean): Promise<AcceptRound> => {
    clock.advance(NEXT_ROUND_SECONDS);
    const scan = { name: `${name}-${count}` };
    count++;
    const doomed = start();
    const port = await doomed.port;
    await doomed.arm('atStep' in death ? death.atStep : NEVER);
    if ('afterMs' in death) void doomed.killAfter(death.afterMs);
    const wasAccepted = await handOver(port, scanOf(scan), scan.name);
    doomed.kill();
    const { trail } = await doomed.ended();

    const wasRepeated = !wasAccepted && repeats;
    if (wasRepeated) {
      const next = start();
      assert.ok(await handOver(await next.port, scanOf(scan), scan.name), 'the repeat is not accepted');
      next.kill();
      await next.ended();
    }
    await machine.recover();
    await machine.work();
    const { length: copies } = await arrivedFor(world, office.mailbox.address, (one) => one === scan.name);
    return { death, lastStep: trail.at(-1) ?? 'none', steps: trail.length, wasAccepted, wasRepeated, copies };
  };

  return {
    run,
    async close(): Promise<void> {
      machine.close();
      await proxy.close();
    },
  };
};
