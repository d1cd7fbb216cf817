import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import jsQr from 'jsqr';
import * as oauth from 'oauth4webapi';
import { GifReader } from 'omggif';
import { formIn, makePerson, type Page } from '../../local/demo/person.ts';
import {
  assertCommonHeaders,
  assertOAuthError,
  bind,
  call,
  type Json,
  newDevice,
  newMailbox,
  newOrganization,
  type Reply,
  type WireBroker,
  type WireDevice,
  wireBroker,
} from './support.ts';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

describe('a device at the panel', () => {
  let broker: WireBroker;
  let organizationId: string;
  let device: WireDevice;

  before(async () => {
    broker = await wireBroker();
    organizationId = await newOrganization(broker, 'Contoso');
    device = await newDevice(broker, organizationId);
  });
  after(() => broker.close());

  const post = (path: string, form: Readonly<Record<string, string>>, headers: Record<string, string> = {}) =>
    call(`${broker.url}${path}`, {
      method: 'POST',
      headers: { authorization: device.basic, ...headers },
      body: new URLSearchParams(form),
    });
  const begin = async (form: Readonly<Record<string, string>> = {}, headers: Record<string, string> = {}) => {
    const reply = await post('/oauth/device_authorization', form, headers);
    assert.equal(reply.status, 200, reply.text);
    return reply;
  };
  const poll = (begun: Reply): Promise<Reply> =>
    post('/oauth/token', { grant_type: DEVICE_CODE, device_code: String(begun.body.device_code) });
  const pair = (begun: Reply, username: string): Promise<Page> =>
    makePerson().signIn(String(begun.body.verification_uri_complete), { username, stopAt: 'none' });

  test('is served as RFC 8628 has it, to a client that checks every answer', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(broker.url);
    const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const server = await oauth.processDiscoveryResponse(issuer, discovered);
    const client: oauth.Client = { client_id: device.clientId };
    const told = (error: string) => (thrown: oauth.ResponseBodyError) => thrown.error === error;

    const walk = async (authentication: oauth.ClientAuth, slot: string, username: string) => {
      const asked = await oauth.deviceAuthorizationRequest(server, client, authentication, { slot }, insecure);
      const begun = await oauth.processDeviceAuthorizationResponse(server, client, asked);
      assert.equal(begun.verification_uri, `${broker.url}/pair`);
      const pollOnce = async () => {
        const reply = await oauth.deviceCodeGrantRequest(server, client, authentication, begun.device_code, insecure);
        return oauth.processDeviceCodeResponse(server, client, reply);
      };
      await assert.rejects(pollOnce(), told('authorization_pending'));
      await assert.rejects(pollOnce(), told('slow_down'));
      const address = begun.verification_uri_complete ?? '';
      const end = await makePerson().signIn(address, { username, stopAt: 'none' });
      assert.match(end.body, /data-result="completed"/);
      assert.match(end.body, /go back to the device/);
      // Slowed down once: ten seconds from then on (section 3.5).
      await sleep(10_500);
      const token = await pollOnce();
      assert.deepEqual([token.account, token.slot, token.scope], [username, slot, 'smtp']);

      const refresh = async (refreshToken = '') => {
        const reply = await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, insecure);
        return oauth.processRefreshTokenResponse(server, client, reply);
      };
      const refreshed = await refresh(token.refresh_token);
      assert.equal(refreshed.access_token, token.access_token);
      const again = await refresh(refreshed.refresh_token);
      const revoked = await oauth.revocationRequest(
        server,
        client,
        authentication,
        again.refresh_token ?? '',
        insecure,
      );
      await oauth.processRevocationResponse(revoked);
      await assert.rejects(refresh(again.refresh_token), told('invalid_grant'));
      await assert.rejects(pollOnce(), told('invalid_grant'));
    };
    await Promise.all([
      walk(oauth.ClientSecretBasic(device.clientSecret), 'user:jan', 'jan@contoso.example'),
      walk(oauth.ClientSecretPost(device.clientSecret), 'user:eva', 'eva@contoso.example'),
    ]);
  });

  test('gets a code, an address, an image of both, and a sentence in its language', async () => {
    const reply = await begin({}, { 'accept-language': 'pl' });
    assertCommonHeaders(reply);
    const { device_code, user_code, message, expires_in, interval, ...addresses } = reply.body;
    assert.match(String(device_code), /^[\w-]{43}$/);
    assert.match(String(user_code), /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
    assert.equal(
      message,
      `Aby się zalogować, otwórz ${broker.url}/pair na dowolnym komputerze lub telefonie i wpisz kod ${user_code}.`,
    );
    assert.deepEqual([expires_in, interval], [900, 5]);
    assert.deepEqual(addresses, {
      verification_uri: `${broker.url}/pair`,
      verification_uri_complete: `${broker.url}/pair?user_code=${user_code}`,
      verification_qr_uri: `${broker.url}/pair/qr.gif?user_code=${user_code}`,
    });
    const registration = { authorization: `Bearer ${device.registrationToken}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ client_name: 'Scanner at reception', locale: 'da-DK' });
    assert.equal((await call(device.registrationUri, { method: 'PUT', headers: registration, body })).status, 200);
    assert.match(String((await begin()).body.message), /^Log på ved at åbne/, 'its own, where it asks for none');
    const status = await call(`${broker.url}/v1/status`, {
      headers: { authorization: device.basic },
    });
    assert.equal(status.headers.get('content-language'), 'da');
    const image = await fetch(String(addresses.verification_qr_uri));
    assert.equal(image.headers.get('content-type'), 'image/gif');
    const gif = new GifReader(Buffer.from(await image.arrayBuffer()));
    const pixels = new Uint8ClampedArray(gif.width * gif.height * 4);
    gif.decodeAndBlitFrameRGBA(0, pixels);
    assert.equal(jsQr.default(pixels, gif.width, gif.height)?.data, addresses.verification_uri_complete);
    assert.equal((await call(`${broker.url}/pair/qr.gif?user_code=none`)).status, 404);
  });

  test('has its person sign in at Google, too, where the person chooses it', async () => {
    const begun = await begin({ slot: 'user:ola' });
    const person = makePerson();
    const consent = await person.submit(await person.open(String(begun.body.verification_uri_complete)), undefined);
    const login = await person.submit(consent, ['action', 'continue'], { provider: 'google' });
    const account = await person.submit(login, ['action', 'sign-in'], { username: 'ola@gmail.example' });
    const end = await person.submit(account, ['action', 'accept']);
    assert.match(end.body, /data-result="completed"/);
    const token = await poll(begun);
    assert.deepEqual([token.body.account, token.body.provider], ['ola@gmail.example', 'google']);
  });

  test('shows the person who asks, and for what, in five languages and without a script', async () => {
    const mailboxId = await newMailbox(broker, organizationId, 'microsoft');
    await bind(broker, device.clientId, 'scan', mailboxId);
    const begun = await begin();
    const titles = new Set<string>();
    for (const language of ['en', 'fr', 'pl', 'lt', 'da']) {
      const headers = { 'accept-language': language };
      const first = await call(String(begun.body.verification_uri_complete), { headers });
      assert.match(first.text, new RegExp(`<html lang="${language}">`));
      assert.match(first.text, new RegExp(`value="${begun.body.user_code}"`));
      const body = new URLSearchParams({ user_code: String(begun.body.user_code).toLowerCase() });
      const consent = await call(`${broker.url}/pair`, { method: 'POST', headers, body });
      for (const page of [first, consent]) {
        assert.doesNotMatch(page.text, /<script/i);
        assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
      }
      assert.match(consent.text, /Scanner at reception/);
      assert.match(consent.text, /Contoso/);
      assert.match(consent.text, /scanner@contoso\.example/);
      titles.add(/<h1>(.*?)<\/h1>/.exec(consent.text)?.[1] ?? '');
    }
    assert.equal(titles.size, 5);
  });

  test('is told when the person cancels, and can begin again', async () => {
    const begun = await begin({ slot: 'user:tom' });
    const person = makePerson();
    const consent = await person.submit(await person.open(String(begun.body.verification_uri_complete)), undefined);
    const end = await person.submit(consent, ['action', 'cancel']);
    assert.match(end.body, /data-result="failed"/);
    assertOAuthError(await poll(begun), 400, 'access_denied');
    const another = await begin({ slot: 'user:tom' });
    assert.match((await pair(another, 'tom@contoso.example')).body, /data-result="completed"/);
    assert.equal((await poll(another)).status, 200);
  });

  test('is agreed to by nobody but the browser that showed who asks', async () => {
    const begun = await begin({ slot: 'user:ann' });
    const consentOf = async () => {
      const person = makePerson();
      return person.submit(await person.open(String(begun.body.verification_uri_complete)), undefined);
    };
    const fields = Object.fromEntries(formIn(await consentOf())?.fields ?? []);
    const bare = String(begun.body.user_code).replace('-', '');
    // What anybody can work out who has begun a pairing: the form's own value, and what it would be without a cookie.
    const forged = createHash('sha256').update(`.${bare}`).digest('base64url');
    for (const [cookie, confirmation] of [
      ['', fields.confirmation],
      ['pairing=made-up', fields.confirmation],
      ['', forged],
      ['pairing=', forged],
      ['pairing=x', createHash('sha256').update(`x.${bare}`).digest('base64url')],
    ] as const) {
      const body = new URLSearchParams({ ...fields, confirmation: confirmation ?? '', action: 'continue' });
      const reply = await call(`${broker.url}/pair`, { method: 'POST', headers: { cookie }, body });
      assert.equal(reply.status, 200, 'the question is asked again');
      assert.match(reply.text, /value="continue"/);
    }
    assertOAuthError(await poll(begun), 400, 'authorization_pending');
  });

  test('is not found by a wrong code, whose page says what to do', async () => {
    const body = new URLSearchParams({ user_code: 'BBBB-BBBB' });
    const reply = await call(`${broker.url}/pair`, { method: 'POST', body });
    assert.equal(reply.status, 404);
    assert.match(reply.text, /There is no such code/);
    assert.match(reply.text, /value="BBBB-BBBB"/);
  });

  test('is refused what makes no sense, each with its own error', async () => {
    const refused = async (form: Readonly<Record<string, string>>) => post('/oauth/device_authorization', form);
    assertOAuthError(await refused({ slot: 'kitchen' }), 400, 'invalid_request');
    assertOAuthError(await refused({ scope: 'everything' }), 400, 'invalid_scope');
    assertOAuthError(await refused({ provider: 'yahoo' }), 400, 'invalid_request');
    assertOAuthError(await refused({ login_hint: 'x'.repeat(255) }), 400, 'invalid_request');
    const wrong = { authorization: `Basic ${Buffer.from(`${device.clientId}:wrong`).toString('base64')}` };
    assertOAuthError(await post('/oauth/device_authorization', {}, wrong), 401, 'invalid_client');
    const grant_type = DEVICE_CODE;
    assertOAuthError(await post('/oauth/token', { grant_type }), 400, 'invalid_request');
    assertOAuthError(await post('/oauth/token', { grant_type, device_code: 'made-up' }), 400, 'invalid_grant');
    assertOAuthError(await post('/oauth/token', { grant_type: 'refresh_token' }), 400, 'invalid_request');
    assertOAuthError(await post('/oauth/revoke', {}), 400, 'invalid_request');
    assertOAuthError(await post('/oauth/revoke', { token: 'an-access-token' }), 400, 'unsupported_token_type');
  });

  test('empties the slot of a user who logs out, and leaves the others alone', async () => {
    const begun = await begin({ slot: 'user:liv' });
    await pair(begun, 'liv@contoso.example');
    const token = await poll(begun);
    const fetchFor = (slot: string) => post('/oauth/token', { grant_type: 'client_credentials', slot });
    for (const slot of ['user:liv', 'user:Liv']) assert.equal((await fetchFor(slot)).status, 200);
    const revoked = await post('/oauth/revoke', { token: String(token.body.access_token), slot: 'user:liv' });
    assert.equal(revoked.status, 200);
    assertOAuthError(await fetchFor('user:liv'), 400, 'invalid_grant', { token_status: 'not_acquired' });
    assert.equal((await fetchFor('user:ola')).status, 200);
    const { mailboxes } = await broker.administer('GET', `/organizations/${organizationId}/mailboxes`);
    const liv = (mailboxes as readonly Json[]).find(({ address }) => address === 'liv@contoso.example');
    assert.equal(liv?.token_status, 'not_acquired');
  });
});
