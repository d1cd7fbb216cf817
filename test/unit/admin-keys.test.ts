import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { ROOT_AUTHORITY } from '../../shared/domain/authority.ts';
import { adminUseCases } from '../../shared/usecases/administration/admin-use-cases.ts';
import type { AdministrationOfAll } from '../../shared/usecases/administration/index.ts';
import { hashOf } from '../../shared/usecases/secrets.ts';
import {
  advanceSeconds,
  everythingAtRest,
  failure,
  makeWorld,
  PLACE,
  type Process,
  startProcess,
  value,
  type World,
} from './support.ts';

const ROOT_KEY = 'correct horse battery staple';

describe('a made admin key', () => {
  let world: World;
  let process: Process;
  let admin: AdministrationOfAll;
  let broker: ReturnType<typeof adminUseCases>;
  let organizationId: string;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    admin = process.administration;
    broker = adminUseCases({ ...process, adminKey: ROOT_KEY });
    organizationId = (await admin.organizations.create('Contoso', 'en')).id;
  });

  const authorityOf = async (adminKey: string) => value(await broker.checkAdminKey(adminKey, PLACE)).authority;
  const kindOf = async (adminKey: string) => failure(await broker.checkAdminKey(adminKey, PLACE)).kind;
  const auditOf = async (id: string | undefined) => {
    const { entries } = await admin.history.audit({ organizationId: id, cursor: undefined, limit: 100 });
    return entries.filter(({ action }) => action.startsWith('admin-key')).map(({ action, by }) => `${action} by ${by}`);
  };

  it('has the reach that it was made for, and the key of the broker itself the whole', async () => {
    const forOne = value(await admin.adminKeys.create('Anna', organizationId));
    const forAll = value(await admin.adminKeys.create('Backup'));
    const by = (id: string) => `admin:${id}`;
    assert.deepEqual(await authorityOf(forOne.adminKey), {
      scope: 'organization',
      organizationId,
      by: by(forOne.key.id),
    });
    assert.deepEqual(await authorityOf(forAll.adminKey), { scope: 'all', by: by(forAll.key.id) });
    assert.deepEqual(await authorityOf(ROOT_KEY), ROOT_AUTHORITY);
  });

  it('is kept by its hash alone, and listed, newest first', async () => {
    const { key, adminKey } = value(await admin.adminKeys.create('Anna', organizationId));
    await advanceSeconds(world, 1);
    value(await admin.adminKeys.create('Backup'));
    assert.match(adminKey, /^[\w-]{43}$/);
    assert.equal(key.keyHash, hashOf(adminKey));
    assert.ok(!everythingAtRest(world).includes(adminKey));
    const listed = await admin.adminKeys.list();
    assert.deepEqual(
      listed.map(({ name, organizationId: one }) => [name, one]),
      [
        ['Backup', undefined],
        ['Anna', organizationId],
      ],
    );
  });

  it('is made for no organization that does not exist', async () => {
    const { kind, detail } = failure(await admin.adminKeys.create('Anna', 'org_none'));
    assert.deepEqual([kind, detail], ['not_found', 'No such organization.']);
    assert.deepEqual(await admin.adminKeys.list(), []);
  });

  it('opens nothing once it is revoked, and stays listed', async () => {
    const { key, adminKey } = value(await admin.adminKeys.create('Anna', organizationId));
    for (let time = 0; time < 2; time++) value(await admin.adminKeys.revoke(key.id));
    assert.equal(await kindOf(adminKey), 'invalid_admin_key');
    assert.equal((await admin.adminKeys.list())[0]?.revokedAt, world.clock.now() / 1000);
    assert.equal(failure(await admin.adminKeys.revoke('key_none')).kind, 'not_found');
  });

  it('ends with its organization, and no other key does', async () => {
    const others = await admin.organizations.create('Fabrikam', 'en');
    const ofIt = value(await admin.adminKeys.create('Anna', organizationId)).adminKey;
    const ofOthers = value(await admin.adminKeys.create('Bob', others.id)).adminKey;
    const forAll = value(await admin.adminKeys.create('Backup')).adminKey;
    value(await admin.organizations.remove(organizationId));
    assert.equal(await kindOf(ofIt), 'invalid_admin_key');
    await authorityOf(ofOthers);
    await authorityOf(forAll);
  });

  it('is noted down where it is for: with its organization, or with the broker as a whole', async () => {
    const forOne = value(await admin.adminKeys.create('Anna', organizationId));
    const forAll = value(await admin.adminKeys.create('Backup'));
    const byMade = broker.administrationFor({ scope: 'all', by: `admin:${forAll.key.id}` });
    value(await byMade.adminKeys.revoke(forOne.key.id));
    const ofOne = [`admin-key.revoked by admin:${forAll.key.id}`, 'admin-key.created by admin'];
    assert.deepEqual((await auditOf(organizationId)).sort(), [...ofOne].sort());
    assert.equal((await auditOf(undefined)).length, 3);
    const { history } = broker.administrationFor(
      await authorityOf(value(await admin.adminKeys.create('C', organizationId)).adminKey),
    );
    const { entries } = await history.audit({ organizationId: undefined, cursor: undefined, limit: 100 });
    assert.ok(entries.every((entry) => entry.organizationId === organizationId));
  });

  describe('beside wrong ones', () => {
    const presentWrong = async (times: number) => {
      for (let time = 0; time < times; time++) await broker.checkAdminKey('wrong', PLACE);
    };

    it('passes, since nobody guesses it, while the key of the broker is locked', async () => {
      const { adminKey } = value(await admin.adminKeys.create('Anna', organizationId));
      await presentWrong(100);
      assert.equal(await kindOf(ROOT_KEY), 'too_many_attempts');
      await authorityOf(adminKey);
    });

    it('clears no count, so that nobody guesses on at the key of the broker between uses of an own one', async () => {
      const { adminKey } = value(await admin.adminKeys.create('Anna', organizationId));
      for (let time = 0; time < 100; time++) {
        await presentWrong(1);
        await authorityOf(adminKey);
      }
      assert.equal(await kindOf('wrong'), 'too_many_attempts');
      assert.equal(await kindOf(ROOT_KEY), 'too_many_attempts');
    });

    it('counts as one of them when it is revoked', async () => {
      const { key, adminKey } = value(await admin.adminKeys.create('Anna', organizationId));
      value(await admin.adminKeys.revoke(key.id));
      for (let time = 0; time < 100; time++) assert.equal(await kindOf(adminKey), 'invalid_admin_key');
      assert.equal(await kindOf(adminKey), 'too_many_attempts');
    });
  });

  describe('at the console', () => {
    const logIn = async (adminKey: string) => value(await broker.sessions.begin(adminKey, PLACE));

    it('gives its reach to the session, and no more', async () => {
      const { key, adminKey } = value(await admin.adminKeys.create('Anna', organizationId));
      const session = await broker.sessions.find(await logIn(adminKey));
      assert.deepEqual(session?.authority, { scope: 'organization', organizationId, by: `admin:${key.id}` });
      assert.deepEqual((await broker.sessions.find(await logIn(ROOT_KEY)))?.authority, ROOT_AUTHORITY);
    });

    it('takes its sessions with it when it is revoked, and leaves the others', async () => {
      const [anna, bob] = [
        value(await admin.adminKeys.create('Anna', organizationId)),
        value(await admin.adminKeys.create('Bob')),
      ];
      const tokens = [await logIn(anna.adminKey), await logIn(bob.adminKey), await logIn(ROOT_KEY)];
      value(await admin.adminKeys.revoke(anna.key.id));
      const found = await Promise.all(tokens.map((token) => broker.sessions.find(token)));
      assert.deepEqual(
        found.map((session) => session?.authority.by),
        [undefined, `admin:${bob.key.id}`, 'admin'],
      );
    });

    it('begins no session with a wrong or revoked one', async () => {
      const { key, adminKey } = value(await admin.adminKeys.create('Anna', organizationId));
      value(await admin.adminKeys.revoke(key.id));
      for (const wrong of [adminKey, 'wrong', '']) {
        assert.equal(failure(await broker.sessions.begin(wrong, PLACE)).kind, 'invalid_admin_key');
      }
      assert.ok(!everythingAtRest(world).includes('session#'));
    });

    it('knows no session of a version before there were made keys', async () => {
      const token = await logIn(ROOT_KEY);
      world.database.exec("UPDATE items SET item = json_remove(item, '$.key') WHERE pk LIKE 'session#%'");
      assert.equal(await broker.sessions.find(token), undefined);
    });
  });
});
