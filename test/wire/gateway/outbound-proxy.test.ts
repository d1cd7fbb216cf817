import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type MailStandIn, startMailStandIn } from '../../../local/stand-ins/mail/server.ts';
import { testCertificate } from '../../fakes/certificate.ts';
import { eventually, type Json, smallMessage } from '../support.ts';
import { type ConnectProxy, startConnectProxy, startTlsFront } from './connect-proxy.ts';
import { handIn, tryNow } from './hand-in.ts';
import { type GatewayOffice, gatewayOffice, listed, type OfficeOptions } from './office.ts';
import { startProvider } from './provider.ts';

const ANN = 'ann@example.org';

/** Reserved (RFC 2606): only a proxy could ever reach them. */
const BROKER = 'broker.office.invalid';
const MAIL_SERVER = 'smtp.provider.invalid';

/** This machine, for Linux; and nobody takes it for one that needs no proxy by itself. */
const ANY_ADDRESS = '0.0.0.0';

interface World {
  readonly proxy: ConnectProxy;
  readonly mail: MailStandIn;
  /** Where the broker is by HTTPS. */
  readonly frontPort: number;
  /** An office that has to leave by the proxy; one at a time. `mailServer`: as the broker calls it. */
  office(mailServer: { readonly host: string; readonly port: number }, options: OfficeOptions): Promise<GatewayOffice>;
  close(): Promise<void>;
}

const startWorld = async (): Promise<World> => {
  const certificate = await testCertificate({ names: [BROKER, MAIL_SERVER, ANY_ADDRESS, 'localhost'] });
  const provider = await startProvider();
  const { folder, verifyToken } = provider;
  const caFile = join(folder, 'everybody.pem');
  await writeFile(caFile, certificate.cert);
  const mail = await startMailStandIn({
    ...{ host: '127.0.0.1', smtpPort: 0, verifyToken },
    ...{ databasePath: join(folder, 'mail.db'), folder: join(folder, 'mail') },
    certificate: { certificate: certificate.cert, key: certificate.key },
  });
  const proxy = await startConnectProxy();
  let brokerPort = 0;
  const front = await startTlsFront(certificate, () => brokerPort);
  return {
    proxy,
    mail,
    frontPort: front.port,
    office: async (mailServer, options) =>
      gatewayOffice({
        ...options,
        settings: { provider_ca_file: caFile, ...options.settings },
        brokerEnv: await provider.brokerEnv({ ...mailServer, ca: certificate.cert }),
        gatewayEnv: { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: caFile, ...options.gatewayEnv },
        brokerUrl(url) {
          brokerPort = Number(new URL(url).port);
          return options.brokerUrl?.(url) ?? `https://${BROKER}`;
        },
      }),
    async close() {
      front.close();
      await proxy.stop();
      await mail.close();
      await provider.close();
    },
  };
};

describe('a gateway behind a proxy', () => {
  let world: World;
  let office: GatewayOffice;
  let number = 0;

  before(async () => {
    world = await startWorld();
    world.proxy.lead(`${BROKER}:443`, world.frontPort);
    world.proxy.lead(`${MAIL_SERVER}:587`, world.mail.port);
  });
  after(() => world?.close());

  /** By its Message-ID, as the relay has another id for it than the gateway. */
  const handInOne = async (): Promise<string> => {
    number += 1;
    const messageId = `<proxied-${number}@printer.example>`;
    await handIn(office, smallMessage(office.address, messageId, ANN), [ANN]);
    return messageId;
  };

  const told = async (messageId: string, state: string): Promise<Json> => {
    const isIt = (one: Json): boolean => one.message_id === messageId && one.state === state;
    const all = await listed(office, `${messageId} is ${state}`, (submissions) => submissions.some(isIt));
    return all.find(isIt) ?? {};
  };

  const logged = (event: string): Promise<true> =>
    eventually(`${event} is logged`, () => office.gateway.output().includes(`"event":"${event}"`) || undefined);

  const places = (): readonly string[] => [...new Set(world.proxy.asked)].toSorted();

  describe('sending straight to the provider', () => {
    before(async () => {
      world.proxy.asked.length = 0;
      office = await world.office({ host: MAIL_SERVER, port: 587 }, {});
    });
    after(() => office?.close());

    it('reaches broker and mail server through the proxy, and asks it for nothing else', async () => {
      await told(await handInOne(), 'sent');
      assert.deepEqual(places(), [`${BROKER}:443`, `${MAIL_SERVER}:587`]);
    });

    it('takes mail while the proxy is down, and sends it when it is back', async () => {
      await world.proxy.stop();
      const before = world.mail.list().length;
      const messageId = await handInOne();
      await logged('outbox.paused');
      assert.match(office.gateway.output(), /The proxy 127\.0\.0\.1:\d+ cannot be reached/);
      assert.equal(world.mail.list().length, before);
      await world.proxy.start();
      await tryNow(office);
      await told(messageId, 'sent');
      assert.equal(world.mail.list().length, before + 1);
    });

    it('has mail wait where the proxy does not let it through to the mail server, and says so', async () => {
      world.proxy.lead(`${MAIL_SERVER}:587`, undefined);
      const messageId = await handInOne();
      const { last_response } = await told(messageId, 'deferred');
      assert.match(
        String(last_response),
        /^The proxy \S+ does not connect to smtp\.provider\.invalid:587 \(status 403\)/,
      );
      world.proxy.lead(`${MAIL_SERVER}:587`, world.mail.port);
      await tryNow(office);
      await told(messageId, 'sent');
    });

    it('has never written down the user or the password of the proxy', () => {
      const { username, password } = new URL(world.proxy.url);
      for (const secret of [username, password, decodeURIComponent(password)]) {
        assert.doesNotMatch(office.gateway.output(), new RegExp(`${secret}[:@]`));
      }
    });
  });

  describe('sending by the relay', () => {
    before(async () => {
      world.proxy.asked.length = 0;
      office = await world.office({ host: 'localhost', port: world.mail.port }, { settings: { way: 'relay' } });
    });
    after(() => office?.close());

    it('needs nothing but HTTPS to the broker', async () => {
      const before = world.mail.list().length;
      await told(await handInOne(), 'sent');
      assert.equal(world.mail.list().length, before + 1);
      assert.deepEqual(places(), [`${BROKER}:443`]);
      assert.match(office.gateway.output(), /"event":"submission\.sent".*Handed over to the relay/);
    });

    it('takes mail while the proxy is down, and sends it by itself with the next', async () => {
      await world.proxy.stop();
      const waiting = await handInOne();
      await logged('broker.unreachable');
      await world.proxy.start();
      const next = await handInOne();
      for (const messageId of [waiting, next]) await told(messageId, 'sent');
    });
  });

  describe('with places that need no proxy', () => {
    before(async () => {
      world.proxy.asked.length = 0;
      world.proxy.lead(`${ANY_ADDRESS}:${world.frontPort}`, world.frontPort);
      office = await world.office(
        { host: ANY_ADDRESS, port: world.mail.port },
        {
          brokerUrl: () => `https://${ANY_ADDRESS}:${world.frontPort}`,
          gatewayEnv: { NO_PROXY: `elsewhere.invalid,${ANY_ADDRESS}:${world.mail.port}` },
        },
      );
    });
    after(() => office?.close());

    it('goes straight to those that NO_PROXY names, and to the others through the proxy', async () => {
      await told(await handInOne(), 'sent');
      assert.deepEqual(places(), [`${ANY_ADDRESS}:${world.frontPort}`]);
    });
  });
});
