import { idleUntil } from '../../domain/idle-slot.ts';
import { dueShards } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Table } from '../../ports/table.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import type { GiveUpSlot } from './give-up-slot.ts';

/** A person's slot that may have been idle for long enough. */
export interface IdleSlotWork {
  readonly clientId: string;
  readonly slot: string;
}

/** At most this many of a shard in one sweep; the rest is still due a minute later. */
const SHARD_BATCH = 100;

/** Every minute: lets the workers look at the slots whose user may have been away for too long (R17). */
export const makeSweepIdleSlots =
  ({ table, queue, clock }: { table: Table; queue: WorkQueue; clock: Clock }) =>
  async (): Promise<number> => {
    const now = epochSeconds(clock);
    let count = 0;
    for (const shard of dueShards('user-slot')) {
      const due = await table.due(shard, now, SHARD_BATCH);
      const work = due.map(
        ({ pk, sk }): IdleSlotWork => ({
          clientId: pk.slice('device#'.length),
          slot: sk.slice('binding#'.length),
        }),
      );
      if (work.length > 0) await queue.sendAll(work.map((one) => ({ body: JSON.stringify(one) })));
      count += work.length;
    }
    return count;
  };

/**
 * Empties one slot, if it is idle indeed: the sweep's message may be old, or come twice. Else it is looked at again when it
 * may be.
 */
export const makeEmptyIdleSlot =
  ({
    records: { devices },
    giveUpSlot,
    clock,
  }: {
    records: Pick<Records, 'devices'>;
    giveUpSlot: GiveUpSlot;
    clock: Clock;
  }) =>
  async ({ clientId, slot }: IdleSlotWork): Promise<void> => {
    const [device, binding] = await Promise.all([devices.get(clientId), devices.binding(clientId, slot)]);
    if (binding === undefined) return;
    const until = device && idleUntil(device, binding);
    // A device that has removed itself leaves its people's slots to this: whom it talks to may not sign them out.
    const isOver = device === undefined || (until !== undefined && until <= epochSeconds(clock));
    if (isOver) await giveUpSlot(binding, 'broker');
    else await devices.watchIdle(binding, until);
  };
