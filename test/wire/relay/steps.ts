import type { BlobStore } from '../../../shared/ports/blob-store.ts';
import type { MailTransport } from '../../../shared/ports/mail-transport.ts';
import type { WorkQueue } from '../../../shared/ports/work-queue.ts';
import { type Watch, watchedTable } from '../crash/steps.ts';
import type { Wrappers } from './compose.ts';

/** The step at which a message is handed over; in its midst it may have been taken, and nobody knows. */
export const HAND_OVER = 'send the message';

/** Every step of a process towards the outside that changes something there; `crash/steps.ts` says why no reads. */
export const watchedBy = (watch: Watch): Wrappers => {
  const around = async <Value>(what: string, work: () => Promise<Value>): Promise<Value> => {
    watch('before', what);
    const value = await work();
    watch('after', what);
    return value;
  };
  const blobs = (store: BlobStore): BlobStore => ({
    open: store.open,
    put: (key, content) => around('put content', () => store.put(key, content)),
    delete: (key) => around('delete content', () => store.delete(key)),
  });
  const queue = (of: WorkQueue): WorkQueue => ({
    ...of,
    send: (message) => around('call a worker', () => of.send(message)),
    sendAll: (messages) => around('call workers', () => of.sendAll(messages)),
    receive: (wish) => around('take a call', () => of.receive(wish)),
    done: (message) => around('end a call', () => of.done(message)),
  });
  const transport = (of: MailTransport): MailTransport => ({
    async open(account) {
      const opened = await around('sign in', () => of.open(account));
      if (!opened.ok) return opened;
      const session = opened.value;
      const watched = {
        send: (message: Parameters<typeof session.send>[0]) => around(HAND_OVER, () => session.send(message)),
        get isOpen() {
          return session.isOpen;
        },
        close: () => around('say goodbye', () => session.close()),
      };
      return { ...opened, value: watched };
    },
  });
  return { table: (table) => watchedTable(table, watch), blobs, queue, transport };
};
