import type { BlobStore } from '../../shared/ports/blob-store.ts';
import type { Table } from '../../shared/ports/table.ts';
import type { WorkQueue } from '../../shared/ports/work-queue.ts';

export class Crash extends Error {
  override readonly name = 'Crash';
}

/**
 * Ends a process at its nth write: before it is carried out, or after it, unanswered. A dead process reads nothing and
 * writes nothing any more.
 */
export interface Fuse {
  readonly blown: boolean;
  readonly writes: number;
  table(table: Table): Table;
  blobs(blobs: BlobStore): BlobStore;
  queue(queue: WorkQueue): WorkQueue;
}

export const makeFuse = (atWrite: number, moment: 'before' | 'after'): Fuse => {
  let writes = 0;
  let blown = false;

  const read = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    if (blown) throw new Crash('the process is dead');
    return work();
  };

  const write = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    if (blown) throw new Crash('the process is dead');
    writes++;
    if (writes !== atWrite) return work();
    blown = true;
    if (moment === 'after') await work();
    throw new Crash(`${moment} write ${atWrite}`);
  };

  return {
    get blown() {
      return blown;
    },
    get writes() {
      return writes;
    },
    table: (table) => ({
      get: (key) => read(() => table.get(key)),
      getMany: (keys) => read(() => table.getMany(keys)),
      query: (pk, options) => read(() => table.query(pk, options)),
      due: (shard, until, limit) => read(() => table.due(shard, until, limit)),
      write: (one) => write(() => table.write(one)),
      writeAll: (all) => write(() => table.writeAll(all)),
    }),
    blobs: (blobs) => ({
      open: (key) => read(() => blobs.open(key)),
      put: (key, content) => write(() => blobs.put(key, content)),
      delete: (key) => write(() => blobs.delete(key)),
    }),
    queue: (queue) => ({
      send: (message) => write(() => queue.send(message)),
      sendAll: (messages) => write(() => queue.sendAll(messages)),
      depth: () => read(() => queue.depth()),
      receive: (options) => read(() => queue.receive(options)),
      done: (message) => write(() => queue.done(message)),
      retryLater: (message, seconds) => write(() => queue.retryLater(message, seconds)),
    }),
  };
};
