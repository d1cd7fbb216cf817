import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import * as oauth from 'oauth4webapi';
import {
  ADDRESSES,
  arrived,
  assertCommonHeaders,
  assertOAuthError,
  assertProblem,
  type Bound,
  bind,
  boundDevice,
  call,
  enrolmentToken,
  fetchToken,
  freePort,
  type Json,
  newDevice,
  newMailbox,
  newOrganization,
  postMessage,
  postToken,
  rawRequest,
  register,
  signedInDevice,
  signInLink,
  smallMessage,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

/** Of the stand-ins for receiving. */
const ports = { pop: await freePort(), imap: await freePort() };

let broker: WireBroker;
let microsoft: Bound;
let google: Bound;

before(async () => {
  broker = await wireBroker({ STAND_IN_POP_PORT: ports.pop, STAND_IN_IMAP_PORT: ports.imap });
  microsoft = await signedInDevice(broker, 'microsoft');
  google = await signedInDevice(broker, 'google');
});
after(() => broker.close());

/** RFC 3339 in UTC, whole seconds. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** curl, as a device's firmware would do it. Status and body. */
const curl = async (...args: string[]): Promise<{ readonly status: number; readonly body: string }> => {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '-w', '\n%{http_code}', ...args], { timeout: 10_000 });
  const cut = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(cut + 1)), body: stdout.slice(0, cut) };
};

describe('discovery', () => {
  test('is RFC 8414 metadata that names what there is, and nothing else', async () => {
    const reply = await call(`${broker.url}/.well-known/oauth-authorization-server`);
    assert.equal(reply.status, 200);
    assertCommonHeaders(reply);
    assert.equal(reply.body.issuer, broker.url);
    const endpoints = Object.entries(reply.body).filter(([name]) => name.endsWith('_endpoint'));
    assert.ok(endpoints.length >= 2);
    for (const [name, url] of endpoints) {
      const { status } = await call(String(url), { method: 'POST' });
      assert.ok(status !== 404 && status !== 405, `${name} answers ${status}`);
    }
    for (const grantType of reply.body.grant_types_supported as string[]) {
      const { body } = await postToken(broker, { grant_type: grantType }, microsoft.device.basic);
      assert.notEqual(body.error, 'unsupported_grant_type', grantType);
    }
  });

  test('and client credentials work with a certified client, by Basic and by form', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(broker.url);
    const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const server = await oauth.processDiscoveryResponse(issuer, discovered);
    const { clientId, clientSecret } = google.device;
    const client: oauth.Client = { client_id: clientId };
    for (const method of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
      const parameters = { scope: 'imap', slot: 'scan' };
      const authentication = method(clientSecret);
      const reply = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, insecure);
      const token = await oauth.processClientCredentialsResponse(server, client, reply);
      assert.equal(token.token_type, 'bearer');
      assert.equal(token.scope, 'imap');
      assert.equal(token.account, ADDRESSES.google);
      assert.ok((token.expires_in ?? 0) > 3000);
    }
    const wrong = oauth.ClientSecretBasic('wrong');
    const refused = await oauth.clientCredentialsGrantRequest(server, client, wrong, {}, insecure);
    await assert.rejects(
      () => oauth.processClientCredentialsResponse(server, client, refused),
      (error: oauth.WWWAuthenticateChallengeError) => error.cause[0]?.scheme === 'basic' && error.status === 401,
    );
  });

  test('leads the certified client through registration, too', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const server = { issuer: broker.url, registration_endpoint: `${broker.url}/oauth/register` };
    const initialAccessToken = await enrolmentToken(broker, microsoft.organizationId);
    const metadata = { client_name: 'By the certified client' };
    const reply = await oauth.dynamicClientRegistrationRequest(server, metadata, { initialAccessToken, ...insecure });
    const client = await oauth.processDynamicClientRegistrationResponse(reply);
    assert.equal(client.client_secret_expires_at, 0);
    assert.match(client.client_id, /^[a-hj-km-np-z2-9]{12}$/);
  });
});

