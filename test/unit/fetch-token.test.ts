import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { countingTable } from '../fakes/counting-table.ts';
import { makeFuse } from '../fakes/fuse.ts';
import { INVALID_GRANT, REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  everythingAtRest,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

describe('fetchToken', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const fetch = (changes = {}, by = process) => by.fetchToken(tokenRequest(office.credential, changes));

  it('gives the token of the sign-in, with where to use it', async () => {
    const token = value(await fetch());
    assert.deepEqual(token, {
      accessToken: world.microsoft.issued.at(-1)?.accessToken,
      expiresInSeconds: 3600,
      audience: 'smtp',
      account: 'scan@contoso.example',
      provider: 'microsoft',
      slot: 'scan',
      server: { host: 'smtp.microsoft.example', port: 587, security: 'starttls' },
    });
  });

  describe('of an expired token by 500 devices at once', () => {
    const storm = async (processes: readonly Process[]) => {
      await advanceSeconds(world, 3601);
      world.microsoft.latencyMs = 400;
      const callsBefore = world.microsoft.refreshCalls;
      const fetches = Array.from({ length: 500 }, (_, index) => fetch({}, processes[index % processes.length]));
      const tokens = (await settle(world, Promise.all(fetches))).map((result) => value(result).accessToken);
      assert.equal(world.microsoft.refreshCalls - callsBefore, 1);
      assert.equal(tokens.length, 500);
      assert.deepEqual([...new Set(tokens)], [world.microsoft.issued.at(-1)?.accessToken]);
    };

    it('asks the provider once, and all get the token, in one process', () => storm([process]));

    it('asks the provider once, and all get the token, over seven processes', () =>
      storm(Array.from({ length: 7 }, () => startProcess(world))));

    it('asks the provider once even where every device wants another remaining life', async () => {
      await advanceSeconds(world, 3601);
      world.microsoft.latencyMs = 400;
      const callsBefore = world.microsoft.refreshCalls;
      const fetches = Array.from({ length: 100 }, (_, index) => fetch({ minTtlSeconds: 600 + index }));
      for (const result of await settle(world, Promise.all(fetches))) value(result);
      assert.equal(world.microsoft.refreshCalls - callsBefore, 1);
    });

    it('asks the provider once even where all want more life than it gives, over seven processes', async () => {
      await advanceSeconds(world, 3601);
      world.microsoft.latencyMs = 400;
      const callsBefore = world.microsoft.refreshCalls;
      const processes = Array.from({ length: 7 }, () => startProcess(world));
      const fetches = Array.from({ length: 70 }, (_, index) =>
        fetch({ minTtlSeconds: 3601 + index }, processes[index % processes.length]),
      );
      for (const result of await settle(world, Promise.all(fetches))) value(result);
      assert.equal(world.microsoft.refreshCalls - callsBefore, 1);
    });
  });

  describe('with a fresh token', () => {
    it('is exactly one round trip to the table, and nothing else', async () => {
      const table = countingTable(world.table);
      const warm = startProcess(world, { table });
      value(await fetch({}, warm));
      const callsBefore = world.microsoft.refreshCalls;
      table.reset();
      for (let second = 0; second < 300; second++) {
        await advanceSeconds(world, 1);
        value(await fetch({}, warm));
      }
      assert.deepEqual(table.roundTrips, Array(300).fill('getMany'));
      assert.equal(world.microsoft.refreshCalls, callsBefore);
    });

    it('costs one more round trip where the slot was bound to another mailbox meanwhile', async () => {
      const { mailbox } = value(
        await process.administration.mailboxes.create(office.organization.id, {
          provider: 'google',
          address: 'other@contoso.example',
          aliases: [],
        }),
      );
      value(await signIn(world, process, mailbox));
      const table = countingTable(world.table);
      const warm = startProcess(world, { table });
      assert.equal(value(await fetch({}, warm)).account, 'scan@contoso.example');
      value(await process.administration.devices.bind(office.device.clientId, 'scan', mailbox.id));
      table.reset();
      assert.equal(value(await fetch({}, warm)).account, 'other@contoso.example');
      assert.deepEqual(table.roundTrips.slice(0, 2), ['getMany', 'getMany']);
    });
  });

  describe('on the very next request', () => {
    let warm: Process;
    beforeEach(async () => {
      warm = startProcess(world);
      value(await fetch({}, warm));
      value(await fetch({}, warm));
    });

    it('refuses a disabled device', async () => {
      value(await process.administration.devices.update(office.device.clientId, { enabled: false }));
      assert.equal(failure(await fetch({}, warm)).kind, 'invalid_client');
    });

    it('refuses a removed device', async () => {
      value(await process.administration.devices.remove(office.device.clientId));
      assert.equal(failure(await fetch({}, warm)).kind, 'invalid_client');
    });

    it('refuses a device of a disabled organization', async () => {
      value(await process.administration.organizations.update(office.organization.id, { enabled: false }));
      assert.equal(failure(await fetch({}, warm)).kind, 'invalid_client');
    });

    it('refuses a device of a disabled organization also where the slot leads nowhere', async () => {
      assert.equal(failure(await fetch({ slot: 'fax' }, warm)).kind, 'slot_not_bound');
      value(await process.administration.organizations.update(office.organization.id, { enabled: false }));
      assert.equal(failure(await fetch({ slot: 'fax' }, warm)).kind, 'invalid_client');
    });

    it('refuses a slot whose binding was removed', async () => {
      value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
      assert.equal(failure(await fetch({}, warm)).kind, 'slot_not_bound');
    });

    it('refuses the former secret after a rotation without grace', async () => {
      const { clientSecret } = value(await process.administration.devices.rotateSecret(office.device.clientId, 0));
      assert.equal(failure(await fetch({}, warm)).kind, 'invalid_client');
      value(await fetch({ clientSecret }, warm));
    });

    it('refuses a mailbox that was signed out', async () => {
      value(await process.administration.mailboxes.signOut(office.mailbox.id));
      assert.equal(failure(await fetch({}, warm)).kind, 'signed_out');
    });

    it('serves no token of an earlier sign-in after a new one', async () => {
      const before = value(await fetch({}, warm)).accessToken;
      const next = startProcess(world);
      value(await signIn(world, next, office.mailbox));
      assert.notEqual(value(await fetch({}, warm)).accessToken, before);
    });
  });

  it('answers unknown, wrong and disabled alike', async () => {
    const wrong = failure(await fetch({ clientSecret: 'wrong' }));
    const unknown = failure(await fetch({ clientId: 'nobody' }));
    await process.administration.devices.update(office.device.clientId, { enabled: false });
    const disabled = failure(await fetch());
    assert.deepEqual([wrong, unknown, disabled], Array(3).fill({ kind: 'invalid_client' }));
  });

  it('changes nothing but counters on a wrong secret', async () => {
    const sql = "SELECT pk, sk, item FROM items WHERE pk NOT LIKE 'attempts#%'";
    const allButCounters = () => world.database.prepare(sql).all();
    const before = allButCounters();
    failure(await fetch({ clientSecret: 'wrong' }));
    assert.deepEqual(allButCounters(), before);
  });

  describe('across organizations', () => {
    it('refuses a binding that leads to the mailbox of another one', async () => {
      const { device, credential } = await openOffice(process, { address: 'scan@fabrikam.example' });
      const astray = { clientId: device.clientId, slot: 'fax', mailboxId: office.mailbox.id, boundAt: now(world) };
      for (const { organizationId } of [office.organization, device].map((of) =>
        'organizationId' in of ? of : { organizationId: of.id },
      )) {
        await process.records.devices.bind({ ...astray, organizationId });
        const error = failure(await process.fetchToken(tokenRequest(credential, { slot: 'fax' })));
        assert.equal(error.kind, 'slot_not_bound');
      }
    });

    it('does not open a cached token that was moved to another mailbox', async () => {
      const other = await openOffice(process, { address: 'scan@fabrikam.example' });
      value(await signIn(world, process, other.mailbox));
      const stolen = await world.table.get({ pk: `mailbox#${office.mailbox.id}`, sk: 'token#smtp' });
      assert.ok(stolen);
      await world.table.write({ put: { ...stolen, pk: `mailbox#${other.mailbox.id}` } });
      await advanceSeconds(world, 1);
      const issued = world.microsoft.issued.length;
      const { accessToken } = value(await process.fetchToken(tokenRequest(other.credential)));
      assert.equal(accessToken, world.microsoft.issued[issued]?.accessToken, 'a token of its own was fetched instead');
      assert.equal(world.log.of('token.unreadable').length, 1);
    });
  });

  describe('within one organization', () => {
    const sealedToken = async (audience: 'smtp' | 'imap') => {
      const item = await world.table.get({ pk: `mailbox#${office.mailbox.id}`, sk: `token#${audience}` });
      assert.ok(item?.sealed);
      return item;
    };

    it('does not open a cached token that was moved to another mailbox', async () => {
      const { mailbox } = value(
        await process.administration.mailboxes.create(office.organization.id, {
          provider: 'microsoft',
          address: 'other@contoso.example',
          aliases: [],
        }),
      );
      value(await signIn(world, process, mailbox));
      value(await process.administration.devices.bind(office.device.clientId, 'fax', mailbox.id));
      value(await fetch({ slot: 'fax' }));
      await world.table.write({ put: { ...(await sealedToken('smtp')), pk: `mailbox#${mailbox.id}` } });
      await advanceSeconds(world, 1);
      const issued = world.microsoft.issued.length;
      const { accessToken } = value(await fetch({ slot: 'fax' }));
      assert.equal(accessToken, world.microsoft.issued[issued]?.accessToken, 'a token of its own was fetched instead');
    });

    it('does not open a cached token that was moved to another audience', async () => {
      await world.table.write({ put: { ...(await sealedToken('smtp')), sk: 'token#imap' } });
      await advanceSeconds(world, 1);
      const issued = world.microsoft.issued.length;
      const { accessToken } = value(await fetch({ audience: 'imap' }));
      assert.equal(accessToken, world.microsoft.issued[issued]?.accessToken, 'a token of its own was fetched instead');
      assert.equal(world.microsoft.issued[issued]?.audience, 'imap');
    });
  });

  describe('where the provider gives no token', () => {
    it('serves the cached one while it lives, and asks no sooner than it may', async () => {
      await advanceSeconds(world, 3600 - 300);
      world.microsoft.failAlways(unavailable(120));
      const served = value(await fetch());
      assert.equal(served.expiresInSeconds, 300);
      const calls = world.microsoft.refreshCalls;
      await advanceSeconds(world, 119);
      assert.equal(value(await fetch()).accessToken, served.accessToken);
      assert.equal(world.microsoft.refreshCalls, calls);
      await advanceSeconds(world, 1);
      value(await fetch());
      assert.equal(world.microsoft.refreshCalls, calls + 1);
    });

    it('says that it is down, and for how long, once no cached token lives', async () => {
      await advanceSeconds(world, 3601);
      world.microsoft.failAlways(unavailable(120));
      const error = failure(await fetch());
      assert.equal(error.kind, 'provider_unavailable');
      assert.equal(error.retryAfterSeconds, 120);
      await advanceSeconds(world, 20);
      assert.equal(failure(await fetch()).retryAfterSeconds, 100);
    });

    it('serves no cached one, though it still lives, once the provider has ended the sign-in', async () => {
      await advanceSeconds(world, 3600 - 300);
      world.microsoft.revoke('subject-of-scan@contoso.example');
      assert.equal(failure(await fetch({ minTtlSeconds: 600 })).kind, 'sign_in_lapsed');
    });

    it('serves the cached one whatever the operator must mend, for the grant is untouched', async () => {
      for (const kind of ['app_registration_refused', 'consent_needed'] as const) {
        world.microsoft.failNext({ ...REGISTRATION_REFUSED, kind });
        await advanceSeconds(world, 3600 - 120);
        value(await fetch());
        await advanceSeconds(world, 400);
        value(await fetch());
      }
    });
  });

  it('serves below the margin and asks for a refresh in the background, once', async () => {
    await advanceSeconds(world, 3600 - 800);
    const calls = world.microsoft.refreshCalls;
    const token = value(await fetch());
    value(await fetch());
    assert.equal(world.microsoft.refreshCalls, calls);
    const queued = await world.grantQueue.receive({ limit: 10, waitSeconds: 0 });
    assert.deepEqual(
      queued.map(({ body }) => JSON.parse(body)),
      [{ mailboxId: office.mailbox.id }],
    );
    await process.maintainGrant({ mailboxId: office.mailbox.id });
    assert.equal(world.microsoft.refreshCalls, calls + 1);
    assert.notEqual(value(await fetch()).accessToken, token.accessToken);
  });

  it('gives the fresh one where even that lives shorter than wanted', async () => {
    world.microsoft.lifeSeconds = 300;
    await advanceSeconds(world, 3601);
    assert.equal(value(await fetch({ minTtlSeconds: 3600 })).expiresInSeconds, 300);
  });

  it('gives no less life than wanted where more is to be had', async () => {
    await advanceSeconds(world, 1000);
    assert.equal(value(await fetch({ minTtlSeconds: 2600 })).expiresInSeconds, 2600);
    assert.equal(value(await fetch({ minTtlSeconds: 2601 })).expiresInSeconds, 3600);
  });

  it('asks the provider whenever less life is left than wanted, however young the token is', async () => {
    await advanceSeconds(world, 1);
    const before = value(await fetch());
    const calls = world.microsoft.refreshCalls;
    const after = value(await fetch({ minTtlSeconds: before.expiresInSeconds + 1 }));
    assert.equal(world.microsoft.refreshCalls, calls + 1);
    assert.notEqual(after.accessToken, before.accessToken);
  });

  it('gives the token also when its use cannot be noted', async () => {
    await advanceSeconds(world, 3 * 3600);
    const { accessToken } = value(await fetch());
    await advanceSeconds(world, 1900);
    const failing = startProcess(world, { fuse: makeFuse(1, 'before') });
    assert.equal(value(await fetch({}, failing)).accessToken, accessToken);
    assert.ok(world.log.lines.some(({ event }) => event === 'token.use_not_recorded'));
  });

  it('keeps the tokens of the audiences apart', async () => {
    const smtp = value(await fetch()).accessToken;
    const imap = value(await fetch({ audience: 'imap' })).accessToken;
    const audiences = new Map(world.microsoft.issued.map(({ accessToken, audience }) => [accessToken, audience]));
    assert.deepEqual([audiences.get(smtp), audiences.get(imap)], ['smtp', 'imap']);
  });

  it('keeps the tokens of the audiences apart, also where both are fetched at once', async () => {
    await advanceSeconds(world, 3601);
    world.microsoft.latencyMs = 400;
    const fetches = (['smtp', 'imap'] as const).map((audience) => fetch({ audience }));
    const tokens = (await settle(world, Promise.all(fetches))).map((result) => value(result).accessToken);
    const audiences = new Map(world.microsoft.issued.map(({ accessToken, audience }) => [accessToken, audience]));
    assert.deepEqual(
      tokens.map((token) => audiences.get(token)),
      ['smtp', 'imap'],
    );
  });

  it('refuses an audience that the provider does not offer, or the sign-in did not grant', async () => {
    const { scopeFor } = world.microsoft;
    world.microsoft.scopeFor = (audience) => (audience === 'pop' ? undefined : scopeFor(audience));
    assert.equal(failure(await fetch({ audience: 'pop' })).kind, 'scope_not_offered');
    const calls = world.microsoft.refreshCalls;
    const scope = world.microsoft.scopeFor('smtp') ?? '';
    value(await signIn(world, process, office.mailbox, { scopes: [scope] }));
    assert.equal(failure(await fetch({ audience: 'imap' })).kind, 'scope_not_granted');
    assert.equal(world.microsoft.refreshCalls, calls + 1);
  });

  it('tells apart what never was signed in, and what has lapsed', async () => {
    const other = await openOffice(process, { address: 'never@contoso.example' });
    assert.equal(failure(await process.fetchToken(tokenRequest(other.credential))).kind, 'not_signed_in');
    world.microsoft.revoke('subject-of-scan@contoso.example');
    await advanceSeconds(world, 3601);
    for (let time = 0; time < 2; time++) {
      const { kind, code } = failure(await fetch());
      assert.deepEqual({ kind, code }, { kind: 'sign_in_lapsed', code: 'invalid_grant' });
    }
  });

  it('leaves no token in the clear at rest, nor in the log', async () => {
    await advanceSeconds(world, 3601);
    value(await fetch());
    value(await fetch({ audience: 'imap' }));
    const written = everythingAtRest(world) + JSON.stringify(world.log.lines);
    for (const { accessToken } of world.microsoft.issued) assert.ok(!written.includes(accessToken));
    for (const refreshToken of world.microsoft.refreshTokens) assert.ok(!written.includes(refreshToken));
    assert.ok(!written.includes(office.credential.clientSecret));
  });

  it('leaves no token in the clear either where the provider ends the sign-in', async () => {
    await advanceSeconds(world, 3601);
    world.microsoft.failNext(INVALID_GRANT);
    const error = failure(await fetch());
    const [entry] = await process.records.audit.list(office.organization.id, 1);
    assert.equal(entry?.action, 'grant.invalid');
    const written = everythingAtRest(world) + JSON.stringify([world.log.lines, error]);
    for (const { accessToken } of world.microsoft.issued) assert.ok(!written.includes(accessToken));
    for (const refreshToken of world.microsoft.refreshTokens) assert.ok(!written.includes(refreshToken));
  });
});
