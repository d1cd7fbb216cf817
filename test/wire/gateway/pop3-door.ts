import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { relayPop3 } from '../../../gateway/pop3/relay.ts';
import { byteReader } from '../../../gateway/proxy/byte-reader.ts';
import type { SessionEnd } from '../../../gateway/proxy/listener.ts';
import { ok } from '../../../shared/domain/result.ts';
import { realClock } from '../../fakes/gateway-proxy.ts';
import { type Cut, type ModelMail, startPop3Model } from '../../fakes/pop3-model.ts';

export const DOOR_LIMITS = { silenceMs: 5_000, hangUpMs: 15, idleMs: 20_000, reconnects: 1_000 };

/** With lines that begin with dots, and one that looks like the end. */
export const mailOf = (uid: string): ModelMail => ({
  uid,
  text: `Subject: ${uid}\r\n\r\nThis is ${uid}.\r\n.\r\n..twice\r\n`,
});

const connected = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};

export type Pop3Door = Awaited<ReturnType<typeof startPop3Door>>;

/** Devices that are signed in already, and a provider that ends sessions where it is told to. */
export const startPop3Door = async () => {
  const settings = { limits: DOOR_LIMITS, onCut: (): void => undefined };
  const model = await startPop3Model({ onCut: () => settings.onCut() });
  let ended: Promise<SessionEnd> = Promise.reject(new Error('Nobody has come.'));
  ended.catch(() => undefined);
  let reopens = 0;

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const open = async () => byteReader(await connected(model.port));
    ended = open().then(async (provider) => {
      const reopen = async () => {
        reopens += 1;
        return ok(await open());
      };
      const device = byteReader(socket);
      const end = await relayPop3({ device, provider, reopen, limits: settings.limits, clock: realClock });
      socket.destroySoon();
      return end;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    model,
    settings,
    /** The session of now. */
    ended: () => ended,
    reopens: () => reopens,
    /** A device with this mailbox. A cut counts the gateway's own UIDL as the first command. */
    async begin(mailbox: readonly ModelMail[], ...cuts: readonly (Cut | undefined)[]) {
      reopens = 0;
      model.mailbox = [...mailbox];
      model.cuts = [...cuts];
      const before = { removed: model.removed.length, commands: model.commands.length, sessions: model.sessions() };
      const socket = await connected((server.address() as AddressInfo).port);
      const device = byteReader(socket);
      return {
        socket,
        removed: () => model.removed.slice(before.removed),
        /** All but listings, each with the number of its session. */
        heard: () =>
          model.commands
            .slice(before.commands)
            .map((line) => line.replace(/^\d+/, (number) => String(Number(number) - before.sessions)))
            .filter((line) => !line.endsWith('UIDL')),
        /** The whole reply; undefined: the connection ended before it had. */
        async say(line: string): Promise<string | undefined> {
          if (!(await device.write(`${line}\r\n`))) return undefined;
          const isMulti = /^(RETR|TOP|CAPA)\b|^(LIST|UIDL)$/i.test(line);
          let reply = '';
          for (;;) {
            const read = await device.line(10_000, 10_000);
            if (read.kind !== 'line') return undefined;
            reply += read.bytes.toString('latin1');
            if (!reply.startsWith('+OK') || !isMulti || reply.endsWith('\r\n.\r\n')) return reply;
          }
        },
      };
    },
    async close(): Promise<void> {
      server.close();
      await model.close();
    },
  };
};
