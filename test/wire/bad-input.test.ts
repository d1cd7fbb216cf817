import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { ROUTES } from '../../functions/routes.ts';
import { makePerson } from '../../local/demo/person.ts';
import {
  ADMIN_KEY,
  adminView,
  arrived,
  assertCommonHeaders,
  assertOAuthError,
  assertProblem,
  type Bound,
  basicOf,
  bind,
  boundDevice,
  call,
  enrolmentToken,
  eventually,
  fetchToken,
  type Json,
  newDevice,
  newMailbox,
  newOrganization,
  postMessage,
  postToken,
  type Reply,
  rawRequest,
  register,
  signedInDevice,
  signIn,
  signInLink,
  smallMessage,
  type WireBroker,
  wireBroker,
} from './support.ts';

let broker: WireBroker;
let microsoft: Bound;
let google: Bound;
let never: Bound;

before(async () => {
  broker = await wireBroker();
  microsoft = await signedInDevice(broker, 'microsoft');
  google = await signedInDevice(broker, 'google');
  never = await boundDevice(broker, 'microsoft', 'office@contoso.example');
});
after(() => broker.close());

/** Whatever is refused leaves everything as it was, the audit log included. */
const changesNothing = async (act: () => Promise<void>): Promise<void> => {
  const before = await adminView(broker);
  await act();
  assert.deepEqual(await adminView(broker), before);
};

const FORM = 'application/x-www-form-urlencoded';

const post = (path: string, body: string, contentType: string, authorization?: string): Promise<Reply> =>
  call(`${broker.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...(authorization === undefined ? {} : { authorization }) },
    body,
  });

describe('a malformed body', () => {
  test('that is no JSON, or not of the right type, is refused', async () => {
    const token = `Bearer ${await enrolmentToken(broker, microsoft.organizationId)}`;
    await changesNothing(async () => {
      for (const body of ['', '{', 'null', '[]', '"text"', '{"client_name":', '\0', '{"client_name":1}']) {
        const reply = await post('/oauth/register', body, 'application/json', token);
        assert.equal(reply.status, 400, body);
        assert.match(String(reply.body.error), /^invalid_(request|client_metadata)$/);
        assertCommonHeaders(reply);
        const admin = await post('/v1/admin/organizations', body, 'application/json', `Bearer ${ADMIN_KEY}`);
        assertProblem(admin, 400, 'invalid_request');
      }
    });
  });

  test('that is no form is refused, and an odd one is read as a form is', () =>
    changesNothing(async () => {
      const { basic } = microsoft.device;
      for (const body of ['', '&&&', '=', 'grant_type', 'grant_type=', '%zz=%ff', 'GRANT_TYPE=client_credentials']) {
        assertOAuthError(await post('/oauth/token', body, FORM, basic), 400, 'invalid_request');
      }
      for (const grantType of ['password', 'client_credentials ', '%00', 'authorization_code', '__proto__']) {
        const reply = await post('/oauth/token', `grant_type=${grantType}`, FORM, basic);
        assertOAuthError(reply, 400, 'unsupported_grant_type');
      }
    }));

  test('under a wrong content type is refused with 415', () =>
    changesNothing(async () => {
      const { basic } = microsoft.device;
      const form = 'grant_type=client_credentials';
      for (const type of ['text/plain', 'application/json', 'multipart/form-data; boundary=x', 'garbage', '']) {
        assertOAuthError(await post('/oauth/token', form, type, basic), 415, 'invalid_request');
      }
      assertOAuthError(await post('/oauth/register', '{}', FORM), 415, 'invalid_request');
      const admin = await post('/v1/admin/organizations', '{"name":"x"}', FORM, `Bearer ${ADMIN_KEY}`);
      assertProblem(admin, 415, 'unsupported_media_type');
      const message = smallMessage(microsoft.address, '<type@example.org>');
      assertProblem(await post('/v1/messages', message, 'text/plain', basic), 415, 'unsupported_media_type');
      assertProblem(await post('/v1/messages', message, 'message/rfc822x', basic), 415, 'unsupported_media_type');
    }));

  test('that is too large is refused with 413, announced or in chunks', () =>
    changesNothing(async () => {
      const large = 'a'.repeat(65_537);
      assertOAuthError(await post('/oauth/token', large, FORM), 413, 'invalid_request');
      assertOAuthError(await post('/oauth/register', large, 'application/json'), 413, 'invalid_request');
      const admin = await post('/v1/admin/organizations', large, 'application/json', `Bearer ${ADMIN_KEY}`);
      assertProblem(admin, 413, 'payload_too_large');
      const head = `POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM}\r\nConnection: close\r\n`;
      const chunk = `Transfer-Encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
      assert.match(await rawRequest(broker.url, head + chunk), /^HTTP\/1\.1 413 /);
      assert.match(await rawRequest(broker.url, `${head}Content-Length: 999999999\r\n\r\nx`), /^HTTP\/1\.1 413 /);
    }));

  test('that never comes to its end is abandoned without an alarm', () =>
    changesNothing(async () => {
      const start = (path: string, type: string) =>
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nAuthorization: ${microsoft.device.basic}\r\n`;
      for (const [path, type] of [['/oauth/token', FORM] as const, ['/v1/messages', 'message/rfc822'] as const]) {
        await rawRequest(broker.url, `${start(path, type)}Content-Length: 100\r\n\r\nFrom: a`, 150);
        await rawRequest(broker.url, `${start(path, type)}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, 150);
        const broken = `${start(path, type)}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`;
        assert.match(await rawRequest(broker.url, broken, 500), /^HTTP\/1\.1 400 /);
      }
      await eventually('all are noticed', () =>
        broker.output().split('"request.abandoned"').length > 6 ? true : undefined,
      );
      assert.doesNotMatch(broker.output(), /request\.crashed/);
    }));
});