describe('registration', () => {
  const METADATA = {
    client_name: 'Scanner at reception',
    software_id: 'firmware',
    software_version: '1.2.3',
    vendor: 'Example',
    model: 'MFP 9000',
    serial_number: 'SN-0815',
    location: 'Hall, 2nd floor',
    locale: 'de-AT',
  };

  test('answers with all that the device needs, and with what it said of itself', async () => {
    const before = Math.floor(Date.now() / 1000);
    const reply = await register(broker, await enrolmentToken(broker, microsoft.organizationId), {
      ...METADATA,
      redirect_uris: ['https://unknown.example/is-ignored'],
      grant_types: ['password'],
    });
    assert.equal(reply.status, 201);
    assertCommonHeaders(reply);
    const { body } = reply;
    // Short enough for old panels, from an alphabet without look-alikes.
    assert.match(String(body.client_id), /^[a-hj-km-np-z2-9]{1,12}$/);
    assert.match(String(body.client_secret), /^[a-hj-km-np-z2-9]{20,24}$/);
    assert.ok(Number(body.client_id_issued_at) >= before && Number(body.client_id_issued_at) <= before + 30);
    assert.equal(body.client_secret_expires_at, 0);
    assert.ok(String(body.registration_access_token).length >= 32);
    assert.equal(body.registration_client_uri, `${broker.url}/oauth/register/${body.client_id}`);
    assert.deepEqual(body.grant_types, [
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:device_code',
      'refresh_token',
    ]);
    assert.equal(body.token_endpoint_auth_method, 'client_secret_basic');
    assert.equal(body.redirect_uris, undefined);
    for (const [name, value] of Object.entries(METADATA)) assert.equal(body[name], value);
  });

  test('is read, changed, given a new secret, and removed by its own token (RFC 7592)', async () => {
    const { registrationUri, registrationToken, basic } = await newDevice(broker, microsoft.organizationId);
    const manage = (method: string, body?: Json) =>
      call(registrationUri, {
        method,
        headers: { authorization: `Bearer ${registrationToken}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });

    const read = await manage('GET');
    assert.equal(read.status, 200);
    assertCommonHeaders(read);
    assert.equal(read.body.client_name, 'Scanner at reception');
    assert.equal(read.body.client_secret, undefined);
    // RFC 7592 section 3: required in every reply.
    assert.equal(read.body.registration_access_token, registrationToken);
    assert.equal(read.body.registration_client_uri, registrationUri);

    const renamed = await manage('PUT', { client_id: read.body.client_id, client_name: 'In the cellar', model: 'X' });
    assert.equal(renamed.status, 200);
    assert.equal(renamed.body.client_secret, undefined);
    assert.equal(renamed.body.registration_access_token, registrationToken);
    assert.equal(renamed.body.registration_client_uri, registrationUri);
    assert.equal((await manage('GET')).body.client_name, 'In the cellar');
    assert.equal((await call(`${broker.url}/v1/status`, { headers: { authorization: basic } })).status, 200);

    const rotated = await manage('PUT', { client_name: 'In the cellar', rotate_secret: true });
    const secret = String(rotated.body.client_secret);
    assert.match(secret, /^[a-hj-km-np-z2-9]{20,24}$/);
    // RFC 7592 section 2.2: what is left out is removed.
    assert.equal(rotated.body.model, undefined);
    assert.equal(rotated.body.registration_access_token, registrationToken);
    const statusWith = async (authorization: string) =>
      (await call(`${broker.url}/v1/status`, { headers: { authorization } })).status;
    const rotatedBasic = `Basic ${Buffer.from(`${read.body.client_id}:${secret}`).toString('base64')}`;
    assert.deepEqual([await statusWith(basic), await statusWith(rotatedBasic)], [200, 200]);

    const foreign = await manage('PUT', { client_secret: 'not-its-own', client_name: 'x' });
    assertOAuthError(foreign, 400, 'invalid_client_metadata');
    const other = await manage('PUT', { client_id: 'another', client_name: 'x' });
    assertOAuthError(other, 400, 'invalid_client_metadata');
    const removed = await manage('DELETE');
    assert.equal(removed.status, 204);
    assert.equal(removed.text, '');
    assertCommonHeaders(removed);
    assertOAuthError(await manage('GET'), 401, 'invalid_token');
  });

  test('wants its own token, and says so by WWW-Authenticate', async () => {
    const { registrationUri } = microsoft.device;
    for (const authorization of [undefined, 'Bearer wrong', `Bearer ${google.device.registrationToken}`]) {
      const reply = await call(registrationUri, { headers: authorization === undefined ? {} : { authorization } });
      assertOAuthError(reply, 401, 'invalid_token');
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer realm="registration", error="invalid_token"');
    }
  });
});

describe('wrong secrets', () => {
  test('are answered with 429 and a wait in the end, where they came from, and nowhere else', async () => {
    const { clientId, clientSecret } = await newDevice(broker, microsoft.organizationId);
    const present = (secret: string, forwarded: string) => {
      const authorization = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
      return call(`${broker.url}/v1/token`, { headers: { authorization, 'x-forwarded-for': forwarded } });
    };
    const replies = [];
    for (let time = 0; time < 12; time++) replies.push(await present('wrong', '198.51.100.1, 203.0.113.5'));
    assert.deepEqual([...new Set(replies.slice(0, 10).map(({ status }) => status))], [401]);
    for (const reply of replies.slice(10)) {
      assertOAuthError(reply, 429, 'slow_down');
      assert.match(reply.headers.get('retry-after') ?? '', /^[12]$/);
    }
    assertOAuthError(await present(clientSecret, '203.0.113.5'), 429, 'slow_down');
    // The first of the list is what somebody told the proxy: no way around the lock.
    assertOAuthError(await present(clientSecret, '198.51.100.9, 203.0.113.5'), 429, 'slow_down');
    assertOAuthError(await present(clientSecret, '203.0.113.6'), 400, 'invalid_grant');
  });
});

describe('the admin API', () => {
  test('changes the fields of a device that are named, and keeps the others', async () => {
    const { clientId, basic } = await newDevice(broker, microsoft.organizationId);
    const path = `/devices/${clientId}`;
    const metadata = {
      client_name: 'Scanner in the cellar',
      software_id: 'firmware',
      software_version: '1.2.3',
      vendor: 'Example',
      model: 'MFP 9000',
      serial_number: 'SN-0815',
      location: 'Cellar',
      locale: 'de-AT',
    };
    let expected: Json = await broker.administer('GET', path);
    for (const changes of [
      metadata,
      { location: 'Attic' },
      { enabled: false },
      { enabled: true, model: 'MFP 9001', client_name: 'Scanner in the attic' },
    ]) {
      expected = { ...expected, ...changes };
      const { bindings: _, ...shown } = expected;
      assert.deepEqual(await broker.administer('PATCH', path, changes), shown);
      assert.deepEqual(await broker.administer('GET', path), expected);
    }
    assert.equal((await call(`${broker.url}/v1/status`, { headers: { authorization: basic } })).status, 200);
  });

  test('gives a new secret beside the old one, for as long as is asked', async () => {
    const { clientId, basic } = await newDevice(broker, microsoft.organizationId);
    const rotate = (body?: Json) => broker.administer('POST', `/devices/${clientId}/secret`, body);
    const statusWith = async (authorization: string) =>
      (await call(`${broker.url}/v1/status`, { headers: { authorization } })).status;
    const basicOf = ({ client_secret }: Json) =>
      `Basic ${Buffer.from(`${clientId}:${client_secret}`).toString('base64')}`;

    const second = await rotate();
    const until = Date.parse(String(second.former_secret_valid_until)) - Date.now();
    assert.ok(Math.abs(until - 7 * 86_400_000) < 60_000);
    const shown = await broker.administer('GET', `/devices/${clientId}`);
    assert.equal(shown.former_secret_valid_until, second.former_secret_valid_until);
    assert.deepEqual([await statusWith(basic), await statusWith(basicOf(second))], [200, 200]);

    const third = await rotate({ grace_period: 0 });
    assert.equal(third.former_secret_valid_until, null);
    const statuses = [await statusWith(basic), await statusWith(basicOf(second)), await statusWith(basicOf(third))];
    assert.deepEqual(statuses, [401, 401, 200]);
    for (const grace_period of [-1, 1.5, '60', 31 * 86_400]) {
      assertProblem(
        await broker.admin('POST', `/devices/${clientId}/secret`, { grace_period }),
        400,
        'invalid_request',
      );
    }
  });

  test('lists the enrolment tokens of an organization, and revokes them', async () => {
    const { organization_id } = await broker.administer('POST', '/organizations', { name: 'Fabrikam' });
    const path = `/organizations/${organization_id}/enrolment-tokens`;
    const made = await broker.administer('POST', path, { uses: 2 });
    const register = () =>
      call(`${broker.url}/oauth/register`, {
        method: 'POST',
        headers: { authorization: `Bearer ${made.enrolment_token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ client_name: 'Printer' }),
      });
    const listed = async () => {
      const { enrolment_tokens } = await broker.administer('GET', path);
      return (enrolment_tokens as readonly Json[])[0];
    };
    assert.equal((await register()).status, 201);
    const { enrolment_token: _, ...shown } = made;
    assert.deepEqual(await listed(), { ...shown, uses_left: 1 });

    const one = `${path}/${made.enrolment_token_id}`;
    assertProblem(
      await broker.admin('DELETE', `/organizations/${microsoft.organizationId}/enrolment-tokens/x`),
      404,
      'not_found',
    );
    for (let time = 0; time < 2; time++) assert.equal((await broker.admin('DELETE', one)).status, 204);
    assertOAuthError(await register(), 401, 'invalid_token');
    const revoked = await listed();
    assert.deepEqual([revoked?.state, revoked?.uses, revoked?.uses_left], ['revoked', 2, 0]);
    assertProblem(await broker.admin('GET', '/organizations/org_none/enrolment-tokens'), 404, 'not_found');
  });

  test('shows the history of one organization, and of none that does not exist', async () => {
    const { organizationId } = microsoft;
    const { audit } = await broker.administer('GET', `/audit?organization_id=${organizationId}`);
    const owners = (audit as readonly Json[]).map(({ organization_id }) => organization_id);
    assert.deepEqual([...new Set(owners)], [organizationId]);
    assert.equal((await broker.admin('GET', `/submissions?organization_id=${organizationId}`)).status, 200);
    for (const list of ['audit', 'submissions']) {
      assertProblem(await broker.admin('GET', `/${list}?organization_id=org_none`), 404, 'not_found');
    }
  });
});

