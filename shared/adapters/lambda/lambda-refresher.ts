import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { brokerError } from '../../domain/errors.ts';
import type { Refresher, RefreshOutcome } from '../../ports/refresher.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';

/**
 * Asks the refreshing function, which alone may open the vault (design rule 4). A function that cannot be reached or
 * crashes counts as a provider that does not answer: nothing is known against the grant.
 */
export const lambdaRefresher = (client: LambdaClient, functionName: string, queue: WorkQueue): Refresher => ({
  async refreshNow(request): Promise<RefreshOutcome> {
    const unavailable = (detail: string): RefreshOutcome => ({
      outcome: 'failed',
      error: { ...brokerError('provider_unavailable', detail), retryAfterSeconds: 5 },
    });
    try {
      const reply = await client.send(
        new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) }),
      );
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
