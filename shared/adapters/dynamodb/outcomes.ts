import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { WriteOutcome } from '../../ports/table.ts';

/** A transaction on the same item is over within milliseconds; the client's own retries do not cover all of it. */
const CONFLICT_PAUSES_MS = [10, 20, 40, 80, 160, 320];

/** Reasons that pass by themselves (API reference, TransactWriteItems, cancellation reasons). */
const PASSING = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

/** How to wait, and how much longer than planned, so that those who met do not meet again. */
export interface Pauses {
  readonly sleep: Clock['sleep'];
  readonly fraction: Random['fraction'];
}

/** Carries out a write, again where a transaction was in its way. */
export const outcomeOf = async (send: () => Promise<unknown>, { sleep, fraction }: Pauses): Promise<WriteOutcome> => {
  for (const pauseMs of CONFLICT_PAUSES_MS) {
    const outcome = await tryOnce(send);
    if (!(outcome instanceof Error)) return outcome;
    await sleep(pauseMs * (1 + fraction()));
  }
  const outcome = await tryOnce(send);
  if (outcome instanceof Error) throw outcome;
  return outcome;
};

/** The error is returned where another try may succeed. */
const tryOnce = async (send: () => Promise<unknown>): Promise<WriteOutcome | Error> => {
  try {
    await send();
    return 'written';
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return 'refused';
    if (error instanceof TransactionConflictException) return error;
    // The one before, whose answer did not come in time, is still being carried out; its token keeps it from being done twice.
    if (error instanceof TransactionInProgressException) return error;
    if (!(error instanceof TransactionCanceledException)) throw error;
    const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? 'None').filter((code) => code !== 'None');
    if (codes.includes('ConditionalCheckFailed')) return 'refused';
    if (codes.length > 0 && codes.every((code) => PASSING.has(code))) return error;
    throw error;
  }
};