describe('the token endpoint', () => {
  const assertToken = (token: Json, { address }: Bound, provider: string, scope: string) => {
    const { access_token, expires_in, server, sasl_xoauth2, ...rest } = token;
    assert.deepEqual(rest, { token_type: 'Bearer', scope, account: address, provider, slot: 'scan' });
    assert.ok(String(access_token).length > 20);
    assert.ok(Number.isInteger(expires_in) && Number(expires_in) > 3000 && Number(expires_in) <= 3600);
    const { host, port, security } = server as Json;
    assert.ok(typeof host === 'string' && Number.isInteger(port));
    assert.match(String(security), /^(starttls|tls)$/);
    const decoded = Buffer.from(String(sasl_xoauth2), 'base64').toString();
    assert.equal(decoded, `user=${address}\x01auth=Bearer ${access_token}\x01\x01`);
  };

  test('answers client credentials by Basic and by form alike, with every field', async () => {
    for (const [bound, provider] of [[microsoft, 'microsoft'] as const, [google, 'google'] as const]) {
      const { clientId: client_id, clientSecret: client_secret, basic } = bound.device;
      const grant_type = 'client_credentials';
      const byHeader = await postToken(broker, { grant_type }, basic);
      const byForm = await postToken(broker, { grant_type, client_id, client_secret, scope: 'smtp', slot: 'scan' });
      for (const reply of [byHeader, byForm]) {
        assert.equal(reply.status, 200, reply.text);
        assertCommonHeaders(reply);
        assert.equal(reply.headers.get('pragma'), 'no-cache');
        assertToken(reply.body, bound, provider, 'smtp');
      }
      assert.equal(byForm.body.access_token, byHeader.body.access_token);
    }
  });

  test('takes the client id in any letter case, the secret only as it is', async () => {
    const { clientId, clientSecret } = microsoft.device;
    const post = (client_id: string, client_secret: string) =>
      postToken(broker, { grant_type: 'client_credentials', client_id, client_secret });
    assert.equal((await post(clientId.toUpperCase(), clientSecret)).status, 200);
    assert.equal((await post(clientId, clientSecret.toUpperCase())).status, 401);
  });

  test('gives a token for each protocol that the provider offers, with the fitting server', async () => {
    const ask = (scope: string, { device }: Bound) =>
      postToken(broker, { grant_type: 'client_credentials', scope }, device.basic);
    for (const scope of ['smtp', 'imap', 'pop']) {
      assertToken((await ask(scope, microsoft)).body, microsoft, 'microsoft', scope);
      assertToken((await ask(scope, google)).body, google, 'google', scope);
    }
    const imap = (await ask('imap', google)).body;
    assert.deepEqual(imap.server, { host: '127.0.0.1', port: Number(ports.imap), security: 'tls' });
    const tokens = new Set<unknown>();
    for (const bound of [microsoft, google]) {
      const api = (await ask('api', bound)).body;
      assert.equal(api.scope, 'api');
      assert.equal(api.server, undefined);
      assert.equal(api.sasl_xoauth2, undefined);
      for (const scope of ['smtp', 'imap', 'pop']) tokens.add((await ask(scope, bound)).body.access_token);
      tokens.add(api.access_token);
    }
    assert.equal(tokens.size, 8, 'each its own');
    assertOAuthError(await ask('fax', google), 400, 'invalid_scope');
  });

  test('refuses `api` with the reason where consent to it is missing, and goes on for mail', async () => {
    const account = ADDRESSES.microsoft;
    const consent = { account, scope: 'https://graph.microsoft.com/Mail.Send' };
    await broker.control('POST', 'microsoft/consents', { ...consent, given: false });
    const bound = await signedInDevice(broker, 'microsoft');
    const ask = (scope: string) => fetchToken(broker, bound.device, `?scope=${scope}`);
    for (let time = 0; time < 2; time++) {
      const refused = await ask('api');
      assertOAuthError(refused, 400, 'invalid_scope', { actor: 'person', panel_code: 370 });
      assert.match(String(refused.body.error_description), /not for the scope api\..*consent/);
    }
    const calls = async () => (await broker.control('GET', 'microsoft/counters'))['token:refresh_token'];
    const before = await calls();
    assertOAuthError(await ask('api'), 400, 'invalid_scope');
    assert.equal(await calls(), before);
    for (const scope of ['smtp', 'imap']) assert.equal((await ask(scope)).status, 200, scope);
    await broker.control('POST', 'microsoft/consents', { ...consent, given: true });
  });

  test('gives a token that is fresher than min_ttl, or as fresh as the provider makes them', async () => {
    const { expires_in } = (await fetchToken(broker, microsoft.device, '?min_ttl=86400')).body;
    assert.ok(Number(expires_in) > 3590 && Number(expires_in) <= 3600);
    for (const wrong of ['-1', '1.5', 'soon', '86401', '0x10']) {
      assertOAuthError(await fetchToken(broker, microsoft.device, `?min_ttl=${wrong}`), 400, 'invalid_request');
    }
  });

  test('serves firmware that can only GET, as JSON and as the bare token, to curl', async () => {
    const { clientId, clientSecret } = microsoft.device;
    const url = `${broker.url}/v1/token?scope=smtp&slot=scan&min_ttl=60`;
    const json = await curl('-u', `${clientId}:${clientSecret}`, url);
    assert.equal(json.status, 200);
    const token = JSON.parse(json.body) as Json;
    assertToken(token, microsoft, 'microsoft', 'smtp');
    const bare = await curl('-u', `${clientId}:${clientSecret}`, '-H', 'Accept: text/plain', url);
    assert.deepEqual(bare, { status: 200, body: token.access_token });
    const posted = await curl(
      '-u',
      `${clientId}:${clientSecret}`,
      '-d',
      'grant_type=client_credentials',
      `${broker.url}/oauth/token`,
    );
    assert.equal((JSON.parse(posted.body) as Json).access_token, token.access_token);
  });

  test('answers the bare token uncached, and an error as JSON all the same', async () => {
    const accept = 'text/plain';
    const url = `${broker.url}/v1/token`;
    const bare = await call(url, { headers: { authorization: microsoft.device.basic, accept } });
    assertCommonHeaders(bare);
    assert.match(bare.headers.get('content-type') ?? '', /^text\/plain\b/);
    assert.doesNotMatch(bare.text, /\s/);
    assertOAuthError(await call(url, { headers: { accept } }), 401, 'invalid_client');
  });

  test('answers the cases of the documented table', async () => {
    const wrong = await postToken(broker, { grant_type: 'client_credentials' }, 'Basic d3Jvbmc6d3Jvbmc=');
    assertOAuthError(wrong, 401, 'invalid_client', { actor: 'operator' });
    assert.match(wrong.headers.get('www-authenticate') ?? '', /^Basic realm=/);

    const notSignedIn = await boundDevice(broker, 'microsoft', 'office@contoso.example');
    const never = { token_status: 'not_acquired', panel_code: 360 };
    assertOAuthError(await fetchToken(broker, notSignedIn.device), 400, 'invalid_grant', { ...never, actor: 'person' });
    const unbound = await fetchToken(broker, microsoft.device, '?slot=alerts');
    assertOAuthError(unbound, 400, 'invalid_grant', { ...never, actor: 'operator' });

    await broker.administer('PATCH', `/devices/${notSignedIn.device.clientId}`, { enabled: false });
    assertOAuthError(await fetchToken(broker, notSignedIn.device), 401, 'invalid_client');
  });

  test('tells a sign-in that the provider ended from one that a person ended', async () => {
    const lapsed = await signedInDevice(broker, 'microsoft', 'lapsed@contoso.example');
    await broker.control('POST', 'microsoft/revocations', { account: 'lapsed@contoso.example' });
    // No token for IMAP is at hand yet, so the provider is asked, and says no.
    for (const query of ['?scope=imap', '']) {
      const ended = await fetchToken(broker, lapsed.device, query);
      assertOAuthError(ended, 400, 'invalid_grant', { token_status: 'invalid', actor: 'person' });
      assert.ok(ended.body.panel_code === 361 || ended.body.panel_code === 370);
    }

    await broker.administer('DELETE', `/mailboxes/${lapsed.mailboxId}/grant`);
    const signedOut = { token_status: 'not_acquired', panel_code: 370 };
    assertOAuthError(await fetchToken(broker, lapsed.device), 400, 'invalid_grant', signedOut);
  });

  test('says that it passes while the provider is down, and whose turn it is when the app registration is', async (t) => {
    // A broker of its own: it spares its providers for a while afterwards.
    const broker = await wireBroker();
    t.after(() => broker.close());
    const down = await signedInDevice(broker, 'google', 'down@gmail.example');
    await broker.control('POST', 'google/faults', {
      place: 'token',
      fault: { kind: 'reply', status: 503, headers: { 'retry-after': '77' } },
    });
    const unavailable = await fetchToken(broker, down.device, '?scope=api');
    assertOAuthError(unavailable, 503, 'temporarily_unavailable', { panel_code: 360, actor: 'nobody' });
    const wait = Number(unavailable.headers.get('retry-after'));
    assert.ok(wait >= 70 && wait <= 77, `Retry-After: ${wait}`);

    const another = await signedInDevice(broker, 'microsoft', 'refused@contoso.example');
    await broker.control('POST', 'microsoft/faults', {
      place: 'token',
      fault: { kind: 'reply', status: 401, body: { error: 'invalid_client' } },
    });
    const operator = await fetchToken(broker, another.device, '?scope=imap');
    assertOAuthError(operator, 503, 'temporarily_unavailable', { actor: 'operator', panel_code: 360 });
    assert.ok(Number(operator.headers.get('retry-after')) > 0);
    // The mailbox itself stands as it stood.
    assert.equal((await fetchToken(broker, another.device)).status, 200);
    // And a person who has mended the registration need not wait for the broker to look again.
    await broker.administer('POST', `/mailboxes/${another.mailboxId}/refresh`);
    assert.equal((await fetchToken(broker, another.device, '?scope=imap')).status, 200);
  });
});

