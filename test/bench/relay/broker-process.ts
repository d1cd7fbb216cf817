/**
 * The whole broker of one machine in a process of its own, so that its memory and its time are its alone. Takes orders by
 * IPC, and ends with the one who gives them.
 */

import { localBroker } from '../../../local/broker.ts';
import { openDataFolder } from '../../../local/data-folder.ts';
import { listenForApps } from '../../../local/http-server.ts';
import { startWorkers, type Workers } from '../../../local/workers.ts';
import { streamLog } from '../../../shared/adapters/system/stream-log.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import { parseBrokerConfig } from '../../../shared/config/provider-config.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { OutboxWork } from '../../../shared/usecases/mail/queue-outbox.ts';
import { cpuMs, startTaking, type Took, tookBy } from './took.ts';

/** `send`: what is in this outbox, here and now; answers with what it took. `cpu`: milliseconds spent since its start. `work`, `rest`: the workers and sweeps begin, and end; with what they took. */
export type BrokerOrder =
  | { readonly order: 'open'; readonly folder: string; readonly mailPort: number; readonly certificate: string }
  | { readonly order: 'send'; readonly mailboxId: string }
  | { readonly order: 'cpu' }
  | { readonly order: 'work' }
  | { readonly order: 'rest' };

const toStderr = streamLog(process.stderr, systemClock);
/** What goes well is as much as there are messages. */
const log: Log = { ...toStderr, info: () => undefined };

const open = async ({ folder, mailPort, certificate }: Extract<BrokerOrder, { order: 'open' }>) => {
  const smtp = { host: '127.0.0.1', port: mailPort, security: 'tls' };
  const client = { client_id: 'bench', client_secret: 'made-up-client-secret', smtp };
  const broker = localBroker({
    data: openDataFolder(folder),
    config: parseBrokerConfig(JSON.stringify({ providers: { microsoft: client, google: client } }), 'the bench'),
    publicUrl: 'http://localhost',
    adminKey: 'made-up-admin-key',
    shownProviders: [],
    certificateAuthority: () => certificate,
    log,
  });
  const { port } = await listenForApps('127.0.0.1', 0, Promise.resolve(broker.apps));
  return { broker, port };
};

let opened: Awaited<ReturnType<typeof open>> | undefined;
let workers: (Workers & { readonly taken: () => Took }) | undefined;

const carryOut = async (order: BrokerOrder): Promise<unknown> => {
  if (order.order === 'open') {
    opened = await open(order);
    return opened.port;
  }
  if (opened === undefined) throw new Error('not opened yet');
  const { broker } = opened;
  switch (order.order) {
    case 'send': {
      const work: OutboxWork = { mailboxId: order.mailboxId };
      return tookBy(async () => broker.workers.find(({ name }) => name === 'mail')?.handle(work));
    }
    case 'cpu':
      return cpuMs();
    case 'work':
      workers = { taken: startTaking(), ...startWorkers(broker.workers, broker.sweeps, log) };
      return 'working';
    case 'rest':
      await workers?.stop();
      return workers?.taken();
  }
};

process.on('message', async (order: BrokerOrder) => {
  process.send?.((await carryOut(order)) ?? null);
});
process.on('disconnect', () => process.exit());