describe('a field that is not known', () => {
  test('is refused by the admin API, which names it', () =>
    changesNothing(async () => {
      const { organizationId, mailboxId, device } = microsoft;
      const organization = `/organizations/${organizationId}`;
      for (const [method, path, body] of [
        ['POST', '/organizations', { name: 'x' }],
        ['PATCH', organization, { name: 'x' }],
        ['POST', `${organization}/enrolment-tokens`, {}],
        ['POST', `${organization}/devices`, { client_name: 'x' }],
        ['PATCH', `/devices/${device.clientId}`, { enabled: true }],
        ['PUT', `/devices/${device.clientId}/bindings/fax`, { mailbox_id: mailboxId }],
        ['POST', `${organization}/mailboxes`, { provider: 'google', address: 'a@gmail.example' }],
        ['POST', `/mailboxes/${mailboxId}/sign-ins`, {}],
      ] as const) {
        const reply = await broker.admin(method, path, { ...body, nonsense_field: 1 });
        assertProblem(reply, 400, 'invalid_request');
        assert.match(String(reply.body.detail), /nonsense_field/, `${method} ${path}`);
      }
    }));

  test('is ignored by the OAuth endpoints (RFC 6749 section 3.2, RFC 7591 section 2)', async () => {
    const token = await postToken(
      broker,
      { grant_type: 'client_credentials', nonsense_field: '1', __proto__x: 'y' },
      microsoft.device.basic,
    );
    assert.equal(token.status, 200);
    assert.equal((await fetchToken(broker, microsoft.device, '?nonsense_field=1')).status, 200);
    const metadata = { client_name: 'x', nonsense_field: 1 };
    const registered = await register(broker, await enrolmentToken(broker, microsoft.organizationId), metadata);
    assert.equal(registered.status, 201);
    assert.equal(registered.body.nonsense_field, undefined);
  });

  test('and a known one with a wrong value is refused by name', () =>
    changesNothing(async () => {
      const { organizationId, device } = microsoft;
      const organization = `/organizations/${organizationId}`;
      for (const [method, path, body, field] of [
        ['POST', '/organizations', { name: '' }, 'name'],
        ['POST', '/organizations', { name: 'a\u0000b' }, 'name'],
        ['POST', '/organizations', { name: 'x'.repeat(129) }, 'name'],
        ['POST', '/organizations', { name: 'x', locale: '../..' }, 'locale'],
        ['PATCH', organization, { enabled: 'yes' }, 'enabled'],
        ['PATCH', organization, {}, 'nothing to change'],
        ['PATCH', `/devices/${device.clientId}`, {}, 'nothing to change'],
        ['PATCH', `/devices/${device.clientId}`, { enabled: 'yes', model: 'X' }, 'enabled'],
        ['POST', `${organization}/enrolment-tokens`, { uses: 0 }, 'uses'],
        ['POST', `${organization}/enrolment-tokens`, { uses: 1.5 }, 'uses'],
        ['POST', `${organization}/enrolment-tokens`, { expires_in: -1 }, 'expires_in'],
        ['POST', `${organization}/mailboxes`, { provider: 'yahoo', address: 'a@b.example' }, 'provider'],
        ['POST', `${organization}/mailboxes`, { provider: 'google', address: 'no address' }, 'no address'],
        ['POST', `${organization}/mailboxes`, { address: 'a@b.example\r\nRCPT TO:<c@d.example>' }, 'RCPT'],
        ['POST', `${organization}/mailboxes`, { address: 'a@b.example', aliases: ['x\ny@b.example'] }, 'x'],
        ['PUT', `/devices/${device.clientId}/bindings/attic`, { mailbox_id: 'x' }, 'slot'],
      ] as const) {
        const reply = await broker.admin(method, path, body);
        assertProblem(reply, 400, 'invalid_request');
        assert.ok(String(reply.body.detail).includes(field), `${method} ${path}: ${reply.body.detail}`);
      }
      for (const [name, wrong] of [
        ['client_name', ''],
        ['client_name', null],
        ['vendor', 1],
        ['model', 'x'.repeat(129)],
        ['location', 'a\u0000b'],
        ['locale', '../..'],
      ] as const) {
        const reply = await broker.admin('PATCH', `/devices/${device.clientId}`, { enabled: false, [name]: wrong });
        assertProblem(reply, 400, 'invalid_client_metadata');
        assert.ok(String(reply.body.detail).includes(name), String(reply.body.detail));
      }
    }));
});

