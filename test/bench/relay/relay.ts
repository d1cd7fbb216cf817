import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataFolder } from '../../../local/data-folder.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { testCertificate } from '../../fakes/certificate.ts';
import type { BrokerOrder } from './broker-process.ts';
import { startChild } from './child.ts';
import type { ServerCounts, ServerOrder } from './mail-server.ts';
import { ACCESS_TOKEN, signedInMailboxes } from './mailboxes.ts';
import { RECIPIENT } from './messages.ts';
import type { SendOrder } from './nodemailer-process.ts';
import type { Took } from './took.ts';

/**
 * A broker with signed-in mailboxes, a mail server that throws everything away, and nodemailer to compare with: each in a
 * process of its own.
 */
export const startRelay = async (provider: ProviderName, mailboxCount: number) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
  const mailboxes = await signedInMailboxes(openDataFolder(folder), provider, mailboxCount);
  const certificate = await testCertificate();
  const server = startChild<ServerOrder>('mail-server.ts');
  const broker = startChild<BrokerOrder>('broker-process.ts');
  const sender = startChild<BrokerOrder>('broker-process.ts');
  const nodemailer = startChild<SendOrder>('nodemailer-process.ts');
  const mailPort = await server.ask<number>({ order: 'listen', certificate, accessToken: ACCESS_TOKEN });
  const open: BrokerOrder = { order: 'open', folder, mailPort, certificate: certificate.cert };
  const port = await broker.ask<number>(open);
  await sender.ask(open);
  return {
    folder,
    mailboxes,
    broker,
    /** The same again, over the same data: as in the cloud, who sends is another than who accepts. */
    sender,
    server: {
      counts: () => server.ask<ServerCounts>({ order: 'counts' }),
      reset: () => server.ask({ order: 'reset' }),
      /** Resolves when so many messages have been taken since the last reset. */
      taken: (messages: number) => server.ask({ order: 'expect', messages }),
    },
    url: `http://127.0.0.1:${port}`,
    nodemailerPid: nodemailer.pid,
    sendByNodemailer: (what: Omit<SendOrder, 'server' | 'to'>) =>
      nodemailer.ask<Took>({
        ...what,
        to: RECIPIENT,
        server: { port: mailPort, certificate: certificate.cert, accessToken: ACCESS_TOKEN },
      }),
    async close() {
      for (const one of [broker, sender, server, nodemailer]) one.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export type Relay = Awaited<ReturnType<typeof startRelay>>;
