import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { realProviders } from '../../console/view.ts';
import { adminApp } from '../../functions/admin/app.ts';
import { adminKeyCheck } from '../../shared/usecases/check-admin-key.ts';
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

describe('GET /v1/admin/app-registrations', () => {
  const KEY = 'correct-horse-battery-staple';

  const call = async (process: Process, { method = 'GET', key = KEY, path = 'app-registrations' } = {}) => {
    const app = adminApp({
      ...process,
      sessions: process.records.sessions,
      ...adminKeyCheck({ ...process, adminKey: KEY }),
      publicUrl: PUBLIC_URL,
      providers: realProviders,
      secureCookies: true,
      version: '0.0.0',
    });
    const headers = { authorization: `Bearer ${key}` };
    const reply = await app.request(`/v1/admin/${path}`, { method, headers });
    return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Record<string, unknown> };
  };

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
        { provider: 'google', client_id: 'id', client_secrets: [], cool_down: null },
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
