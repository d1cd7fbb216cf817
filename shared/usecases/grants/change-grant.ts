import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Lease } from '../../records/grants.ts';
import type { Records } from '../../records/index.ts';
import { longSecret } from '../secrets.ts';

/** Another person's change of the same mailbox takes a moment; one that died with the lease in hand, until it runs out. */
const LOOK_AGAIN_MS = 250;

interface Dependencies {
  readonly grants: Records['grants'];
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Makes a change that a person asked for, under the grant's lease. A refresh that is under way loses the lease, and with it
 * the right to write; another change is waited for, so that of a sign-in and a sign-out one comes after the other.
 */
export const makeChangeGrant =
  ({ grants, clock, random }: Dependencies) =>
  async <Value>(mailboxId: string, change: (lease: Lease) => Promise<Value>): Promise<Value> => {
    const owner = longSecret(random);
    let lease: Lease | undefined;
    for (;;) {
      lease = await grants.takeLease(mailboxId, owner, 'change', epochSeconds(clock));
      if (lease !== undefined) break;
      await clock.sleep(LOOK_AGAIN_MS);
    }
    try {
      const value = await change(lease);
      await grants.releaseLease(mailboxId, lease);
      return value;
    } catch (error) {
      // What went wrong is what is to be told; a lease that is not given back runs out.
      await grants.giveBackLease(mailboxId, lease).catch(() => undefined);
      throw error;
    }
  };