describe('the status', () => {
  const statusIn = (language: string, { device }: Bound) =>
    call(`${broker.url}/v1/status`, { headers: { authorization: device.basic, 'accept-language': language } });

  test('shows every slot with every field', async () => {
    const { device, mailboxId, address } = microsoft;
    await bind(broker, device.clientId, 'receive', mailboxId);
    await fetchToken(broker, device);
    const { bindings } = await broker.administer('GET', `/devices/${device.clientId}`);
    const fetched = (bindings as readonly Json[]).map(({ slot, fetched_since_sign_in }) => [
      slot,
      fetched_since_sign_in,
    ]);
    assert.deepEqual(Object.fromEntries(fetched), { scan: true, receive: false });
    const reply = await statusIn('en', microsoft);
    assert.equal(reply.status, 200);
    assertCommonHeaders(reply);
    assert.equal((reply.body.device as Json).client_id, device.clientId);
    assert.equal((reply.body.device as Json).client_name, 'Scanner at reception');
    assert.equal((reply.body.device as Json).sender_policy, 'user_may_change');
    const slots = reply.body.slots as readonly Json[];
    const of = (name: string) => slots.find(({ slot }) => slot === name);
    const { access_token_expires_at, lapses_at, last_fetched_at, server, ...rest } = of('scan') ?? {};
    assert.deepEqual(rest, {
      slot: 'scan',
      token_status: 'acquired',
      label: 'Acquired',
      account: address,
      provider: 'microsoft',
      sender_addresses: [address],
      fetched_since_sign_in: true,
      mail_held: false,
      panel_code: null,
      message: null,
      remedy: null,
    });
    for (const time of [access_token_expires_at, lapses_at, last_fetched_at]) assert.match(String(time), TIME);
    assert.ok(Date.parse(String(lapses_at)) > Date.parse(String(access_token_expires_at)));
    assert.equal((server as Json).security, 'starttls');
    assert.equal(of('receive')?.fetched_since_sign_in, false, 'signed in, and not fetched since (R29)');
    assert.deepEqual(of('receive')?.server, { host: '127.0.0.1', port: Number(ports.pop), security: 'tls' });
  });

  test('speaks five languages, and English to everybody else', async () => {
    const bound = await boundDevice(broker, 'google', 'office@gmail.example');
    const texts = new Set<string>();
    const labels = new Set<string>();
    for (const [wish, language] of [
      ['en', 'en'],
      ['fr-CA, en;q=0.5', 'fr'],
      ['de, pl;q=0.9, en;q=0.1', 'pl'],
      ['lt', 'lt'],
      ['da-DK', 'da'],
      ['xx', 'en'],
      ['', 'en'],
    ] as const) {
      const reply = await statusIn(wish, bound);
      assert.equal(reply.headers.get('content-language'), language);
      const [slot] = reply.body.slots as readonly Json[];
      assert.equal(slot?.token_status, 'not_acquired');
      assert.equal(slot?.panel_code, 360);
      texts.add(`${slot?.message} ${slot?.remedy}`);
      labels.add(String(slot?.label));
    }
    assert.equal(texts.size, 5);
    assert.equal(labels.size, 5);

    await signInLink(broker, bound.mailboxId);
    const [waiting] = (await statusIn('en', bound)).body.slots as readonly Json[];
    assert.equal(waiting?.token_status, 'waiting');
    assert.equal(waiting?.label, 'Waiting for authentication');
  });

  test('shows a device without a mailbox an empty default slot, and a stranger nothing', async () => {
    const device = await newDevice(broker, await newOrganization(broker));
    const { body } = await call(`${broker.url}/v1/status`, { headers: { authorization: device.basic } });
    const [slot] = body.slots as readonly Json[];
    assert.equal(slot?.slot, 'scan');
    assert.equal(slot?.panel_code, 360);
    assert.equal(slot?.account, null);
    const stranger = await call(`${broker.url}/v1/status`, { headers: { 'accept-language': 'pl' } });
    assertProblem(stranger, 401, 'invalid_client', { error: 'invalid_client' });
    assert.match(stranger.headers.get('www-authenticate') ?? '', /^Basic realm=/);
  });
});

