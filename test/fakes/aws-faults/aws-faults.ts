import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../../shared/ports/clock.ts';
import { timeOut, troubleReply } from './replies.ts';
import { type AwsFault, type FaultPoint, type FaultRule, faultPlan, type Strike } from './rules.ts';
import type { Staleness } from './stale.ts';

type Handler = (args: HandlerArguments) => Promise<HandlerResult>;

interface HandlerArguments {
  input: object;
  request?: unknown;
}

interface HandlerResult {
  output?: object;
  response: unknown;
}

interface Context {
  readonly commandName?: string;
}

/** As much of a client of the AWS SDK v3 as is needed here. */
interface AwsClient {
  readonly config: { readonly serviceId: string };
  readonly middlewareStack: {
    add(
      middleware: (next: Handler, context: Context) => Handler,
      options: { step: string; priority?: string; name: string },
    ): void;
  };
}

export interface AwsFaultsOptions {
  readonly seed?: string;
  /** On which time-outs and slow answers take their time; without it they take none. */
  readonly clock?: Pick<Clock, 'sleep'>;
  /** How long a client waits for an answer. */
  readonly timeOutMs?: number;
  readonly slowMs?: number;
  /** What was there before: for `stale`. */
  readonly staleness?: Staleness;
}

export interface AwsFaults {
  /** Lets the client be struck, and gives it back. `by` tells clients apart. */
  on<Client extends { readonly config: object; readonly middlewareStack: object }>(client: Client, by?: string): Client;
  add(...rules: readonly FaultRule[]): void;
  /** From now on nothing is struck. */
  stop(): void;
  readonly strikes: readonly Strike[];
  /** Every request of every client, at both levels, struck or not. */
  readonly points: readonly FaultPoint[];
  /** Requests that somebody waits for just now, without those whose fault only waits. */
  readonly underWay: number;
}

/** A receive's messages that are to come again. */
type Received = { Messages?: { Attributes?: Record<string, string> }[] };

const comesAgain = ({ Messages = [] }: Received): Received['Messages'] & object =>
  Messages.map((message) => {
    const count = Number(message.Attributes?.ApproximateReceiveCount ?? 1) + 1;
    return { ...message, Attributes: { ...message.Attributes, ApproximateReceiveCount: String(count) } };
  });

/**
 * Makes AWS's clients meet what AWS does now and then: throttles, duplicates, time-outs and stale reads. Two middlewares for each
 * client. The inner one stands where an HTTP request leaves (step `deserialize`, innermost): what it answers is read by the SDK's own
 * deserializer and judged by its own retries, and every attempt passes it. The outer one stands before everything (step
 * `initialize`): what it throws no retry sees, and what it sends twice is serialized twice.
 */
export const awsFaults = ({
  seed = 'faults',
  clock,
  timeOutMs = 1750,
  slowMs = 300,
  staleness,
}: AwsFaultsOptions = {}): AwsFaults => {
  const plan = faultPlan(seed);
  const strikes: Strike[] = [];
  const points: FaultPoint[] = [];
  const again: Received['Messages'] & object = [];
  /** A call of which every attempt is answered so. */
  const lasting = new AsyncLocalStorage<AwsFault>();
  let underWay = 0;
  let turn = 0;

  const strike = (point: FaultPoint): AwsFault | undefined => {
    points.push(point);
    const fault = plan.next(point);
    if (fault !== undefined) strikes.push({ ...point, fault });
    return fault;
  };

  /** Nobody works on it meanwhile, so time may pass. */
  const wait = async (milliseconds: number): Promise<void> => {
    underWay--;
    try {
      await clock?.sleep(milliseconds);
    } finally {
      underWay++;
    }
  };

  /** What nobody reads would keep its connection for itself. */
  const unheard = async (send: () => Promise<HandlerResult>): Promise<void> => {
    const { response } = await send();
    (response as { body?: { resume?: () => void } }).body?.resume?.();
  };

  const timedOut = async (): Promise<never> => {
    await wait(timeOutMs);
    throw timeOut();
  };

  /** What both levels have in common; undefined: it is for the level itself. */
  const befall = async (fault: AwsFault, send: () => Promise<HandlerResult>): Promise<HandlerResult | undefined> => {
    switch (fault) {
      case 'time_out_before':
        return timedOut();
      case 'time_out_after':
        await unheard(send);
        return timedOut();
      case 'twice':
        await unheard(send);
        return send();
      case 'slow':
        return send().finally(() => wait(slowMs));
      default:
        return undefined;
    }
  };

  const attempt =
    (service: string, by: string) =>
    (next: Handler, { commandName = '' }: Context): Handler =>
    async (args) => {
      const operation = commandName.replace(/Command$/, '');
      const fault = strike({ level: 'attempt', by, operation, input: args.input }) ?? lasting.getStore();
      if (fault === undefined) return next(args);
      if (fault === 'throttle') return { response: troubleReply(service, 'throttled', turn++) };
      if (fault === 'fail') return { response: troubleReply(service, 'failed', turn++) };
      return (await befall(fault, () => next(args))) ?? next(args);
    };

  const call =
    (service: string, by: string) =>
    (next: Handler, { commandName = '' }: Context): Handler => {
      const operation = commandName.replace(/Command$/, '');
      const isReceive = operation === 'ReceiveMessage';

      const sendAndNote = async (args: HandlerArguments): Promise<HandlerResult> => {
        await staleness?.before(service, operation, args.input);
        const result = await next(args);
        if (!isReceive || again.length === 0) return result;
        const own = (result.output as Received).Messages ?? [];
        return { ...result, output: { ...result.output, Messages: [...again.splice(0), ...own] } };
      };

      const struck = async (fault: AwsFault, args: HandlerArguments): Promise<HandlerResult> => {
        if (fault === 'throttle' || fault === 'fail') {
          return lasting.run(fault, () => next(args));
        }
        const former = fault === 'stale' ? staleness?.read(service, operation, args.input) : undefined;
        if (former) {
          const output = await former(async () => (await sendAndNote(args)).output ?? {});
          return { output, response: {} };
        }
        if (fault === 'twice' && isReceive) {
          const result = await sendAndNote(args);
          again.push(...comesAgain((result.output ?? {}) as Received));
          return result;
        }
        return (await befall(fault, () => sendAndNote(args))) ?? sendAndNote(args);
      };

      return async (args) => {
        const fault = strike({ level: 'call', by, operation, input: args.input });
        underWay++;
        try {
          return await (fault === undefined ? sendAndNote(args) : struck(fault, args));
        } finally {
          underWay--;
        }
      };
    };

  return {
    on(client, by = 'client') {
      const { config, middlewareStack } = client as unknown as AwsClient;
      const { serviceId } = config;
      middlewareStack.add(call(serviceId, by), { step: 'initialize', priority: 'high', name: 'awsFaultsOfCalls' });
      middlewareStack.add(attempt(serviceId, by), {
        step: 'deserialize',
        priority: 'low',
        name: 'awsFaultsOfAttempts',
      });
      return client;
    },
    add: plan.add,
    stop: plan.clear,
    strikes,
    points,
    get underWay() {
      return underWay;
    },
  };
};
