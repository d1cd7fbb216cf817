/**
 * Lambda's Node runtime as a program: loads the bundle named by the only argument, reports how that went, and then
 * answers one event after the other, over the IPC channel. See lambdaFunction.ts for what starts it.
 */
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

/** The payload of an invocation that failed (developer guide, Node.js errors). */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

export type RuntimeReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'returned'; readonly payload: unknown }
  | { readonly kind: 'failed'; readonly error: FunctionError };

type Handler = (event: unknown, context: object) => unknown;

/** The time-out of the longest-running function; nothing here ends one that outlasts it. */
const TIMEOUT_MS = 900_000;

const report = (message: RuntimeReport): void => {
  process.send?.(message);
};

const errorOf = (error: unknown): FunctionError =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };

const load = async (bundle: string): Promise<Handler> => {
  const { handler }: { handler?: unknown } = await import(pathToFileURL(bundle).href);
  if (typeof handler !== 'function') throw new TypeError('index.handler is undefined or not exported');
  // Since Node.js 24 the runtime refuses handlers that take a callback.
  if (handler.length > 2) throw new TypeError('the handler takes a callback');
  return handler as Handler;
};

/** Of the invocation in hand. */
let awsRequestId: string | undefined;

/**
 * As the real runtime has it in its text format (aws-lambda-nodejs-runtime-interface-client, log-patch.ts): what goes through
 * `console` has time, invocation and level in front. What is written to the streams themselves goes out as it is.
 */
const patchConsole = (): void => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    console[level] = (...said: unknown[]): void => {
      const line = [new Date().toISOString(), awsRequestId, level.toUpperCase(), format(...said)].join('\t');
      process.stdout.write(`${line.replaceAll('\n', '\r')}\n`);
    };
  }
  console.log = console.info;
};

const contextOf = (deadline: number) => ({
  awsRequestId,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: '$LATEST',
  invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${process.env.AWS_LAMBDA_FUNCTION_NAME}`,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: `/aws/lambda/${process.env.AWS_LAMBDA_FUNCTION_NAME}`,
  logStreamName: 'test',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => deadline - Date.now(),
});

patchConsole();
try {
  const handler = await load(process.argv[2] ?? '');
  process.on('message', async (event: unknown) => {
    awsRequestId = randomUUID();
    try {
      const payload = await handler(event, contextOf(Date.now() + TIMEOUT_MS));
      report({ kind: 'returned', payload: payload ?? null });
    } catch (error) {
      console.error('Invoke Error', JSON.stringify(errorOf(error)));
      report({ kind: 'failed', error: errorOf(error) });
    }
  });
  process.on('disconnect', () => process.exit());
  report({ kind: 'ready' });
} catch (error) {
  console.error('Uncaught Exception', JSON.stringify(errorOf(error)));
  report({ kind: 'failed', error: errorOf(error) });
  process.disconnect();
}
