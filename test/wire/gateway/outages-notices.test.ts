import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { testCertificate } from '../../fakes/certificate.ts';
import { basicOf, eventually, type Json, postMessage } from '../support.ts';
import { scanNamed } from './device.ts';
import { type Site, type SiteDevice, startSite } from './site.ts';
import { type SiteGateway, signInAgain, startSiteGateway } from './site-gateway.ts';

const ADMINISTRATOR = 'it@contoso.example';

interface Told {
  readonly type: string;
  readonly data: Json & { readonly phase?: string; readonly mailbox?: { readonly address?: string } };
}

let site: Site;
let gateway: SiteGateway;
let folder: string;
const posts: Told[] = [];
const devices = new Map<string, SiteDevice>();
let closeReceiver = (): void => undefined;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-notices-'));
  const certificate = await testCertificate();
  const authority = join(folder, 'authority.pem');
  await writeFile(authority, certificate.cert);
  const receiver = createServer({ ...certificate }, async (request, response) => {
    posts.push(JSON.parse(await text(request)) as Told);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  closeReceiver = () => {
    receiver.closeAllConnections();
    receiver.close();
  };
  site = await startSite({
    BROKER_PRIVATE_WEBHOOKS: 'allow',
    // All are told in one mail: the next would come half an hour later.
    BROKER_NOTICE_GATHER_SECONDS: '5',
    NODE_EXTRA_CA_CERTS: authority,
  });
  await site.addDevice('healthy');
  await site.broker.administer('PATCH', `/organizations/${site.organizationId}/notifications`, {
    webhook_url: `https://localhost:${(receiver.address() as AddressInfo).port}/notices`,
    emails: [ADMINISTRATOR],
  });
  gateway = await startSiteGateway(site, 'gateway', { isQuick: true });
  for (const name of ['relay-failing', 'gateway-failing', 'relay-holding', 'gateway-holding']) {
    devices.set(name, await site.addDevice(name));
  }
});
after(async () => {
  await gateway?.close();
  await site?.close();
  closeReceiver();
  await rm(folder, { recursive: true, force: true });
});

const deviceNamed = (name: string): SiteDevice => {
  const device = devices.get(name);
  assert.ok(device);
  return device;
};

/** Each way by which a device can hand in a message. */
const WAYS = {
  relay: async (device: SiteDevice, subject: string): Promise<void> => {
    const basic = basicOf(device.clientId, device.clientSecret);
    const { status } = await postMessage(site.broker, { ...device, basic } as never, scanNamed(subject));
    assert.equal(status, 202);
  },
  gateway: async (device: SiteDevice, subject: string): Promise<void> => void (await gateway.accept(device, subject)),
};

const post = (address: string, phase: string): Promise<Told> =>
  eventually(`a post on ${address}: ${phase}`, () =>
    posts.find(({ data }) => data.phase === phase && data.mailbox?.address === address),
  );

/** Mails of the broker's own to its administrator that name the address. */
const mailOn = (address: string): Promise<string> =>
  eventually(`a mail on ${address}`, async () => {
    const { mail } = site.world.standIns;
    for (const { id } of mail.list().filter(({ envelopeTo }) => envelopeTo.includes(ADMINISTRATOR))) {
      const content = mail.open(id);
      const raw = content ? await text(content) : '';
      const said = Buffer.from(raw.slice(raw.indexOf('\r\n\r\n')), 'base64').toString('utf8');
      if (said.includes(address)) return said;
    }
    return undefined;
  });

/** Without what is another's in each: names, addresses, ids and times. */
const general = (told: unknown): string =>
  JSON.stringify(told, null, 1)
    .replace(/\b(?:relay|gateway)-(failing|holding)/g, 'the-$1')
    .replace(/\b[a-z]+_[0-9a-z]{12,}/g, 'an-id')
    .replace(/"client_id": "[a-z0-9]{12}"/g, 'a-client')
    .replace(/\d{4}-\d\d-\d\dT[0-9:.]+Z/g, 'a-time')
    .replace(/reconnect\/[\w-]{43}/g, 'a-link');

describe('who looks after a mailbox', { concurrency: true }, () => {
  it('is told of a message that failed at a gateway as of one that failed at the relay', async () => {
    const toldOf = async (way: keyof typeof WAYS): Promise<Told> => {
      const device = deviceNamed(`${way}-failing`);
      const fault = { kind: 'reply', text: '550 5.1.1 No such user' } as const;
      site.line.at('RCPT', fault, { user: device.from });
      await WAYS[way](device, `${way}-failing`);
      const raised = await post(device.from, 'raised');
      assert.match(await mailOn(device.from), /No such user/);
      return raised;
    };
    const [byRelay, byGateway] = await Promise.all([toldOf('relay'), toldOf('gateway')]);
    assert.equal(byGateway.type, 'submission.failed');
    assert.equal(general(byGateway), general(byRelay));
  });

  it('is told of mail that is held at a gateway as of such at the relay, and that it is mended', async () => {
    const toldOf = async (way: keyof typeof WAYS): Promise<readonly Told[]> => {
      const device = deviceNamed(`${way}-holding`);
      const fault = { kind: 'reply', text: '535 5.7.139 the request did not meet the criteria' } as const;
      site.line.at('AUTH', fault, { user: device.from });
      await WAYS[way](device, `${way}-holding`);
      const raised = await post(device.from, 'raised');
      assert.match(await mailOn(device.from), /did not meet the criteria/);
      await signInAgain(site, device);
      return [raised, await post(device.from, 'resolved')];
    };
    const [byRelay, byGateway] = await Promise.all([toldOf('relay'), toldOf('gateway')]);
    assert.equal(byGateway[0]?.type, 'mailbox.held');
    assert.equal(general(byGateway), general(byRelay));
  });
});
