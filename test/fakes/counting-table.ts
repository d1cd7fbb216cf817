import type { Table } from '../../shared/ports/table.ts';

export interface CountingTable extends Table {
  /** Every call is one round trip. */
  readonly roundTrips: readonly string[];
  reset(): void;
}

export const countingTable = (table: Table): CountingTable => {
  const roundTrips: string[] = [];
  const counted = <Value>(name: string, answer: Promise<Value>): Promise<Value> => {
    roundTrips.push(name);
    return answer;
  };
  return {
    roundTrips,
    reset: () => {
      roundTrips.length = 0;
    },
    get: (key) => counted('get', table.get(key)),
    getMany: (keys) => counted('getMany', table.getMany(keys)),
    write: (one) => counted('write', table.write(one)),
    writeAll: (all) => counted('writeAll', table.writeAll(all)),
    query: (pk, options) => counted('query', table.query(pk, options)),
    due: (shard, until, limit) => counted('due', table.due(shard, until, limit)),
  };
};
