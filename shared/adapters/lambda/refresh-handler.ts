import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as v from 'valibot';
import { AUDIENCES } from '../../domain/provider.ts';
import type { Log } from '../../ports/log.ts';
import type { RefreshOutcome, RefreshRequest } from '../../ports/refresher.ts';
import { correlated } from '../correlation/correlation.ts';
import { batchHandler } from './batch-handler.ts';
import { askedFor, type Invocation, invokedAs } from './invocation.ts';

const GRANT_WORK = v.object({ mailboxId: v.string() });
const IDLE_SLOT_WORK = v.object({ clientId: v.string(), slot: v.string() });

const REFRESH_REQUEST = v.object({
  mailboxId: v.string(),
  audience: v.picklist(AUDIENCES),
  minTtlSeconds: v.pipe(v.number(), v.minValue(0)),
  askedAt: v.number(),
  duringBackOff: v.exactOptional(v.boolean()),
});

/** One function, two callers: SQS with batches of due grants and idle slots, and `lambdaRefresher` with one request to answer. */
export const refreshHandler = ({
  refreshGrant,
  maintainGrant,
  emptyIdleSlot,
  watchAppRegistrations,
  log,
}: {
  readonly refreshGrant: (request: RefreshRequest) => Promise<RefreshOutcome>;
  readonly maintainGrant: (work: { mailboxId: string }) => Promise<void>;
  readonly emptyIdleSlot: (work: { clientId: string; slot: string }) => Promise<void>;
  readonly watchAppRegistrations: () => Promise<void>;
  readonly log: Log;
}) => {
  const onBatch = batchHandler(
    v.union([GRANT_WORK, IDLE_SLOT_WORK]),
    (work) => ('mailboxId' in work ? maintainGrant(work) : emptyIdleSlot(work)),
    log,
  );
  const watch = (): Promise<void> =>
    watchAppRegistrations().catch((error: unknown) => {
      // The grants matter more, and the next batch looks again.
      log.error('app_registrations.not_watched', { error: String(error) });
    });
  return async (
    event: SQSEvent | RefreshRequest,
    invocation?: Invocation,
  ): Promise<SQSBatchResponse | RefreshOutcome> => {
    const invoked = invokedAs(invocation);
    if (!('Records' in event)) {
      return correlated({ ...invoked, ...askedFor(event) }, async () => refreshGrant(v.parse(REFRESH_REQUEST, event)));
    }
    await correlated(invoked, watch);
    return onBatch(event, invocation);
  };
};
