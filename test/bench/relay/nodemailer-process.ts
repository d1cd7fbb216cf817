/** The floor: nodemailer alone sends a file straight from disk, in a process of its own. Answers with what it took. */
import { createTransport } from 'nodemailer';
import { eachInLanes } from './lanes.ts';
import { tookBy } from './took.ts';

export interface MailServerAt {
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  readonly accessToken: string;
}

/** The same file so many times for each address, by one connection for each, of which several are open at once. */
export interface SendOrder {
  readonly server: MailServerAt;
  readonly path: string;
  readonly to: string;
  readonly addresses: readonly string[];
  readonly messagesEach: number;
  readonly atOnce: number;
}

const sendAllOf = async (address: string, { server, path, to, messagesEach }: SendOrder): Promise<void> => {
  const options = {
    host: '127.0.0.1',
    port: server.port,
    secure: true,
    tls: { ca: server.certificate },
    auth: { type: 'OAuth2' as const, user: address, accessToken: server.accessToken },
  };
  // As one would: a pool where there is more to send, and none for one message.
  const transport =
    messagesEach > 1
      ? createTransport({ ...options, pool: true, maxConnections: 1, maxMessages: Infinity })
      : createTransport(options);
  const message = { envelope: { from: address, to: [to] }, raw: { path } };
  await Promise.all(Array.from({ length: messagesEach }, () => transport.sendMail(message)));
  transport.close();
};

process.on('message', async (order: SendOrder) => {
  const { addresses, atOnce } = order;
  process.send?.(await tookBy(() => eachInLanes(addresses, atOnce, (address) => sendAllOf(address, order))));
});
process.on('disconnect', () => process.exit());
