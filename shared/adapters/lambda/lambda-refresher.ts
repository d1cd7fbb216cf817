import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { brokerError } from '../../domain/errors.ts';
import type { Refresher, RefreshOutcome } from '../../ports/refresher.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import { payloadOf } from './invocation.ts';

/**
 * API Gateway hangs up at 30 s, and a device that hears nothing does not know that it may come again. The refresh goes on
 * meanwhile, and what it brings is in the cache then.
 */
const LONGEST_WAIT_MS = 22_000;

/**
 * Asks the refreshing function, which alone may open the vault (design rule 4). A function that cannot be reached or
 * crashes counts as a provider that does not answer: nothing is known against the grant.
 */
export const lambdaRefresher = (
  client: LambdaClient,
  functionName: string,
  queue: Pick<WorkQueue, 'send'>,
): Refresher => ({
  async refreshNow(request): Promise<RefreshOutcome> {
    const unavailable = (detail: string): RefreshOutcome => ({
      outcome: 'failed',
      error: { ...brokerError('provider_unavailable', detail), retryAfterSeconds: 5 },
    });
    try {
      const invoke = new InvokeCommand({ FunctionName: functionName, Payload: payloadOf(request) });
      const reply = await client.send(invoke, { abortSignal: AbortSignal.timeout(LONGEST_WAIT_MS) });
      if (reply.FunctionError !== undefined || reply.Payload === undefined) {
        return unavailable('The refreshing function failed.');
      }
      return JSON.parse(Buffer.from(reply.Payload).toString('utf8')) as RefreshOutcome;
    } catch {
      return unavailable('The refreshing function could not be reached.');
    }
  },
  refreshSoon: ({ mailboxId }) => queue.send({ body: JSON.stringify({ mailboxId }) }),
});
