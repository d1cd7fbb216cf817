import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FunctionError, RuntimeReport } from './lambda-runtime.ts';

const RUNTIME = fileURLToPath(new URL('lambda-runtime.ts', import.meta.url));

/** Of a synchronous invocation's event (Lambda quotas). */
const PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024;

export type Invocation =
  | { readonly outcome: 'returned'; readonly payload: unknown }
  | { readonly outcome: 'failed'; readonly error: FunctionError }
  | { readonly outcome: 'too_large' };

export interface LambdaFunction {
  readonly name: string;
  invoke(event: unknown): Promise<Invocation>;
  /** What CloudWatch would hold. */
  logs(): string;
  /** How many environments were started so far. */
  coldStarts(): number;
  /** Every environment dies in the middle of what it does; the next event finds a new one. */
  crash(): void;
  close(): Promise<void>;
}

interface Environment {
  readonly child: ChildProcess;
  /** Undefined when it is ready for events. */
  readonly failure: FunctionError | undefined;
}

/** What the runtime says next, or that it died. */
const nextReport = (child: ChildProcess): Promise<RuntimeReport> =>
  new Promise((resolve) => {
    const onMessage = (report: unknown): void => {
      child.off('exit', onExit);
      resolve(report as RuntimeReport);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      child.off('message', onMessage);
      const errorMessage = `Runtime exited with error: ${signal === null ? `exit status ${code}` : `signal: ${signal}`}`;
      resolve({ kind: 'failed', error: { errorType: 'Runtime.ExitError', errorMessage, trace: [] } });
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });

/**
 * A bundle as Lambda runs it: each environment is a process of its own that takes one event at a time, is started when
 * an event finds no idle one, and is kept for the next. `environment` is all that it sees. `concurrency` is the most
 * environments at once; further events wait. Kinder than Lambda: nothing is frozen between events, or timed out.
 */
export const lambdaFunction = ({
  name,
  bundle,
  environment,
  concurrency = 1,
}: {
  readonly name: string;
  readonly bundle: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly concurrency?: number;
}): LambdaFunction => {
  const idle: Environment[] = [];
  const children = new Set<ChildProcess>();
  const waiting: (() => void)[] = [];
  let busy = 0;
  let coldStarts = 0;
  let logs = '';

  const start = async (): Promise<Environment> => {
    coldStarts += 1;
    const env = { AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512', TZ: ':UTC', ...environment };
    const child = fork(RUNTIME, [bundle], { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    children.add(child);
    child.once('exit', () => {
      children.delete(child);
      const index = idle.findIndex((one) => one.child === child);
      if (index >= 0) idle.splice(index, 1);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        logs += chunk.toString();
      });
    }
    const report = await nextReport(child);
    return { child, failure: report.kind === 'failed' ? report.error : undefined };
  };

  const run = async (event: unknown): Promise<Invocation> => {
    const { child, failure } = idle.pop() ?? (await start());
    if (failure !== undefined) return { outcome: 'failed', error: failure };
    const answer = nextReport(child);
    child.send(event as object);
    const report = await answer;
    if (children.has(child)) idle.push({ child, failure: undefined });
    return report.kind === 'failed'
      ? { outcome: 'failed', error: report.error }
      : { outcome: 'returned', payload: report.kind === 'returned' ? report.payload : null };
  };

  return {
    name,
    async invoke(event) {
      if (Buffer.byteLength(JSON.stringify(event)) > PAYLOAD_LIMIT_BYTES) return { outcome: 'too_large' };
      if (busy >= concurrency) await new Promise<void>((resolve) => waiting.push(resolve));
      busy += 1;
      try {
        return await run(event);
      } finally {
        busy -= 1;
        waiting.shift()?.();
      }
    },
    logs: () => logs,
    coldStarts: () => coldStarts,
    crash() {
      for (const child of children) child.kill('SIGKILL');
    },
    async close() {
      const ended = [...children].map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(ended);
    },
  };
};