describe('a wrong credential', () => {
  test('of a device is refused alike, whether id, secret or form is wrong', () =>
    changesNothing(async () => {
      const { clientId, clientSecret } = microsoft.device;
      const replies = [
        await fetchToken(broker, { ...microsoft.device, basic: basicOf('unknownunkno', clientSecret) }),
        await fetchToken(broker, { ...microsoft.device, basic: basicOf(clientId, 'wrong') }),
        await fetchToken(broker, { ...microsoft.device, basic: basicOf(clientId, google.device.clientSecret) }),
      ];
      for (const reply of replies) assertOAuthError(reply, 401, 'invalid_client');
      const shown = replies.map(({ body: { request_id: _, ...rest } }) => rest);
      assert.deepEqual(shown[1], shown[0]);
      assert.deepEqual(shown[2], shown[0]);
      for (const authorization of [
        'Basic',
        'Basic !!!',
        `Basic ${Buffer.from('nocolon').toString('base64')}`,
        basicOf('', ''),
        basicOf(clientId, ''),
        basicOf('a'.repeat(2_000), 'b'),
        basicOf(`${clientId}\0`, clientSecret),
        basicOf(`device#${clientId}`, clientSecret),
        basicOf('__proto__', 'x'),
        `Bearer ${clientSecret}`,
        `Negotiate ${clientSecret}`,
      ]) {
        assertOAuthError(
          await fetchToken(broker, { ...microsoft.device, basic: authorization }),
          401,
          'invalid_client',
        );
        const { status } = await call(`${broker.url}/v1/status`, { headers: { authorization } });
        assert.equal(status, 401);
      }
    }));

  test('given twice, by header and by form, is refused though both are right (RFC 6749 section 2.3)', () =>
    changesNothing(async () => {
      const { clientId: client_id, clientSecret: client_secret, basic } = microsoft.device;
      const form = { grant_type: 'client_credentials', client_id, client_secret };
      assertOAuthError(await postToken(broker, form, basic), 400, 'invalid_request');
    }));

  test('of an administrator is refused on every path below /v1/admin', () =>
    changesNothing(async () => {
      for (const authorization of [
        undefined,
        'Bearer wrong',
        `Bearer ${ADMIN_KEY}x`,
        `Basic ${ADMIN_KEY}`,
        microsoft.device.basic,
        `Bearer ${microsoft.device.registrationToken}`,
      ]) {
        for (const path of ['/organizations', '/audit', '/nothing', `/mailboxes/${microsoft.mailboxId}`]) {
          const headers = authorization === undefined ? {} : { authorization };
          const reply = await call(`${broker.url}/v1/admin${path}`, { method: 'DELETE', headers });
          assertProblem(reply, 401, 'invalid_admin_key');
          assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer /);
        }
      }
    }));

  test('for enrolment is refused: never given, used up, expired', async () => {
    const { organizationId } = microsoft;
    const used = await enrolmentToken(broker, organizationId);
    assert.equal((await register(broker, used, { client_name: 'first' })).status, 201);
    const expired = await enrolmentToken(broker, organizationId, { uses: 5, expires_in: 1 });
    await sleep(1_100);
    await changesNothing(async () => {
      for (const token of ['wrong', used, expired, '', ADMIN_KEY, microsoft.device.registrationToken]) {
        const reply = await register(broker, token, { client_name: 'second' });
        assertOAuthError(reply, 401, 'invalid_token');
        assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/);
      }
    });
  });

  test('for enrolment is good for exactly as many devices as it says, however many try at once', async () => {
    const token = await enrolmentToken(broker, await newOrganization(broker), { uses: 3 });
    const tries = Array.from({ length: 8 }, () => register(broker, token, { client_name: 'racing' }));
    const statuses = (await Promise.all(tries)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, 201, 201, 401, 401, 401, 401, 401]);
  });

  test('of a registration opens no other device', () =>
    changesNothing(async () => {
      const headers = {
        authorization: `Bearer ${google.device.registrationToken}`,
        'content-type': 'application/json',
      };
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const body = method === 'PUT' ? { body: '{"client_name":"mine now"}' } : {};
        assertOAuthError(
          await call(microsoft.device.registrationUri, { method, headers, ...body }),
          401,
          'invalid_token',
        );
      }
    }));
});

