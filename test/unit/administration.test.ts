import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { realProviders } from '../../console/view.ts';
import { adminApp } from '../../functions/admin/app.ts';
import { adminUseCases } from '../../shared/usecases/administration/admin-use-cases.ts';
import { putAppRegistration } from '../fakes/console.ts';
import { REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  now,
  openOffice,
  type Process,
  PUBLIC_URL,
  signedInOffice,
  startProcess,
  tokenRequest,
  value,
} from './support.ts';

describe('the administration', () => {
  it('refreshes at once when a person asks, also during the back-off', async () => {
    const world = makeWorld();
    const { process, mailbox, credential } = await signedInOffice(world);
    await advanceSeconds(world, 3601);
    world.microsoft.failNext({ ...unavailable(700), affects: 'grant' });
    failure(await process.fetchToken(tokenRequest(credential)));
    assert.equal(value(await process.administration.mailboxes.refresh(mailbox.id)).lastError, undefined);
    value(await process.fetchToken(tokenRequest(credential)));
  });

  it('binds no device to a mailbox of another organization', async () => {
    const process = startProcess(makeWorld());
    const [ours, theirs] = [await openOffice(process), await openOffice(process, { address: 'scan@fabrikam.example' })];
    const bound = await process.administration.devices.bind(ours.device.clientId, 'scan', theirs.mailbox.id);
    assert.equal(failure(bound).kind, 'not_found');
    assert.equal(failure(await process.fetchToken(tokenRequest(ours.credential))).kind, 'not_signed_in');
    const [binding] = value(await process.administration.devices.get(ours.device.clientId)).bindings;
    assert.equal(binding?.mailboxId, ours.mailbox.id);
  });

  it('removes neither a mailbox in use nor an organization that is not empty', async () => {
    const process = startProcess(makeWorld());
    const { device, mailbox, organization } = await openOffice(process);
    const { devices, mailboxes, organizations } = process.administration;
    assert.equal(failure(await mailboxes.remove(mailbox.id)).kind, 'conflict');
    value(await devices.remove(device.clientId));
    assert.equal(failure(await organizations.remove(organization.id)).kind, 'conflict');
    value(await mailboxes.remove(mailbox.id));
    value(await organizations.remove(organization.id));
  });

  it('shows history newest first, page by page, without a gap or a repeat', async () => {
    const world = makeWorld();
    const process = startProcess(world);
    const { organizations, history } = process.administration;
    for (let count = 0; count < 12; count++) {
      await organizations.create(`Customer ${count}`, 'en');
      await advanceSeconds(world, 1);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await history.audit({ organizationId: undefined, cursor, limit: 5 });
      seen.push(...page.entries.map(({ detail = '' }) => detail));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(
      seen,
      Array.from({ length: 12 }, (_, count) => `Customer ${11 - count}`),
    );
  });
});

const KEY = 'correct-horse-battery-staple';

const call = async (
  process: Process,
  { method = 'GET', key = KEY, path = 'app-registrations', body = undefined as unknown } = {},
) => {
  const app = adminApp({
    ...process,
    ...adminUseCases({ ...process, adminKey: KEY }),
    publicUrl: PUBLIC_URL,
    providers: realProviders,
    secureCookies: true,
    version: '0.0.0',
  });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const reply = await app.request(`/v1/admin/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { status: reply.status, headers: reply.headers, body: json };
};

describe('GET /v1/admin/app-registrations', () => {
  it('answers an empty list before a worker has met any', async () => {
    const { status, body } = await call(startProcess(makeWorld()));
    assert.deepEqual([status, body], [200, { app_registrations: [] }]);
  });

  it('tells of each registration its client secrets and why its provider is being spared', async () => {
    const world = makeWorld();
    const { process, mailbox } = await signedInOffice(world);
    await advanceSeconds(world, 3601);
    world.microsoft.clientSecrets = [{ expiresOn: '2026-12-31' }, {}];
    const refusal = { ...REGISTRATION_REFUSED, refusedClientSecrets: [1], correlationId: 'c-1' };
    world.microsoft.failNext(refusal);
    failure(await process.administration.mailboxes.refresh(mailbox.id));
    assert.equal(now(world), Date.UTC(2026, 11, 1, 1, 0, 1) / 1000);
    await putAppRegistration(process.records, { provider: 'google', clientId: 'id', clientSecrets: [] });
    const { status, body } = await call(process);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      app_registrations: [
        {
          provider: 'microsoft',
          organization_id: null,
          client_id: 'client-at-microsoft',
          client_secrets: [
            { position: 1, expires_on: '2026-12-31', days_left: 30, refused_at: null },
            { position: 2, expires_on: null, days_left: null, refused_at: '2026-12-01T01:00:01Z' },
          ],
          cool_down: {
            cause: 'registration',
            until: '2026-12-01T01:05:01Z',
            since: '2026-12-01T01:00:01Z',
            code: 'AADSTS7000222',
            message: 'The client secret has expired.',
            correlation_id: 'c-1',
            remedy:
              'The operator of the broker must check its app registration: client id, client secret and expiry date.',
          },
        },
        { provider: 'google', organization_id: null, client_id: 'id', client_secrets: [], cool_down: null },
      ],
    });
  });

  it('asks for the admin key, and knows no other method and nothing below it', async () => {
    const process = startProcess(makeWorld());
    const refused = await call(process, { key: 'wrong' });
    assert.deepEqual([refused.status, refused.body.type], [401, 'urn:token-broker:error:invalid_admin_key']);
    const wrongMethod = await call(process, { method: 'POST' });
    assert.deepEqual([wrongMethod.status, wrongMethod.headers.get('allow')], [405, 'GET, HEAD']);
    assert.equal((await call(process, { path: 'app-registrations/microsoft' })).status, 404);
  });
});

describe('/v1/admin/keys', () => {
  it('makes, lists and revokes keys, and shows each once', async () => {
    const process = startProcess(makeWorld());
    const organization = await process.administration.organizations.create('Contoso', 'en');
    const wish = { name: 'Anna', organization_id: organization.id };
    const { status, headers, body } = await call(process, { method: 'POST', path: 'keys', body: wish });
    assert.equal(status, 201);
    assert.equal(headers.get('cache-control'), 'no-store');
    const { admin_key, ...shown } = body;
    const { admin_key_id: id } = shown;
    assert.match(String(admin_key), /^[\w-]{43}$/);
    assert.match(String(id), /^key_[a-hj-km-np-z2-9]{16}$/);
    const expected = { ...wish, admin_key_id: id, created_at: '2026-12-01T00:00:00Z', revoked_at: null };
    assert.deepEqual(shown, expected);
    assert.deepEqual((await call(process, { path: 'keys' })).body, { admin_keys: [expected] });
    const used = { key: String(admin_key), path: `organizations/${organization.id}` };
    assert.equal((await call(process, used)).status, 200);
    for (let time = 0; time < 2; time++) {
      assert.equal((await call(process, { method: 'DELETE', path: `keys/${id}` })).status, 204);
    }
    assert.equal((await call(process, used)).body.type, 'urn:token-broker:error:invalid_admin_key');
    const [revoked] = (await call(process, { path: 'keys' })).body.admin_keys as Record<string, unknown>[];
    assert.equal(revoked?.revoked_at, '2026-12-01T00:00:00Z');
    assert.equal((await call(process, { method: 'DELETE', path: 'keys/key_none' })).status, 404);
  });

  it('makes a key for all where no organization is named', async () => {
    const process = startProcess(makeWorld());
    const { body } = await call(process, { method: 'POST', path: 'keys', body: { name: 'Backup' } });
    assert.equal(body.organization_id, null);
    const key = String(body.admin_key);
    assert.equal(
      (await call(process, { method: 'POST', key, path: 'organizations', body: { name: 'X' } })).status,
      201,
    );
    const { audit } = (await call(process, { key, path: 'audit' })).body as { audit: Record<string, unknown>[] };
    const [by, organizations] = [audit.map((entry) => entry.by), audit.map((entry) => entry.organization_id)];
    assert.deepEqual(by.sort(), ['admin', `admin:${body.admin_key_id}`]);
    assert.ok(organizations.includes(null));
  });

  it('refuses what makes no sense, and makes nothing of it', async () => {
    const process = startProcess(makeWorld());
    for (const [wish, status] of [
      [{}, 400],
      [{ name: ' ' }, 400],
      [{ name: 'A\u0000' }, 400],
      [{ name: 'A', organisation_id: 'org_x' }, 400],
      [{ name: 'A', organization_id: null }, 400],
      [{ name: 'A', organization_id: 'x'.repeat(129) }, 400],
      [{ name: 'A', organization_id: 'org_none' }, 404],
      [{ name: 'A', organization_id: '' }, 400],
    ] as const) {
      const reply = await call(process, { method: 'POST', path: 'keys', body: wish });
      assert.equal(reply.status, status, JSON.stringify(wish));
    }
    assert.deepEqual((await call(process, { path: 'keys' })).body, { admin_keys: [] });
  });
});