describe('the relay', () => {
  test('takes a message, says what became of it, and sends it to whom the envelope says', async () => {
    const messageId = '<relay-1@example.org>';
    const message = smallMessage(microsoft.address, messageId).replace('Subject', 'Bcc: secret@example.org\r\nSubject');
    const accepted = await postMessage(broker, microsoft.device, message, {
      'x-envelope-to': 'one@example.org, <two@example.org>,one@example.org',
    });
    assert.equal(accepted.status, 202);
    assertCommonHeaders(accepted);
    assert.equal(accepted.body.account, microsoft.address);
    assert.match(String(accepted.body.state), /^(queued|sending|sent)$/);
    const sent = await submissionIn(broker, microsoft.device, accepted.body.submission_id, 'sent');
    assert.equal(sent.attempts, 1);
    assert.equal(sent.message_id, messageId);
    assert.match(String(sent.last_response), /^250 /);
    assert.deepEqual(sent.rejected_recipients, []);
    const found = (await arrived(broker)).find(({ raw }) => raw.includes(messageId));
    assert.deepEqual(found?.envelope_to, ['one@example.org', 'two@example.org']);
    assert.equal(found?.envelope_from, microsoft.address);
    assert.doesNotMatch(found?.raw ?? '', /secret@example\.org/);
  });

  test('without an envelope takes To, Cc and Bcc, and adds what is missing, from curl', async () => {
    const { clientId, clientSecret } = google.device;
    const message = 'To: a@example.org\nCc: b@example.org\nBcc: c@example.org\nSubject: bare\n\nLine\n';
    const args = ['-u', `${clientId}:${clientSecret}`, '-H', 'Content-Type: message/rfc822', '--data-binary', message];
    const { status, body } = await curl(...args, `${broker.url}/v1/messages`);
    assert.equal(status, 202, body);
    const { submission_id } = JSON.parse(body) as Json;
    const sent = await submissionIn(broker, google.device, submission_id, 'sent');
    const found = (await arrived(broker)).find(({ raw }) => raw.includes(String(sent.message_id)));
    assert.deepEqual(found?.envelope_to, ['a@example.org', 'b@example.org', 'c@example.org']);
    assert.match(found?.raw ?? '', new RegExp(`^From: ${google.address}`, 'm'));
    assert.match(found?.raw ?? '', /^Date: /m);
    assert.doesNotMatch(found?.raw ?? '', /c@example\.org|[^\r]\n/);
  });

  test('makes one submission of an Idempotency-Key, however often it is sent', async () => {
    const message = smallMessage(microsoft.address, '<once@example.org>');
    const send = () => postMessage(broker, microsoft.device, message, { 'idempotency-key': 'job-1' });
    const replies = [...(await Promise.all([send(), send(), send()])), await send()];
    assert.deepEqual([...new Set(replies.map(({ status }) => status))], [202]);
    const ids = new Set(replies.map(({ body }) => body.submission_id));
    assert.equal(ids.size, 1);
    await submissionIn(broker, microsoft.device, [...ids][0], 'sent');
    assert.equal((await arrived(broker)).filter(({ raw }) => raw.includes('<once@example.org>')).length, 1);
    const other = await postMessage(broker, google.device, smallMessage(google.address, '<x@example.org>'), {
      'idempotency-key': 'job-1',
    });
    assert.equal(other.status, 202);
    assert.ok(!ids.has(other.body.submission_id));
  });

  test('refuses with 401, 403, 404, 409, 413, 415 and 422, each as problem details', async () => {
    const { device, address } = microsoft;
    const message = smallMessage(address, '<refused@example.org>');
    const url = `${broker.url}/v1/messages`;
    const headers = { authorization: device.basic, 'content-type': 'message/rfc822' };
    assertProblem(await call(url, { method: 'POST', body: message }), 401, 'invalid_client');
    const foreign = smallMessage('boss@contoso.example', '<refused@example.org>');
    assertProblem(await postMessage(broker, device, foreign), 403, 'sender_not_allowed', { error: 'access_denied' });
    const plain = { method: 'POST', headers: { ...headers, 'content-type': 'text/plain' }, body: message };
    assertProblem(await call(url, plain), 415, 'unsupported_media_type');
    assertProblem(await postMessage(broker, device, 'Hello there'), 422, 'not_a_message');
    // Announced, and refused before it is sent.
    const announced = `POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: message/rfc822\r\n`;
    const large = `${announced}Authorization: ${device.basic}\r\nContent-Length: 4500001\r\n\r\n`;
    const tooLarge = await rawRequest(broker.url, large);
    assert.match(tooLarge, /^HTTP\/1\.1 413 /);
    assert.match(tooLarge, /"type":"urn:token-broker:error:message_too_large"/);
    const unbound = await call(`${url}?slot=fax`, { method: 'POST', headers, body: message });
    assertProblem(unbound, 409, 'slot_not_bound', { panel_code: 360 });

    const { body } = await postMessage(broker, device, smallMessage(address, '<mine@example.org>'));
    const mine = await call(`${url}/${body.submission_id}`, { headers: { authorization: google.device.basic } });
    assertProblem(mine, 404, 'not_found');
    await submissionIn(broker, device, body.submission_id, 'sent');
  });
});

