import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { FaultProxy } from '../../fakes/fault-proxy.ts';
import { openPlace, startWorld, type World } from '../relay/scene.ts';
import {
  bind,
  enrolmentToken,
  newDevice,
  newMailbox,
  newOrganization,
  signIn,
  type WireBroker,
  wireBroker,
} from '../support.ts';
import type { Environment } from './gateway-process.ts';

/** A device that may send, and its mailbox. */
export interface SiteDevice {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly mailboxId: string;
  /** The mailbox's. */
  readonly from: string;
}

/** One copy of a message at the provider. */
export interface Copy {
  readonly subject: string;
  /** Each message that a gateway has taken has one of its own. */
  readonly messageId: string;
  readonly sizeBytes: number;
  /** Of the body alone: on its way the header grows. */
  readonly bodySha256: string;
  readonly receivedAtMs: number;
}

/**
 * A provider in this process, whose mail server is reached by a line with faults, and a broker as a process of its own: so each can
 * be away while the other is there.
 */
export interface Site {
  readonly world: World;
  readonly line: FaultProxy;
  readonly broker: WireBroker;
  readonly organizationId: string;
  readonly caFile: string;
  /** `mailbox`: a former one's, which both then share. */
  addDevice(name: string, mailbox?: SiteDevice): Promise<SiteDevice>;
  /** All that a gateway is told of, but its ports, which are any. */
  gatewayEnv(name: string, settings?: object): Promise<Environment>;
  copies(isWanted?: (subject: string) => boolean): Promise<readonly Copy[]>;
  close(): Promise<void>;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** Below those that systems give to whoever asks for any: a process that is killed finds its port again. */
const LOWEST_PORT = 10_000;
const PORTS = 20_000;
let portsTried = process.pid * 97;

/** A port that nobody else is given by chance, for what is started again and again. */
export const lastingPort = async (): Promise<string> => {
  for (;;) {
    portsTried++;
    const port = LOWEST_PORT + (portsTried % PORTS);
    if (await isFree(port)) return String(port);
  }
};

export const bodySha256 = (message: string): string =>
  createHash('sha256')
    .update(message.slice(message.indexOf('\r\n\r\n') + 4))
    .digest('hex');

/** Reads a message as it comes. */
const lookAt = async (content: AsyncIterable<Buffer>): Promise<Pick<Copy, 'messageId' | 'bodySha256'>> => {
  const hash = createHash('sha256');
  let head: string | undefined;
  let begun = '';
  for await (const chunk of content) {
    if (head !== undefined) {
      hash.update(chunk);
      continue;
    }
    begun += chunk.toString('latin1');
    const end = begun.indexOf('\r\n\r\n');
    if (end < 0) continue;
    head = begun.slice(0, end);
    hash.update(Buffer.from(begun.slice(end + 4), 'latin1'));
  }
  return { messageId: /^message-id: *(.*)$/im.exec(head ?? '')?.[1] ?? '', bodySha256: hash.digest('hex') };
};

export const startSite = async (brokerEnv: Environment = {}): Promise<Site> => {
  const port = await lastingPort();
  const world = await startWorld(`http://localhost:${port}`);
  const { place, proxy: line } = await openPlace(world, 'line');
  const config = join(world.folder, 'broker.json');
  const { providers } = JSON.parse(place.config);
  const { api } = world.standIns.providers.microsoft ?? {};
  await writeFile(config, JSON.stringify({ providers: { microsoft: { ...providers.microsoft, api } } }));
  const broker = await wireBroker({ BROKER_PORT: port, BROKER_CONFIG: config, ...brokerEnv });
  const organizationId = await newOrganization(broker);
  const caFile = join(world.folder, 'line.pem');
  const known = new Map<string, Copy>();

  return {
    world,
    line,
    broker,
    organizationId,
    caFile,
    async addDevice(name, shared) {
      const { clientId, clientSecret } = await newDevice(broker, organizationId);
      const from = shared?.from ?? `${name}@contoso.example`;
      const mailboxId = shared?.mailboxId ?? (await newMailbox(broker, organizationId, 'microsoft', from));
      await bind(broker, clientId, 'scan', mailboxId);
      if (shared === undefined) await signIn(broker, mailboxId, { username: from });
      return { clientId, clientSecret, mailboxId, from };
    },
    async gatewayEnv(name, settings = {}) {
      const file = join(world.folder, `${name}.json`);
      await writeFile(file, JSON.stringify({ name: 'localhost', provider_ca_file: caFile, ...settings }));
      return {
        GATEWAY_CONFIG: file,
        GATEWAY_HOST: '127.0.0.1',
        GATEWAY_BROKER_URL: broker.url,
        GATEWAY_ENROLMENT_TOKEN: await enrolmentToken(broker, organizationId),
        GATEWAY_DATA_DIR: join(world.folder, name),
        GATEWAY_SMTP_PORT: await lastingPort(),
        GATEWAY_SMTPS_PORT: '0',
        GATEWAY_POP3_PORT: '0',
        GATEWAY_STATUS_PORT: await lastingPort(),
      };
    },
    async copies(isWanted = () => true) {
      const { mail } = world.standIns;
      const wanted = mail.list().filter(({ subject }) => isWanted(subject));
      for (const { id, subject, sizeBytes, receivedAt } of wanted) {
        const content = known.has(id) ? undefined : mail.open(id);
        if (content === undefined) continue;
        const looked = await lookAt(content as AsyncIterable<Buffer>);
        known.set(id, { subject, sizeBytes, receivedAtMs: Date.parse(receivedAt), ...looked });
      }
      return wanted
        .map(({ id }) => known.get(id))
        .filter((copy) => copy !== undefined)
        .reverse();
    },
    async close() {
      await broker.close();
      await line.close();
      await world.close();
    },
  };
};
