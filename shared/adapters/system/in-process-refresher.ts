import type { Refresher, RefreshOutcome, RefreshRequest } from '../../ports/refresher.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';

/** Refreshes in this very process: for the one machine, and for functions that may open the vault themselves. */
export const inProcessRefresher = (
  refreshGrant: (request: RefreshRequest) => Promise<RefreshOutcome>,
  queue: WorkQueue,
): Refresher => ({
  refreshNow: refreshGrant,
  refreshSoon: ({ mailboxId }) => queue.send({ body: JSON.stringify({ mailboxId }) }),
});
