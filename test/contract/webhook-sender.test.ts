import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, it } from 'node:test';
import { httpWebhookSender } from '../../shared/adapters/webhook/http-webhook-sender.ts';
import { isPublicAddress } from '../../shared/adapters/webhook/public-address.ts';
import { webhookUrlProblem } from '../../shared/domain/notification-settings.ts';
import type { WebhookPost } from '../../shared/ports/webhook-sender.ts';
import { testCertificate } from '../fakes/certificate.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** Gives the URL of a server on loopback. */
const listen = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?tenant=1`;
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
};

const postTo = (url: string, changes: Partial<WebhookPost> = {}): WebhookPost => ({
  ...{ url, id: 'evt_1', timestamp: 1_800_000_000, body: '{"type":"test","name":"Zażółć"}', secrets: [SECRET] },
  ...changes,
});

const open = httpWebhookSender({ allowsPrivate: true, timeoutMs: 400 });
const guarded = httpWebhookSender({ allowsPrivate: false, timeoutMs: 400 });

/** As the specification says it (Standard Webhooks 1.0, "Verifying signatures"), and not as the broker does. */
const isSignedWith = (secret: string, headers: IncomingMessage['headers'], body: string): boolean => {
  const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  const expected = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(content)
    .digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .some((one) => {
      const given = Buffer.from(one.slice('v1,'.length), 'base64');
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
};

describe('a webhook', () => {
  let seen: { readonly method: string | undefined; readonly headers: IncomingMessage['headers']; body: string }[];
  let url: string;

  beforeEach(async () => {
    seen = [];
    url = await listen(async (request, response) => {
      const body = await textOf(request);
      seen.push({ method: request.method, headers: request.headers, body });
      response.writeHead(204).end();
    });
  });

  it('is posted as it is, with a signature that anybody can check', async () => {
    assert.deepEqual(await open.post(postTo(url)), { outcome: 'delivered' });
    const [one] = seen;
    assert.ok(one);
    assert.equal(one.method, 'POST');
    assert.equal(one.headers['content-type'], 'application/json');
    assert.equal(one.headers['webhook-id'], 'evt_1');
    assert.equal(one.headers['webhook-timestamp'], '1800000000');
    assert.equal(one.body, '{"type":"test","name":"Zażółć"}');
    assert.ok(isSignedWith(SECRET, one.headers, one.body));
    assert.ok(!isSignedWith(OTHER_SECRET, one.headers, one.body));
    assert.ok(!isSignedWith(SECRET, one.headers, `${one.body} `), 'the body is part of it');
    const later = { ...one.headers, 'webhook-timestamp': '1800000001' };
    assert.ok(!isSignedWith(SECRET, later, one.body), 'the time is part of it');
  });

  it('has the example of the specification for a signature', async () => {
    const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'];
    const example = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };
    await open.post(postTo(url, { ...example, secrets }));
    assert.equal(seen[0]?.headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is signed by both secrets while one takes the place of the other', async () => {
    await open.post(postTo(url, { secrets: [SECRET, OTHER_SECRET] }));
    const [one] = seen;
    assert.ok(one && isSignedWith(SECRET, one.headers, one.body) && isSignedWith(OTHER_SECRET, one.headers, one.body));
  });

  it('says no secret', async () => {
    await open.post(postTo(url));
    assert.ok(!JSON.stringify(seen).includes(SECRET.slice('whsec_'.length)));
  });
});

describe("a receiver's answer", () => {
  const answering = (status: number, headers: Record<string, string> = {}) =>
    listen((request, response) => {
      request.resume();
      response.writeHead(status, headers).end('<script>whatever it likes</script>');
    });

  for (const status of [200, 201, 202, 204, 299]) {
    it(`of ${status} is a delivery`, async () => {
      assert.deepEqual(await open.post(postTo(await answering(status))), { outcome: 'delivered' });
    });
  }

  for (const status of [400, 401, 404, 408, 429, 500, 503]) {
    it(`of ${status} is none, and is told without its words`, async () => {
      assert.deepEqual(await open.post(postTo(await answering(status))), {
        outcome: 'failed',
        problem: `The receiver answered with status ${status}.`,
      });
    });
  }

  it('of 410 says that it is gone', async () => {
    assert.deepEqual(await open.post(postTo(await answering(410))), { outcome: 'gone' });
  });

  it('that redirects is not followed', async () => {
    let reached = 0;
    const target = await listen((_request, response) => {
      reached++;
      response.end();
    });
    for (const status of [301, 302, 307, 308]) {
      const outcome = await open.post(postTo(await answering(status, { location: target })));
      assert.equal(outcome.outcome, 'failed');
    }
    assert.equal(reached, 0);
  });

  it('that never comes is waited for no longer than allowed', async () => {
    const silent = await listen(() => undefined);
    const began = performance.now();
    const outcome = await open.post(postTo(silent));
    assert.deepEqual(outcome, { outcome: 'failed', problem: 'The receiver did not answer within 0.4 seconds.' });
    assert.ok(performance.now() - began < 3_000);
  });

  it('that never ends is not read', async () => {
    const endless = await listen((request, response) => {
      request.resume();
      response.writeHead(200);
      const more = setInterval(() => response.write('x'.repeat(65_536)), 1);
      response.on('close', () => clearInterval(more));
    });
    assert.deepEqual(await open.post(postTo(endless)), { outcome: 'delivered' });
  });

  it('is not had where nobody listens', async () => {
    const url = await listen(() => undefined);
    const server = servers.pop();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    const outcome = await open.post(postTo(url));
    assert.deepEqual(outcome, { outcome: 'failed', problem: 'The receiver could not be reached (ECONNREFUSED).' });
  });

  it('is not asked for where its certificate is none that anybody vouches for', async () => {
    let reached = 0;
    const server = createTlsServer(await testCertificate(), (_request, response) => {
      reached++;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const outcome = await open.post(postTo(`https://localhost:${(server.address() as AddressInfo).port}/`));
    server.closeAllConnections();
    server.close();
    assert.equal(outcome.outcome, 'failed');
    assert.equal(reached, 0);
  });
});