describe('a mailbox that yields no token', () => {
  test('makes the documented refusal of it, to fetch and to send', () =>
    changesNothing(async () => {
      const message = smallMessage(never.address, '<never@example.org>');
      const details = { panel_code: 360, token_status: 'not_acquired' };
      assertOAuthError(await fetchToken(broker, never.device), 400, 'invalid_grant', { ...details, actor: 'person' });
      assertProblem(await postMessage(broker, never.device, message), 409, 'not_signed_in', details);
      const unbound = await fetchToken(broker, microsoft.device, '?slot=user:somebody');
      assertOAuthError(unbound, 400, 'invalid_grant', { ...details, actor: 'operator' });
      const fax = await call(`${broker.url}/v1/messages?slot=fax`, {
        method: 'POST',
        headers: { authorization: microsoft.device.basic, 'content-type': 'message/rfc822' },
        body: message,
      });
      assertProblem(fax, 409, 'slot_not_bound', details);
      assert.equal((await arrived(broker)).length, 0);
    }));
});

describe('a sign-in that goes wrong', () => {
  /** To the callback's door, with the browser that may enter. */
  const atTheDoor = async ({ mailboxId, address }: Bound) => {
    const person = makePerson();
    const { id, url } = await signInLink(broker, mailboxId);
    const page = await person.signIn(url, { username: address, stopAt: `${broker.url}/oauth/callback` });
    assert.ok(page.url.startsWith(`${broker.url}/oauth/callback/`), page.body);
    return { person, id, callback: new URL(page.url) };
  };

  const assertFailed = (page: { response?: Response | undefined; body: string }, status: number) => {
    assert.equal(page.response?.status, status, page.body);
    assert.match(page.body, /data-result="failed"/);
    assert.equal(page.response?.headers.get('cache-control'), 'no-store');
    assert.match(page.response?.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(page.response?.headers.get('set-cookie'), null);
  };

  const stillServed = async (bound: Bound): Promise<void> => {
    assert.equal((await fetchToken(broker, bound.device)).status, 200);
    const { token_status } = await broker.administer('GET', `/mailboxes/${bound.mailboxId}`);
    assert.equal(token_status, 'acquired');
  };

  test('is not completed by a state that is foreign, altered, of another provider or missing', async () => {
    const { person, id, callback } = await atTheDoor(microsoft);
    const with_ = (changes: Readonly<Record<string, string | undefined>>, path = callback.pathname): string => {
      const url = new URL(path, callback);
      url.search = callback.search;
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) url.searchParams.delete(name);
        else url.searchParams.set(name, value);
      }
      return url.href;
    };
    for (const [url, status] of [
      [with_({ state: undefined }), 404],
      [with_({ state: '' }), 404],
      [with_({ state: 'foreign' }), 404],
      [with_({ state: `${id}.guessed` }), 400],
      [with_({ state: `${id}` }), 400],
      [with_({ state: `${'a'.repeat(5_000)}.b` }), 404],
      [with_({ state: '\0#/../' }), 404],
      [with_({}, '/oauth/callback/google'), 404],
      [with_({}, '/oauth/callback/yahoo'), 404],
      [with_({}, '/oauth/callback/__proto__'), 404],
    ] as const) {
      assertFailed(await person.open(url), status);
    }
    // The right state in another browser: whoever follows a forged link has no cookie (RFC 6749 section 10.12).
    assertFailed(await makePerson().open(callback.href), 400);
    const { state } = await broker.administer('GET', `/sign-ins/${id}`);
    assert.equal(state, 'pending');

    // None of that has used it up, and once used it is.
    assert.match((await person.open(callback.href)).body, /data-result="completed"/);
    assertFailed(await person.open(callback.href), 409);
    assertFailed(await person.open(`${broker.url}/sign-in/${id}`), 409);
    await stillServed(microsoft);
  });

  test('is refused when its state was started again since', async () => {
    const { person, id, callback } = await atTheDoor(google);
    await makePerson().open(`${broker.url}/sign-in/${id}`, 'http://localhost');
    await call(`${broker.url}/sign-in/${id}`);
    const page = await person.open(callback.href);
    assertFailed(page, 400);
    assert.match(page.body, /Open the sign-in link again/);
    await stillServed(google);
  });

  test('is not disturbed by a program that only looks whether the link is there', async () => {
    const { person, id, callback } = await atTheDoor(google);
    const looked = await call(`${broker.url}/sign-in/${id}`, { method: 'HEAD' });
    assert.equal(looked.status, 200);
    assert.equal(looked.headers.get('set-cookie'), null);
    assert.match((await person.open(callback.href)).body, /data-result="completed"/);
  });

  test('with an error from the provider ends the attempt and leaves the earlier sign-in alone', async () => {
    for (const bound of [microsoft, google]) {
      const { person, id, callback } = await atTheDoor(bound);
      callback.searchParams.delete('code');
      callback.searchParams.set('error', 'access_denied');
      callback.searchParams.set('error_description', '<script>alert(1)</script> AADSTS65004');
      const page = await person.open(callback.href);
      assertFailed(page, 400);
      assert.doesNotMatch(page.body, /<script/);
      const attempt = await broker.administer('GET', `/sign-ins/${id}`);
      assert.equal(attempt.state, 'failed');
      assert.equal((attempt.error as Json).kind, 'sign_in_cancelled');
      await stillServed(bound);
    }
  });

  test('with a code that the provider does not know, or none, is refused', async () => {
    for (const code of ['made-up', undefined, '\0', 'a'.repeat(4_000)]) {
      const { person, callback } = await atTheDoor(google);
      if (code === undefined) callback.searchParams.delete('code');
      else callback.searchParams.set('code', code);
      assertFailed(await person.open(callback.href), 400);
      await stillServed(google);
    }
  });

  test('by cancelling, refusing, another account or an unticked scope changes nothing but the attempt', async () => {
    for (const [bound, wish, kind] of [
      [microsoft, { username: microsoft.address, decision: 'cancel' }, 'sign_in_cancelled'],
      [google, { username: google.address, decision: 'refuse' }, 'sign_in_cancelled'],
      [microsoft, { username: 'office@contoso.example' }, 'sign_in_wrong_account'],
      [google, { username: 'office@gmail.example' }, 'sign_in_wrong_account'],
      [google, { username: google.address, untick: ['https://mail.google.com/'] }, 'sign_in_scope_missing'],
    ] as const) {
      const { id, url } = await signInLink(broker, bound.mailboxId);
      assertFailed(await makePerson().signIn(url, { stopAt: 'none', ...wish }), 400);
      const attempt = await broker.administer('GET', `/sign-ins/${id}`);
      assert.equal(attempt.state, 'failed');
      assert.equal((attempt.error as Json).kind, kind);
      await stillServed(bound);
    }
  });

  test('by another account never gives a mailbox a token that it had none of', async () => {
    const page = await signIn(broker, never.mailboxId, { username: 'scanner@contoso.example' });
    assertFailed(page, 400);
    const { token_status } = await broker.administer('GET', `/mailboxes/${never.mailboxId}`);
    assert.equal(token_status, 'not_acquired');
    assert.equal((await fetchToken(broker, never.device)).status, 400);
  });

  test('is found by its exact id only', () =>
    changesNothing(async () => {
      for (const id of ['none', '%00', '..%2F..%2Fhealth', 'a'.repeat(400), '%23', 'sign-in%23x', '%zz']) {
        const reply = await call(`${broker.url}/sign-in/${id}`);
        assert.equal(reply.status, 404, id);
        assert.match(reply.text, /data-result="failed"/);
        assert.equal(reply.headers.get('set-cookie'), null);
      }
    }));
});

