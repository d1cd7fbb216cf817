import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { boundDevice, call, rawRequest, signInLink, type WireBroker, wireBroker } from './support.ts';

/** Nobody listens there, and nothing in these tests asks. */
const endpoints = {
  authorization_endpoint: 'http://127.0.0.1:9/authorize',
  token_endpoint: 'http://127.0.0.1:9/token',
};
const registration = { client_id: 'client', client_secret: '6ad3c0de-0000-4000-8000-000000000000', endpoints };
const rotating = {
  client_id: 'client',
  client_secrets: [{ value: 'the-old-one', expires_on: '2027-03-01' }, { value: 'the-new-one' }],
  endpoints,
  refresh_token_rotation: 'lenient',
};

describe('with both providers configured, and so without stand-ins', () => {
  let folder: string;
  let broker: WireBroker;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-broker-configured-'));
    const file = join(folder, 'broker.json');
    await writeFile(file, JSON.stringify({ providers: { microsoft: registration, google: rotating } }));
    broker = await wireBroker({ BROKER_CONFIG: file });
  });

  after(async () => {
    await broker?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('runs no stand-in', () => {
    assert.equal(broker.inbox, '');
  });

  it('takes a body in chunks', async () => {
    const { status, body } = await call(`${broker.url}/v1/admin/organizations`, {
      method: 'POST',
      headers: { authorization: 'Bearer wire-test-admin-key-0123456789', 'content-type': 'application/json' },
      body: new Blob(['{"name":', '"In chunks"}']).stream(),
      duplex: 'half',
    } as RequestInit);
    assert.equal(status, 201);
    assert.equal(body.name, 'In chunks');
  });

  for (const [method, path, status] of [
    ['POST', '/v1/admin/mailboxes/mbx_none/sign-ins', 404],
    ['POST', '/v1/admin/devices/none/secret', 404],
    ['PUT', '/oauth/register/none', 415],
    ['DELETE', '/v1/admin/mailboxes/mbx_none', 404],
    ['DELETE', '/oauth/register/none', 401],
    ['OPTIONS', '/v1/token', 405],
    ['HEAD', '/health', 200],
  ] as const) {
    it(`answers ${method} ${path} without a body`, async () => {
      const reply = await rawRequest(
        broker.url,
        `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wire-test-admin-key-0123456789\r\n` +
          'Connection: close\r\n\r\n',
      );
      assert.match(reply, new RegExp(`^HTTP/1\\.1 ${status} `));
    });
  }
});

describe('with registrations of one organization alone', () => {
  let folder: string;
  let broker: WireBroker;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-broker-configured-'));
    const file = join(folder, 'broker.json');
    const organizations = { org_fabrikam: { providers: { microsoft: registration, google: rotating } } };
    await writeFile(file, JSON.stringify({ organizations }));
    broker = await wireBroker({ BROKER_CONFIG: file });
  });

  after(async () => {
    await broker?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('runs no stand-in, to whose mail server that organization’s tokens would go', () => {
    assert.equal(broker.inbox, '');
  });

  it('tells whoever would sign in for another organization that the operator must act', async () => {
    const { mailboxId } = await boundDevice(broker, 'microsoft');
    const { status, text } = await call((await signInLink(broker, mailboxId)).url);
    assert.equal(status, 503);
    assert.match(text, /data-result="failed"/);
    assert.match(text, /must check its app registration/);
  });
});
