import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { formIn, makePerson } from '../../../local/demo/person.ts';
import { type HttpRequest, passThrough, toEvent } from '../../fakes/api-gateway.ts';
import { ADMIN_KEY, type Cloud, startCloud } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';

const FORM = 'application/x-www-form-urlencoded';

/** Every octet but NUL may be in it; nothing is to be mended. */
const EIGHT_BIT = [
  'MIME-Version: 1.0\r\n',
  'Content-Type: text/plain; charset=windows-1252\r\n',
  'Content-Transfer-Encoding: 8bit\r\n',
].join('');

describe('the built bundles behind API Gateway', () => {
  let cloud: Cloud;
  let office: Office;
  before(async () => {
    cloud = await startCloud();
    office = await furnishOffice(cloud);
  });
  after(async () => {
    assert.deepEqual(cloud.denied(), []);
    await cloud.close();
  });

  /** Header by header and byte by byte, where `fetch` would tidy up. */
  const send = async (
    method: string,
    target: string,
    headers: readonly (readonly [string, string])[] = [],
    body: string | Buffer = '',
  ) => {
    const request: HttpRequest = { method, target, headers, body: Buffer.from(body) };
    const reply = await passThrough(request, (name, event) => cloud.functionOf(name).invoke(event));
    const text = reply.body.toString();
    const header = (wanted: string) => reply.headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
    return { status: reply.status, header, text, json: (): Json => JSON.parse(text), request };
  };

  it('read a form that arrives in base64', async () => {
    const headers = [
      ['Authorization', office.basic],
      ['Content-Type', FORM],
    ] as const;
    const { request, status, json, header } = await send(
      'POST',
      '/oauth/token',
      headers,
      'grant_type=client_credentials&scope=smtp',
    );
    const event = toEvent(request);
    assert.equal(event.isBase64Encoded, true);
    assert.equal(Buffer.from(event.body ?? '', 'base64').toString(), 'grant_type=client_credentials&scope=smtp');
    assert.equal(status, 200);
    assert.equal(json().account, office.address);
    assert.match(header('content-type') ?? '', /^application\/json/);
    assert.equal(header('cache-control'), 'no-store');
  });

  it('read JSON and text as they are', async () => {
    const headers = [
      ['Authorization', `Bearer ${ADMIN_KEY}`],
      ['Content-Type', 'application/json; charset=utf-8'],
    ] as const;
    const made = await send('POST', '/v1/admin/organizations', headers, JSON.stringify({ name: 'Łódź Kancelaria ž' }));
    assert.equal(toEvent(made.request).isBase64Encoded, false);
    assert.equal(made.status, 201);
    assert.equal(made.json().name, 'Łódź Kancelaria ž');
  });

  it('refuse a body without a content type in the documented shape', async () => {
    const reply = await send(
      'POST',
      '/oauth/token',
      [['Authorization', office.basic]],
      'grant_type=client_credentials',
    );
    assert.equal(toEvent(reply.request).isBase64Encoded, true);
    assert.equal(reply.status, 415);
    assert.equal(reply.json().error, 'invalid_request');
    const message = await send('POST', '/v1/messages', [['Authorization', office.basic]], 'From: x');
    assert.equal(message.status, 415);
    assert.equal(message.header('content-type'), 'application/problem+json');
  });

  it('answer a GET that carries a body', async () => {
    const reply = await send(
      'GET',
      '/v1/token',
      [
        ['Authorization', office.basic],
        ['Content-Type', FORM],
      ],
      'scope=smtp',
    );
    assert.equal(reply.status, 200);
    assert.equal(reply.json().account, office.address);
  });

  it('read header names in any case and a header that was sent twice', async () => {
    const reply = await send('GET', '/v1/status', [
      ['AUTHORIZATION', office.basic],
      ['Accept-Language', 'xx'],
      ['accept-language', 'pl;q=0.9'],
    ]);
    assert.equal(toEvent(reply.request).headers['accept-language'], 'xx,pl;q=0.9');
    assert.equal(reply.status, 200);
    assert.equal(reply.header('content-language'), 'pl');
  });

  it('take envelope recipients from two header lines', async () => {
    const message = `From: ${office.address}\r\nTo: a@example.org\r\nSubject: x\r\n\r\nx\r\n`;
    const headers = [
      ['Authorization', office.basic],
      ['Content-Type', 'message/rfc822'],
      ['X-Envelope-To', 'first@example.org'],
      ['x-envelope-to', 'second@example.org'],
    ] as const;
    const accepted = await send('POST', '/v1/messages', headers, message);
    assert.equal(accepted.status, 202);
    await cloud.mailSource.drain();
    const listed = (await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] };
    assert.match(JSON.stringify(listed.messages[0]), /first@example\.org.*second@example\.org/);
  });

  it('refuse a query parameter that was sent twice', async () => {
    const reply = await send('GET', '/v1/token?scope=smtp&scope=imap', [['Authorization', office.basic]]);
    assert.equal(toEvent(reply.request).queryStringParameters?.scope, 'smtp,imap');
    assert.equal(reply.status, 400);
    assert.match(String(reply.json().error_description), /twice/);
  });

  it('carry every byte of a message to the mail server', async () => {
    const bytes = Buffer.from(
      Array.from({ length: 256 }, (_, index) => index).filter((byte) => ![0, 10, 13].includes(byte)),
    );
    const message = Buffer.concat([
      Buffer.from(
        `From: ${office.address}\r\nTo: a@example.org\r\nDate: Sun, 1 Nov 2026 10:00:00 +0000\r\nMessage-ID: <every-byte@example.org>\r\n${EIGHT_BIT}\r\n`,
      ),
      bytes,
      Buffer.from('\r\n'),
    ]);
    const headers = [
      ['Authorization', office.basic],
      ['Content-Type', 'message/rfc822'],
    ] as const;
    assert.equal((await send('POST', '/v1/messages', headers, message)).status, 202);
    await cloud.mailSource.drain();
    const listed = (await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] };
    const raws = listed.messages.map(async ({ id }) =>
      Buffer.from(await (await fetch(new URL(`messages/${id}/raw`, cloud.inbox))).arrayBuffer()),
    );
    const arrived = (await Promise.all(raws)).find((raw) => raw.includes('every-byte@example.org'));
    assert.ok(arrived?.equals(message));
  });

  it('take a message at the limit, and refuse one above it in the documented shape', async () => {
    const head = `From: ${office.address}\r\nTo: a@example.org\r\n\r\n`;
    const line = `${'x'.repeat(998)}\r\n`;
    const ofBytes = (size: number) => `${head}${line.repeat(4600)}`.slice(0, size);
    const headers = [
      ['Authorization', office.basic],
      ['Content-Type', 'message/rfc822'],
    ] as const;
    const limit = 4_500_000;
    const refused = await send('POST', '/v1/messages', headers, ofBytes(limit + 1));
    assert.equal(refused.status, 413);
    assert.equal(refused.header('content-type'), 'application/problem+json');
    assert.ok(refused.header('x-request-id'));
    const taken = await send('POST', '/v1/messages', headers, ofBytes(limit));
    assert.equal(taken.status, 202);
  });

  it('carry cookies through a sign-in, and refuse it in another browser', async () => {
    const begin = async (): Promise<string> =>
      String((await office.admin('POST', `/mailboxes/${office.mailboxId}/sign-ins`, {})).url);
    const wish = { username: office.address, stopAt: `${cloud.url}/oauth/callback/` };
    const [mine, other] = [makePerson(), makePerson()];
    const back = await mine.signIn(await begin(), wish);
    assert.match((await other.open(back.url)).body, /data-result="failed"/);
    const again = await mine.signIn(await begin(), wish);
    assert.match((await mine.open(again.url)).body, /data-result="completed"/);
  });

  it('keep the secret of a sign-in in a cookie that neither scripts nor other sites can use', async () => {
    const { url } = await office.admin('POST', `/mailboxes/${office.mailboxId}/sign-ins`, {});
    const reply = await send('GET', new URL(String(url)).pathname);
    assert.equal(reply.status, 302);
    // `Secure` comes with an https address, which the gateway here has not: test/unit/broker-app.test.ts.
    assert.match(
      reply.header('set-cookie') ?? '',
      /^sign_in_\w+=[\w-]{40,}; Max-Age=\d+; Path=\/oauth\/callback; HttpOnly; SameSite=Lax$/,
    );
  });

  it('log in to the console by cookie, and find it among others', async () => {
    const person = makePerson();
    const login = await person.open(`${cloud.url}/`);
    assert.ok(formIn(login));
    const body = new URLSearchParams({ admin_key: ADMIN_KEY, back: '/' }).toString();
    const path = new URL(formIn(login)?.action ?? '', cloud.url).pathname;
    const reply = await send('POST', path, [['Content-Type', FORM]], body);
    assert.equal(reply.status, 303);
    const cookie = (reply.header('set-cookie') ?? '').split(';')[0] ?? '';
    assert.match(reply.header('set-cookie') ?? '', /^__Host-console_session=.*Secure/);
    const home = await send('GET', '/', [['Cookie', `language=en; ${cookie}`]]);
    assert.equal(home.status, 200);
    assert.match(home.text, /Contoso/);
    const without = await send('GET', '/', [['Cookie', 'language=en']]);
    assert.doesNotMatch(without.text, /Contoso/);
  });

  it('keep a path that was escaped apart from query and fragment', async () => {
    const headers = [
      ['Authorization', `Bearer ${ADMIN_KEY}`],
      ['Content-Type', 'application/json'],
    ] as const;
    const bind = (slot: string) =>
      send(
        'PUT',
        `/v1/admin/devices/${office.clientId}/bindings/${slot}`,
        headers,
        JSON.stringify({ mailbox_id: office.mailboxId }),
      );
    assert.equal((await bind('user%3Aanna')).status, 200);
    for (const slot of ['user:eve%23x', 'user:eve%3Fx=1', 'user:e%2576e', 'user:eve%25']) {
      assert.equal((await bind(slot)).status, 400, slot);
    }
    const { bindings } = await office.admin('GET', `/devices/${office.clientId}`);
    assert.deepEqual((bindings as Json[]).map(({ slot }) => slot).sort(), ['scan', 'user:anna']);
  });

  it('send each path to its function', async () => {
    assert.deepEqual((await send('GET', '/health')).json().status, 'ok');
    assert.equal((await send('GET', '/.well-known/oauth-authorization-server')).json().issuer, cloud.url);
    assert.equal((await send('GET', '/nowhere')).status, 404);
    assert.equal((await send('DELETE', '/oauth/token')).status, 405);
  });
});