describe('a message that is none', () => {
  test('is refused with 422 and stored nowhere', () =>
    changesNothing(async () => {
      for (const [what, message] of [
        ['empty', ''],
        ['text', 'Hello there'],
        ['only a body', '\r\n\r\nHello'],
        ['JSON', '{\n  "to": "a@example.org"\n}'],
        ['a PDF', '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'],
        ['a NUL in the header', `From: ${microsoft.address}\r\nSubject: a\0b\r\n\r\nx`],
        ['a field without a colon', `From: ${microsoft.address}\r\nSubject\r\n\r\nx`],
        ['a header beyond 60 KB', `From: ${microsoft.address}\r\nX-A: ${'a'.repeat(62_000)}\r\n\r\nx`],
      ] as const) {
        const reply = await postMessage(broker, microsoft.device, message, { 'x-envelope-to': 'a@example.org' });
        assertProblem(reply, 422, 'not_a_message');
        assert.ok(typeof reply.body.detail === 'string', what);
      }
    }));

  test('is not made one by an envelope that smuggles a command', () =>
    changesNothing(async () => {
      const message = smallMessage(microsoft.address, '<smuggled@example.org>');
      for (const to of [
        '',
        ',',
        'nobody',
        '@example.org',
        'a@',
        'a b@example.org',
        'a@example.org b@example.org',
        'a@example.org>\tRCPT TO:<b@example.org',
        '<a@example.org> SIZE=1',
        'a@example.org\tDATA',
        '"a\\"@example.org',
        '"a b"@example.org',
        'a@[127.0.0.1]',
        'a@example.org;b@example.org',
        `${'a'.repeat(65)}@example.org`,
        `a@${'b'.repeat(255)}.org`,
        Array.from({ length: 101 }, (_, i) => `a${i}@example.org`).join(','),
      ]) {
        const reply = await postMessage(broker, microsoft.device, message, { 'x-envelope-to': to });
        assertProblem(reply, 400, 'invalid_recipient');
      }
      // On the socket itself: a line end within the value ends the field or the request, never the address.
      const raw = (value: string) =>
        rawRequest(
          broker.url,
          `POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: message/rfc822\r\n` +
            `Authorization: ${microsoft.device.basic}\r\nX-Envelope-To: ${value}\r\nContent-Length: ${message.length}\r\n\r\n${message}`,
        );
      for (const value of [
        'a@example.org\nRCPT TO:<b@example.org>',
        'a@example.org\0,b@example.org',
        'a@ex\rample.org',
      ]) {
        assert.match(await raw(value), /^HTTP\/1\.1 400 /, JSON.stringify(value));
      }
    }));

  test('nor by recipients in its own header that hide a command', async () => {
    for (const header of [
      'To: a@example.org\r\n RCPT TO:<b@',
      'To: =?utf-8?q?a=0D=0ARCPT_TO:?=@example.org, c',
      'To: "a\\\r\n RCPT TO:<b@example.org>"@example.org',
      'To: <a"b>',
    ]) {
      const crooked = `From: ${microsoft.address}\r\n${header}\r\nSubject: crooked\r\n\r\nx`;
      const reply = await postMessage(broker, microsoft.device, crooked);
      if (reply.status !== 202) assertProblem(reply, 400, 'invalid_recipient');
    }
    const { submissions } = (await broker.administer('GET', '/submissions')) as { submissions: readonly Json[] };
    for (const { recipients } of submissions) {
      for (const recipient of recipients as string[]) assert.match(recipient, /^[^\s<>"\p{Cc}]+@[^\s<>"\p{Cc}]+$/u);
    }
    await eventually('all are sent', async () => {
      const left = await broker.administer('GET', '/submissions');
      return (left.submissions as Json[]).every(({ state }) => state === 'sent') ? true : undefined;
    });
    for (const { envelope_to } of await arrived(broker)) assert.doesNotMatch(String(envelope_to), /\bb@example/);
  });

  test('nor by another sender, an odd slot or an idempotency key without end', () =>
    changesNothing(async () => {
      const { device, address } = microsoft;
      const foreign = smallMessage('boss@contoso.example', '<foreign@example.org>');
      assertProblem(await postMessage(broker, device, foreign), 403, 'sender_not_allowed');
      const message = smallMessage(address, '<odd@example.org>');
      const headers = { authorization: device.basic, 'content-type': 'message/rfc822' };
      for (const query of ['slot=attic', 'slot=scan&slot=scan', 'slot=%00', 'slot=user:', 'slot=binding%23scan']) {
        const reply = await call(`${broker.url}/v1/messages?${query}`, { method: 'POST', headers, body: message });
        assertProblem(reply, 400, 'invalid_request');
      }
      const key = { 'idempotency-key': 'k'.repeat(256) };
      assertProblem(await postMessage(broker, device, message, key), 400, 'invalid_request');
    }));
});