describe('every endpoint', () => {
  test('answers a wrong method with 405 and the right ones in Allow', async () => {
    for (const [method, path, allow] of [
      ['GET', '/oauth/token', 'POST'],
      ['PUT', '/oauth/register', 'POST'],
      ['POST', '/oauth/register/abc', 'GET, HEAD, PUT, DELETE'],
      ['DELETE', '/v1/token', 'GET, HEAD'],
      ['POST', '/v1/status', 'GET, HEAD'],
      ['PUT', '/v1/messages', 'POST'],
      ['POST', '/.well-known/oauth-authorization-server', 'GET, HEAD'],
      ['POST', '/health', 'GET, HEAD'],
    ] as const) {
      const reply = await call(`${broker.url}${path}`, { method });
      assert.equal(reply.status, 405, `${method} ${path}`);
      assertCommonHeaders(reply);
      assert.equal(reply.headers.get('allow'), allow, `${method} ${path}`);
    }
  });

  test('answers what is not there with 404 and problem details', async () => {
    for (const path of ['/nothing', '/oauth/nothing', '/v1/nothing', '/v1/status/']) {
      assertProblem(await call(`${broker.url}${path}`), 404, 'not_found');
    }
  });

  test('wants the right content type, and not too much of it', async () => {
    const headers = { authorization: microsoft.device.basic, 'content-type': 'application/json' };
    const json = await call(`${broker.url}/oauth/token`, { method: 'POST', headers, body: '{}' });
    assertOAuthError(json, 415, 'invalid_request');
    const form = await call(`${broker.url}/oauth/register`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
    assertOAuthError(form, 415, 'invalid_request');
    const large = await postToken(broker, { grant_type: 'client_credentials', padding: 'a'.repeat(70_000) });
    assertOAuthError(large, 413, 'invalid_request');
  });

  test('answers headers beyond 16 KB with 431 in the same shape', async () => {
    const filler = `X-Filler: ${'a'.repeat(17_000)}`;
    const reply = await rawRequest(broker.url, `GET /health HTTP/1.1\r\nHost: localhost\r\n${filler}\r\n\r\n`);
    assert.match(reply, /^HTTP\/1\.1 431 /);
    assert.match(reply, /^X-Request-Id: req_/im);
    assert.match(reply, /"type":"urn:token-broker:error:headers_too_large"/);
  });

  test('gives every reply a request id of its own', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await call(`${broker.url}/health`)).headers.get('x-request-id')),
    );
    assert.equal(new Set(ids).size, 20);
  });

  test('serves a mailbox only within its organization', async () => {
    const elsewhere = await newMailbox(broker, await newOrganization(broker), 'google', 'office@gmail.example');
    const path = `/devices/${microsoft.device.clientId}/bindings/fax`;
    assert.equal((await broker.admin('PUT', path, { mailbox_id: elsewhere })).status, 404);
  });
});
