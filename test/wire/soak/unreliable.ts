import type { Random } from '../../../shared/ports/random.ts';
import type { Due, Table } from '../../../shared/ports/table.ts';
import type { Message, WorkQueue } from '../../../shared/ports/work-queue.ts';
import { AwsError, errorReply, type Fault, type InjectFault } from '../../fakes/aws-json.ts';

/** Whether things go wrong just now, and by what chance. */
export interface Weather {
  bad: boolean;
  readonly random: Random;
}

export const happens = ({ bad, random }: Weather, chance: number): boolean => bad && random.fraction() < chance;

const throttled = (type: string): Fault => errorReply(new AwsError(type, 'Rate exceeded.'));

const conflict = (count: number): Fault =>
  errorReply(
    new AwsError(
      'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      'Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]',
      {
        CancellationReasons: Array.from({ length: count }, (_, index) => ({
          Code: index === 0 ? 'TransactionConflict' : 'None',
        })),
      },
    ),
  );

/** DynamoDB under load: throttled requests, transactions in each other's way, answers that never arrive. */
export const unreliableDynamodb =
  (weather: Weather, count: (fault: string) => void): InjectFault =>
  ({ operation, input }) => {
    const { TransactItems: items } = input;
    if (operation === 'TransactWriteItems' && Array.isArray(items) && happens(weather, 0.1)) {
      count('transaction conflict');
      return conflict(items.length);
    }
    if (happens(weather, 0.02)) {
      count('table throttled');
      return throttled('com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException');
    }
    if (!happens(weather, 0.005)) return undefined;
    count('table answer lost');
    return 'lose_answer';
  };

export const unreliableSecretsManager =
  (weather: Weather, count: (fault: string) => void): InjectFault =>
  () => {
    if (!happens(weather, 0.08)) return undefined;
    count('vault throttled');
    return throttled('ThrottlingException');
  };

/** The due index as it was some sweeps ago, now and then. */
export const staleIndex = (table: Table, weather: Weather, count: (fault: string) => void): Table => {
  const earlier = new Map<string, readonly Due[]>();
  return {
    ...table,
    due: async (shard, until, limit) => {
      const before = earlier.get(shard);
      if (before !== undefined && happens(weather, 0.3)) {
        count('stale index');
        return before.slice(0, limit);
      }
      const due = await table.due(shard, until, limit);
      earlier.set(shard, due);
      return due;
    },
  };
};

const shuffled = <Value>(values: readonly Value[], random: Random): Value[] =>
  values
    .map((value) => ({ value, place: random.fraction() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value);

/** A queue that gives messages twice, in any order, and forgets that they were done. */
export const unreliableQueue = (queue: WorkQueue, weather: Weather, count: (fault: string) => void): WorkQueue => {
  const sendAll = (messages: readonly Message[]): Promise<void> => {
    const twice = messages.filter(() => happens(weather, 0.2));
    for (const _ of twice) count('message twice');
    return queue.sendAll(shuffled([...messages, ...twice], weather.random));
  };
  return {
    ...queue,
    sendAll,
    send: (message) => sendAll([message]),
    receive: async (options) => shuffled(await queue.receive(options), weather.random),
    done: async (message) => {
      if (happens(weather, 0.1)) return count('done forgotten');
      await queue.done(message);
    },
  };
};