describe('a parameter given twice', () => {
  test('is refused by name, in form and query (RFC 6749 section 3.2)', () =>
    changesNothing(async () => {
      const { basic } = microsoft.device;
      for (const name of ['grant_type', 'scope', 'slot', 'unknown']) {
        const form = `grant_type=client_credentials&${name}=smtp&${name}=smtp`;
        const reply = await post('/oauth/token', form, FORM, basic);
        assertOAuthError(reply, 400, 'invalid_request');
        assert.match(String(reply.body.error_description), new RegExp(name));
      }
      const query = await fetchToken(broker, microsoft.device, '?scope=smtp&scope=imap');
      assertOAuthError(query, 400, 'invalid_request');
      const audit = await broker.admin('GET', '/audit?limit=1&limit=2');
      assertProblem(audit, 400, 'invalid_request');
    }));
});

describe('a hostile path or id', () => {
  const IDS = [
    '..%2F..%2Fetc%2Fpasswd',
    '%00',
    '%0d%0aSet-Cookie:%20a=b',
    '%23',
    '%ff%fe',
    '%zz',
    '%E2%80%AE',
    '__proto__',
    'constructor',
    "'%20OR%20'1'='1",
    'a'.repeat(400),
    'device%23device',
    '%F0%9F%96%A8',
  ];

  test('finds nothing and breaks nothing', () =>
    changesNothing(async () => {
      for (const id of IDS) {
        const { basic } = microsoft.device;
        assertProblem(await broker.admin('GET', `/organizations/${id}`), 404, 'not_found');
        assertProblem(await broker.admin('DELETE', `/organizations/${id}`), 404, 'not_found');
        assertProblem(await broker.admin('PATCH', `/devices/${id}`, { enabled: true }), 404, 'not_found');
        assertProblem(await broker.admin('POST', `/devices/${id}/secret`), 404, 'not_found');
        assertProblem(await broker.admin('GET', `/mailboxes/${id}`), 404, 'not_found');
        assertProblem(await broker.admin('DELETE', `/mailboxes/${id}/grant`), 404, 'not_found');
        assertProblem(await broker.admin('GET', `/sign-ins/${id}`), 404, 'not_found');
        const binding = await broker.admin('PUT', `/devices/${microsoft.device.clientId}/bindings/${id}`, {
          mailbox_id: 'x',
        });
        assertProblem(binding, 400, 'invalid_request');
        const message = await call(`${broker.url}/v1/messages/${id}`, { headers: { authorization: basic } });
        assertProblem(message, 404, 'not_found');
        const headers = { authorization: `Bearer ${microsoft.device.registrationToken}` };
        assertOAuthError(await call(`${broker.url}/oauth/register/${id}`, { headers }), 401, 'invalid_token');
        for (const list of ['audit', 'submissions']) {
          const page = await broker.admin('GET', `/${list}?limit=1&cursor=${id}`);
          assert.equal(page.status, id.length > 128 ? 400 : 200);
          const ofNobody = await broker.admin('GET', `/${list}?limit=1&organization_id=${id}`);
          assert.equal(ofNobody.status, id.length > 128 ? 400 : 404);
        }
      }
    }));

  test('is not even looked for where it is longer than every path of the broker', () =>
    changesNothing(async () => {
      const id = 'a'.repeat(5_000);
      for (const path of [`/organizations/${id}`, `/devices/${microsoft.device.clientId}/bindings/${id}`]) {
        assertProblem(await broker.admin('GET', path), 404, 'not_found');
      }
      const { basic, registrationToken } = microsoft.device;
      for (const path of [`/v1/messages/${id}`, `/sign-in/${id}`]) {
        assertProblem(await call(broker.url + path, { headers: { authorization: basic } }), 404, 'not_found');
      }
      const headers = { authorization: `Bearer ${registrationToken}` };
      assertOAuthError(await call(`${broker.url}/oauth/register/${id}`, { headers }), 404, 'invalid_request');
    }));

  test('in a query is refused by name beyond 128 characters', () =>
    changesNothing(async () => {
      for (const list of ['audit', 'submissions']) {
        for (const name of ['cursor', 'organization_id']) {
          const long = await broker.admin('GET', `/${list}?${name}=${'a'.repeat(129)}`);
          assertProblem(long, 400, 'invalid_request', { detail: `${name} has at most 128 characters.` });
          const atLimit = await broker.admin('GET', `/${list}?${name}=${'a'.repeat(128)}`);
          assert.equal(atLimit.status, name === 'cursor' ? 200 : 404);
        }
      }
    }));

  test('leads to no file and past no door, also unnormalized', () =>
    changesNothing(async () => {
      for (const path of [
        '/../../../../etc/passwd',
        '/console/..%2f..%2fpackage.json',
        '/console/%2e%2e/%2e%2e/package.json',
        '/v1/../v1/admin/organizations',
        '//v1/admin/organizations',
        '/v1/admin/../admin/organizations',
        '/V1/ADMIN/organizations',
        '/v1/admin%2forganizations',
        '/v1/messages/../admin/organizations',
        'http://localhost/v1/admin/organizations',
      ]) {
        const reply = await rawRequest(
          broker.url,
          `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
        );
        assert.match(reply, /^HTTP\/1\.1 40[0145] /, path);
        assert.doesNotMatch(reply, /root:|"dependencies"|"organizations":/);
      }
    }));
});

describe('raw garbage on the socket', () => {
  const CASES: readonly (readonly [what: string, bytes: string | Uint8Array])[] = [
    ['a TLS hello', new Uint8Array([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])],
    ['SMTP', 'EHLO scanner\r\n\r\n'],
    ['no target', 'GET\r\n\r\n'],
    ['no Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['a Host that is none', 'GET /health HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n'],
    ['a target that is no URL', 'GET http://[::z/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['a wrong version', 'GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n'],
    ['a field without a name', 'GET /health HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n'],
    ['a NUL in a field', 'GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n'],
    ['a length that is no number', 'POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n'],
    [
      'two lengths at once',
      'POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ];

  test('is answered with 400 in the documented shape, and the next request is served', () =>
    changesNothing(async () => {
      for (const [what, bytes] of CASES) {
        const reply = await rawRequest(broker.url, bytes);
        assert.match(reply, /^HTTP\/1\.1 400 /, what);
        assert.match(reply, /^content-type: application\/problem\+json/im, what);
        assert.match(reply, /^x-request-id: req_/im, what);
        assert.match(reply, /^cache-control: no-store/im, what);
        const body = JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4)) as Json;
        assert.equal(body.type, 'urn:token-broker:error:invalid_request', what);
        assert.equal(body.request_id, /^x-request-id: (\S+)/im.exec(reply)?.[1], what);
      }
      assert.equal((await call(`${broker.url}/health`)).status, 200);
    }));
});

describe('nothing whatever', () => {
  const segment = fc.oneof(
    fc.constantFrom('organizations', 'devices', 'mailboxes', 'scan', 'bindings', 'sign-ins', 'microsoft', 'google'),
    fc.constantFrom('%00', '%23', '%2e%2e%2f', '%zz', '__proto__', '%', '..', 'x'.repeat(300)),
    fc.string({ maxLength: 12, unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const routes = [
    ...Object.values(ROUTES).flat(),
    ...['/organizations', '/organizations/:id', '/organizations/:id/enrolment-tokens', '/organizations/:id/devices'],
    ...['/organizations/:id/enrolment-tokens/:enrolment_token_id'],
    ...['/organizations/:id/mailboxes', '/devices/:id', '/devices/:id/secret', '/devices/:id/bindings/:slot'],
    ...['/mailboxes/:id', '/mailboxes/:id/grant', '/mailboxes/:id/sign-ins', '/mailboxes/:id/refresh', '/sign-ins/:id'],
    ...[
      '/submissions',
      '/submissions/:id',
      '/submissions/:id/resend',
      '/audit',
      '/app-registrations',
      '/keys',
      '/keys/:admin_key_id',
    ],
  ].map((route) =>
    /^\/(organizations|devices|mailboxes|sign-ins|submissions|audit|app-registrations|keys)/.test(route)
      ? `/v1/admin${route}`
      : route,
  );

  const wish = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'),
    route: fc.constantFrom(...routes, '/', '/console/login', '/console/organizations/:id', '/console/:a/:b'),
    segments: fc.array(fc.oneof(segment, fc.constant('REAL')), { minLength: 2, maxLength: 2 }),
    query: fc.option(fc.webQueryParameters(), { nil: undefined }),
    authorization: fc.constantFrom('none', 'admin', 'device', 'registration', 'garbage'),
    contentType: fc.constantFrom(
      'application/json',
      FORM,
      'message/rfc822',
      'text/plain',
      'application/json; charset=x',
    ),
    body: fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.toWellFormed()),
      fc.constantFrom('grant_type=client_credentials&scope=imap', '{"name":"x","client_name":"y"}', 'From: a\r\n\r\n'),
    ),
    language: fc.constantFrom('pl', '*', 'x;q=9', ',,,', 'en;q=0'),
  });

  test('makes the broker answer 500: some hundreds of requests of every kind', { timeout: 60_000 }, async () => {
    const organizationId = await newOrganization(broker);
    const device = await newDevice(broker, organizationId);
    const mailboxId = await newMailbox(broker, organizationId, 'google', 'fuzz@gmail.example');
    await bind(broker, device.clientId, 'scan', mailboxId);
    const real: readonly (readonly [place: RegExp, id: string])[] = [
      [/organizations\/$/, organizationId],
      [/(devices|register)\/$/, device.clientId],
      [/mailboxes\/$/, mailboxId],
      [/bindings\/$/, 'scan'],
      [/callback\/$/, 'google'],
    ];
    const authorizations: Readonly<Record<string, string | undefined>> = {
      none: undefined,
      admin: `Bearer ${ADMIN_KEY}`,
      device: device.basic,
      registration: `Bearer ${device.registrationToken}`,
      garbage: 'Digest \x80\xff',
    };
    await fc.assert(
      fc.asyncProperty(wish, async ({ method, route, segments, query, authorization, contentType, body, language }) => {
        const left = [...segments];
        let path = '';
        for (const part of route.slice(1).split('/')) {
          const wanted = left[0] ?? 'x';
          const found = real.find(([place]) => place.test(`${path}/`))?.[1] ?? 'none';
          if (part.startsWith(':') || part === '*') {
            path += `/${wanted === 'REAL' ? found : wanted}`;
            left.shift();
          } else path += `/${part}`;
        }
        const value = authorizations[authorization];
        const reply = await call(`${broker.url}${path}${query === undefined ? '' : `?${query}`}`, {
          method,
          headers: {
            'content-type': contentType,
            'accept-language': language,
            ...(value === undefined ? {} : { authorization: value }),
          },
          ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
        });
        assert.ok(reply.status < 500, `${method} ${path}: ${reply.status} ${reply.text}`);
        assert.match(reply.headers.get('x-request-id') ?? '', /^req_/, `${method} ${path}`);
      }),
      { numRuns: 300 },
    );
    assert.doesNotMatch(broker.output(), /request\.crashed/);
  });

  test('that is random bytes stops it either', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const reply = await rawRequest(broker.url, Buffer.concat([bytes, Buffer.from('\r\n\r\n')]), 500);
        assert.ok(reply === '' || /^HTTP\/1\.1 4\d\d /.test(reply), reply);
      }),
      { numRuns: 40 },
    );
    assert.equal((await call(`${broker.url}/health`)).status, 200);
    assert.equal((await fetchToken(broker, microsoft.device)).status, 200);
  });
});