describe('an address that is not of the public internet', () => {
  let reached = 0;
  let port = 0;

  beforeEach(async () => {
    reached = 0;
    const url = await listen((_request, response) => {
      reached++;
      response.end();
    });
    port = Number(new URL(url).port);
  });

  const isRefused = async (host: string, sender = guarded, scheme = 'https'): Promise<void> => {
    const outcome = await sender.post(postTo(`${scheme}://${host}:${port}/`));
    assert.equal(outcome.outcome, 'failed', host);
    assert.match(JSON.stringify(outcome), /not one of the public internet/, host);
    assert.equal(reached, 0, host);
  };

  it('is refused however it is written', async () => {
    const v4 = ['127.0.0.1', '127.1', '2130706433', '0x7f.0.0.1', '0', '10.1.2.3', '172.16.0.1', '192.168.0.1'];
    for (const host of [...v4, '169.254.169.254', '100.64.0.1', '224.0.0.1', '255.255.255.255']) await isRefused(host);
    const v6 = ['::1', '::', '::ffff:127.0.0.1', '::ffff:10.0.0.1', 'fe80::1', 'fd00::1', '64:ff9b::7f00:1', 'ff02::1'];
    for (const host of [...v6, '2002:7f00:1::', '2001:db8::1', '::127.0.0.1']) await isRefused(`[${host}]`);
    for (const host of ['localhost', 'LOCALHOST', 'localhost.', 'some.localhost']) await isRefused(host);
    await isRefused('127.0.0.1', guarded, 'http');
    await isRefused('localhost', guarded, 'http');
  });

  it('is refused where a name leads there, at the moment of the connection', async () => {
    const leadsTo = (...addresses: string[]) =>
      httpWebhookSender({
        ...{ allowsPrivate: false, timeoutMs: 400 },
        resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      });
    await isRefused('intranet.example', leadsTo('127.0.0.1'));
    await isRefused('both.example', leadsTo('203.0.114.1', '10.0.0.1'));
    await isRefused('v6.example', leadsTo('::1'));
  });

  it('is refused by a name that leads there by a proxy as well', async () => {
    const resolve = async () => [{ address: '10.0.0.1', family: 4 }];
    await isRefused('intranet.example', httpWebhookSender({ allowsPrivate: false, isProxied: true, resolve }));
  });

  it('is taken where the operator allows it', async () => {
    const outcome = await open.post(postTo(`http://localhost:${port}/`));
    assert.deepEqual([outcome.outcome, reached], ['delivered', 1]);
  });

  it('is told from one that is', () => {
    for (const address of ['8.8.8.8', '1.1.1.1', '203.0.114.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1']) {
      assert.ok(isPublicAddress(address), address);
    }
    for (const address of ['', 'example.com', '300.1.1.1', '::ffff:8.8.8.8'])
      assert.ok(!isPublicAddress(address), address);
  });
});

describe('the address of a webhook', () => {
  for (const address of [
    ...[
      'http://receiver.example/',
      'ftp://receiver.example/',
      'file:///etc/passwd',
      'javascript:1',
      'receiver.example',
    ],
    ...['https://user@receiver.example/', 'https://user:secret@receiver.example/', '', 'https://', 'http://127.0.0.2/'],
    `https://receiver.example/${'x'.repeat(2000)}`,
  ]) {
    it(`cannot be ${address.slice(0, 40) || 'nothing'}`, async () => {
      assert.ok(webhookUrlProblem(address) !== undefined);
      assert.equal((await open.post(postTo(address))).outcome, 'failed');
    });
  }

  it('can be HTTPS anywhere, and HTTP on loopback', () => {
    for (const address of ['https://receiver.example:8443/a?b=c', 'http://127.0.0.1:1/', 'http://[::1]:1/']) {
      assert.equal(webhookUrlProblem(address), undefined, address);
    }
  });
});
