import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { ConnectionTest } from '../../domain/connection-test.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, type Result } from '../../domain/result.ts';
import type { MailboxTester } from '../../ports/mailbox-tester.ts';
import { payloadOf } from './invocation.ts';

/** Who asks is told before API Gateway hangs up, at 30 s. */
const LONGEST_WAIT_MS = 27_000;

/**
 * Asks the testing function, which may have an access token. One that fails says so in its own log. The client must make one
 * attempt: asked again because an answer was lost, the function would send a second message.
 */
export const lambdaMailboxTester = (client: LambdaClient, functionName: string): MailboxTester => ({
  async test(request): Promise<Result<ConnectionTest, BrokerError>> {
    const unavailable = (detail: string) => fail(brokerError('internal', detail));
    try {
      const invoke = new InvokeCommand({ FunctionName: functionName, Payload: payloadOf(request) });
      const reply = await client.send(invoke, { abortSignal: AbortSignal.timeout(LONGEST_WAIT_MS) });
      if (reply.FunctionError !== undefined || reply.Payload === undefined) {
        return unavailable('The testing function failed.');
      }
      return JSON.parse(Buffer.from(reply.Payload).toString('utf8'));
    } catch {
      return unavailable('The testing function could not be reached.');
    }
  },
});
