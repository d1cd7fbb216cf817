import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { makePerson } from '../../local/demo/person.ts';
import {
  call,
  type Json,
  newDevice,
  newOrganization,
  type WireBroker,
  type WireDevice,
  wireBroker,
} from './support.ts';

/** RFC 6749 section 5.2: what `error` and `error_description` may hold. */
const PRINTABLE = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;

const GRANT_TYPES = ['client_credentials', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'] as const;

const hostile = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '../..',
    '%00',
    '__proto__',
    'constructor',
    "' OR 1=1 --",
    '<script>',
    '\r\nSet-Cookie: a=b',
  ),
  fc.constantFrom('user:', 'user:x#y', 'user:../..', 'USER:JAN', 'scan\0', 'Scan', '1e9', '-1', 'NaN', '0x10', '٣'),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed()),
  fc.integer({ min: 200, max: 30_000 }).map((length) => 'x'.repeat(length)),
  fc.stringMatching(/^[\w-]{43}\.[\w-]{43}$/),
  fc.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-?[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
);

describe('hostile input, fuzzed', () => {
  let broker: WireBroker;
  let device: WireDevice;
  /** Codes and tokens of this device that work: mixed in, so that the ways behind them are walked as well. */
  const real: Record<string, string> = {};
  const secrets = new Set<string>();

  before(async () => {
    broker = await wireBroker();
    device = await newDevice(broker, await newOrganization(broker));
    secrets.add(device.clientSecret).add(device.registrationToken).add(device.enrolmentToken);
    const begun = await post('/oauth/device_authorization', { slot: 'user:jan' });
    const address = String(begun.body.verification_uri_complete);
    await makePerson().signIn(address, { username: 'jan@contoso.example', stopAt: 'none' });
    const token = await post('/oauth/token', {
      grant_type: GRANT_TYPES[2],
      device_code: String(begun.body.device_code),
    });
    const open = await post('/oauth/device_authorization', { slot: 'user:eva' });
    Object.assign(real, {
      device_code: String(open.body.device_code),
      refresh_token: String(token.body.refresh_token),
      user_code: String(open.body.user_code),
      token: String(token.body.access_token),
    });
    for (const secret of [...Object.values(real), String(begun.body.device_code)]) secrets.add(secret);
  });
  after(() => broker.close());

  const post = (path: string, form: Readonly<Record<string, string>>, authorization = device.basic) =>
    call(`${broker.url}${path}`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(form),
    });

  const field = (name: string) => fc.oneof(hostile, fc.constant('REAL')).map((value) => [name, value] as const);
  const NAMES = [
    ...['scope', 'slot', 'min_ttl', 'provider', 'login_hint', 'client_id', 'client_secret', 'device_code'],
    ...['refresh_token', 'token', 'token_type_hint', 'user_code', 'action', 'confirmation', 'resource', '__proto__'],
  ];
  const form = fc.record({
    grantType: fc.oneof(fc.constantFrom(...GRANT_TYPES), hostile),
    fields: fc.array(fc.constantFrom(...NAMES).chain(field), { maxLength: 6 }),
  });

  const assertSane = (reply: Awaited<ReturnType<typeof call>>, what: string) => {
    assert.ok(reply.status < 500, `${what}: ${reply.status} ${reply.text.slice(0, 300)}`);
    if (!reply.headers.get('content-type')?.startsWith('application/json') || reply.status < 400) return;
    for (const name of ['error', 'error_description']) assert.match(String(reply.body[name]), PRINTABLE, what);
  };

  test('at the OAuth endpoints gets an error of the standard, and never a 500', async () => {
    const paths = ['/oauth/token', '/oauth/device_authorization', '/oauth/revoke', '/pair'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), form, async (path, { grantType, fields }) => {
        const body = new URLSearchParams({ grant_type: grantType });
        // What would end the way for all that come after is not drawn: the secret stays right, and nothing is revoked.
        for (const [name, value] of fields) {
          if (path === '/oauth/revoke' && value === 'REAL') continue;
          body.append(name, value === 'REAL' ? (real[name] ?? value) : value);
        }
        const headers = { authorization: device.basic, 'x-forwarded-for': '198.51.100.77' };
        assertSane(
          await call(`${broker.url}${path}`, { method: 'POST', headers, body }),
          `${path} ${body}`.slice(0, 500),
        );
      }),
      { numRuns: 400 },
    );
  });

  test('in credentials is a wrong credential, or too many of them', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (id, secret) => {
        const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
        const headers = { authorization, 'x-forwarded-for': '198.51.100.78' };
        const body = new URLSearchParams({ grant_type: 'client_credentials' });
        const reply = await call(`${broker.url}/oauth/token`, { method: 'POST', headers, body });
        // Longer than a server's header field may be.
        assert.ok([401, 429, 431].includes(reply.status), `${reply.status} ${reply.text}`);
      }),
      { numRuns: 200 },
    );
  });

  test('in metadata is refused by the name of its field, or kept as it is', async () => {
    const metadata = fc.record(
      {
        client_name: fc.oneof(hostile, fc.jsonValue()),
        vendor: hostile,
        location: fc.oneof(hostile, fc.jsonValue()),
        locale: hostile,
        client_id: fc.oneof(hostile, fc.constant(undefined)),
        client_secret: fc.jsonValue(),
        rotate_secret: fc.jsonValue().filter((value) => value !== true),
      },
      { requiredKeys: ['client_name'] },
    );
    await fc.assert(
      fc.asyncProperty(metadata, async (value) => {
        const headers = {
          authorization: `Bearer ${device.registrationToken}`,
          'content-type': 'application/json',
          'x-forwarded-for': '198.51.100.79',
        };
        const reply = await call(device.registrationUri, { method: 'PUT', headers, body: JSON.stringify(value) });
        assertSane(reply, JSON.stringify(value).slice(0, 300));
        if (reply.status === 200) assert.equal((reply.body as Json).client_name, String(value.client_name).trim());
      }),
      { numRuns: 150 },
    );
  });

  test('leaves no secret in the log, and the broker as it was', async () => {
    for (const secret of secrets) assert.ok(!broker.output().includes(secret), 'a secret stands in the log');
    assert.doesNotMatch(broker.output(), /request\.crashed/);
    const fetched = await post('/oauth/token', { grant_type: 'client_credentials', slot: 'user:jan' });
    assert.equal(fetched.status, 200, fetched.text);
  });
});
