import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type BrokerProcess, startBroker } from '../../local/demo/broker-process.ts';
import { walkJourney } from '../../local/demo/journey.ts';

const ADMIN_KEY = 'proxy-admin-key-0123456789';

/** Reserved (RFC 2606): only a proxy could ever reach it. */
const PROVIDER = 'https://identity.invalid';

describe('behind a proxy', () => {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(502).end();
  });
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  let broker: BrokerProcess;
  let folder: string;

  before(async () => {
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    folder = await mkdtemp(join(tmpdir(), 'token-broker-proxy-'));
    const endpoints = { authorization_endpoint: `${PROVIDER}/authorize`, token_endpoint: `${PROVIDER}/token` };
    const google = { client_id: 'client', client_secret: 'made-up-secret', endpoints };
    await writeFile(join(folder, 'broker.json'), JSON.stringify({ providers: { google } }));
    broker = await startBroker({
      BROKER_PORT: '0',
      STAND_IN_PORT: '0',
      STAND_IN_SMTP_PORT: '0',
      STAND_IN_POP_PORT: '0',
      STAND_IN_IMAP_PORT: '0',
      BROKER_DATA_DIR: folder,
      BROKER_ADMIN_KEY: ADMIN_KEY,
      BROKER_CONFIG: join(folder, 'broker.json'),
      HTTPS_PROXY: address,
      HTTP_PROXY: address,
    });
  });

  after(async () => {
    await broker?.stop();
    proxy.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('reaches a provider by way of the proxy', async () => {
    const admin = async (path: string, body: object): Promise<Record<string, string>> => {
      const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
      const url = `${broker.ready.url}/v1/admin${path}`;
      const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await reply.json()) as Record<string, string>;
    };
    const { organization_id } = await admin('/organizations', { name: 'Behind a proxy' });
    const mailbox = { provider: 'google', address: 'scanner@gmail.example' };
    const { mailbox_id } = await admin(`/organizations/${organization_id}/mailboxes`, mailbox);
    const { url = '' } = await admin(`/mailboxes/${mailbox_id}/sign-ins`, {});
    const departure = await fetch(url, { redirect: 'manual' });
    const location = new URL(departure.headers.get('location') ?? '');
    assert.equal(location.origin, PROVIDER);
    const callback = new URL(location.searchParams.get('redirect_uri') ?? '');
    callback.search = String(new URLSearchParams({ code: 'c', state: location.searchParams.get('state') ?? '' }));
    const cookie = departure.headers.getSetCookie().join('; ').split(';')[0] ?? '';
    const end = await fetch(callback, { headers: { cookie } });
    assert.match(await end.text(), /data-result="failed"/);
    assert.deepEqual(asked, ['CONNECT identity.invalid:443']);
  });

  it('reaches what is on the same machine directly', async () => {
    const before = asked.length;
    await walkJourney({
      broker: broker.ready,
      adminKey: ADMIN_KEY,
      provider: 'microsoft',
      address: 'scanner@contoso.example',
      pdf: Buffer.from('%PDF-1.4 small'),
      tell: () => undefined,
    });
    assert.equal(asked.length, before);
  });
});
