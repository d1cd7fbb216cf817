import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { keys } from '../../../shared/records/items.ts';
import type { HttpRequest } from '../../fakes/api-gateway.ts';
import { passThroughRest } from '../../fakes/rest-api.ts';
import { type Cloud, startCloud, TABLE } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';

const FORM = 'application/x-www-form-urlencoded';

/** Every octet but NUL, CR and LF may be in a line. */
const EVERY_BYTE = Buffer.from(
  Array.from({ length: 256 }, (_, index) => index).filter((byte) => ![0, 10, 13].includes(byte)),
);

describe('the built bundles behind the front for old TLS (REST API, payload 1.0)', () => {
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

  const send = async (
    method: string,
    target: string,
    headers: readonly (readonly [string, string])[] = [],
    body: string | Buffer = '',
    sourceIp?: string,
  ) => {
    const request: HttpRequest = { method, target, headers, body: Buffer.from(body) };
    const events: { isBase64Encoded: boolean; multiValueHeaders: object }[] = [];
    const reply = await passThroughRest(
      request,
      (name, event) => {
        events.push(event);
        return cloud.functionOf(name).invoke(event);
      },
      sourceIp,
    );
    const text = reply.body.toString();
    const header = (wanted: string) => reply.headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
    return { status: reply.status, header, text, json: (): Json => JSON.parse(text), event: events[0] };
  };
  const authorized = (...headers: (readonly [string, string])[]) =>
    [['Authorization', office.basic], ...headers] as const;

  it('give a token for a form, which arrives in base64', async () => {
    const form = 'grant_type=client_credentials&scope=smtp';
    const { status, json, header, event } = await send(
      'POST',
      '/oauth/token',
      authorized(['Content-Type', FORM]),
      form,
    );
    assert.equal(event?.isBase64Encoded, true);
    assert.equal(status, 200);
    assert.equal(json().account, office.address);
    assert.equal(header('cache-control'), 'no-store');
    assert.match(header('content-type') ?? '', /^application\/json/);
  });

  it('take the credential in the form, escaped as forms are', async () => {
    const [clientId = '', secret = ''] = Buffer.from(office.basic.replace('Basic ', ''), 'base64')
      .toString()
      .split(':');
    const escaped = [...secret].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
    const form = `grant_type=client_credentials&client_id=${clientId}&client_secret=${escaped}`;
    assert.equal((await send('POST', '/oauth/token', [['content-type', FORM]], form)).status, 200);
  });

  it('give the bare token to firmware that can only GET, whatever it sends along', async () => {
    const headers = authorized(['Accept', 'text/plain'], ['Content-Type', FORM]);
    const reply = await send('GET', '/v1/token?scope=smtp', headers, 'scope=smtp');
    assert.equal(reply.status, 200);
    assert.match(reply.header('content-type') ?? '', /^text\/plain/);
    assert.ok(reply.text.length > 20 && !reply.text.includes('{'));
  });

  it('read a header that was sent twice', async () => {
    const headers = authorized(['Accept-Language', 'xx'], ['accept-language', 'pl;q=0.9']);
    const reply = await send('GET', '/v1/status', headers);
    assert.deepEqual(
      Object.entries(reply.event?.multiValueHeaders ?? {}).find(([name]) => /language/i.test(name))?.[1],
      ['xx', 'pl;q=0.9'],
    );
    assert.equal(reply.status, 200);
    assert.equal(reply.header('content-language'), 'pl');
  });

  it('read values as they were before they were escaped, and refuse one that was sent twice', async () => {
    const escaped = await send('GET', '/v1/token?scope=%73mtp&slot=s%63an', authorized());
    assert.equal(escaped.status, 200);
    const slot = await send('GET', '/v1/token?slot=user%3Aa%26b', authorized());
    assert.equal(slot.json().error, 'invalid_request');
    const twice = await send('GET', '/v1/token?scope=smtp&scope=imap', authorized());
    assert.equal(twice.status, 400);
    assert.match(String(twice.json().error_description), /twice/);
  });

  it('register a device, which looks after its registration', async () => {
    const { organization_id } = await office.admin('GET', `/devices/${office.clientId}`);
    const made = await office.admin('POST', `/organizations/${organization_id}/enrolment-tokens`, {});
    const json = ['Content-Type', 'application/json'] as const;
    const registered = await send(
      'POST',
      '/oauth/register',
      [['Authorization', `Bearer ${made.enrolment_token}`], json],
      JSON.stringify({ client_name: 'Łódź' }),
    );
    assert.equal(registered.status, 201);
    assert.equal(registered.json().client_name, 'Łódź');
    const path = `/oauth/register/${registered.json().client_id}`;
    const bearer = ['Authorization', `Bearer ${registered.json().registration_access_token}`] as const;
    assert.equal((await send('GET', path, [bearer])).json().client_name, 'Łódź');
    assert.equal((await send('DELETE', path, [bearer])).status, 204);
  });

  it('begin a pairing, whose addresses are for people with browsers of today', async () => {
    const reply = await send(
      'POST',
      '/oauth/device_authorization',
      authorized(['Content-Type', FORM]),
      'slot=user:anna',
    );
    assert.equal(reply.status, 200);
    assert.ok(String(reply.json().verification_uri).startsWith(cloud.url));
    assert.equal(
      (await send('POST', '/oauth/revoke', authorized(['Content-Type', FORM]), 'slot=user:anna')).status,
      200,
    );
  });

  it('carry every byte of a message to the mail server', async () => {
    const head = [
      `From: ${office.address}`,
      'To: a@example.org',
      'Date: Sun, 1 Nov 2026 10:00:00 +0000',
      'Message-ID: <old-tls@example.org>',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=windows-1252',
      'Content-Transfer-Encoding: 8bit',
    ].join('\r\n');
    const message = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), EVERY_BYTE, Buffer.from('\r\n')]);
    const accepted = await send('POST', '/v1/messages', authorized(['Content-Type', 'message/rfc822']), message);
    assert.equal(accepted.status, 202);
    await cloud.mailSource.drain();
    const listed = (await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] };
    const raws = listed.messages.map(async ({ id }) =>
      Buffer.from(await (await fetch(new URL(`messages/${id}/raw`, cloud.inbox))).arrayBuffer()),
    );
    assert.ok((await Promise.all(raws)).find((raw) => raw.includes('old-tls@example.org'))?.equals(message));
    const status = await send('GET', `/v1/messages/${accepted.json().submission_id}`, authorized());
    assert.equal(status.json().state, 'sent');
    // A path that was escaped is not the same path with a query.
    const escaped = await send('GET', `/v1/messages/${accepted.json().submission_id}%3Fx=1`, authorized());
    assert.equal(escaped.status, 404);
  });

  it('count wrong credentials at the address they came from, and nowhere else', async () => {
    const wrong = `Basic ${Buffer.from(`${office.clientId}:wrong`).toString('base64')}`;
    const reply = await send('GET', '/v1/token', [['Authorization', wrong]], '', '198.51.100.9');
    assert.equal(reply.status, 401);
    const countedAt = async (place: string): Promise<boolean> => {
      const Key = keys.placeAttempts(place);
      return (await cloud.documents.send(new GetCommand({ TableName: TABLE, Key }))).Item !== undefined;
    };
    assert.equal(await countedAt('198.51.100.9'), true);
    assert.equal(await countedAt('unknown'), false);
  });

  it('have nothing there for people, administrators and gateways', async () => {
    for (const path of ['/', '/pair', '/sign-in/x', '/v1/admin/organizations', '/v1/gateway/hello', '/v1/uploads']) {
      assert.equal((await send('GET', path, authorized())).status, 404, path);
    }
  });
});
