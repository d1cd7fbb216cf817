import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Organization } from '../../shared/domain/entities.ts';
import type { Table } from '../../shared/ports/table.ts';
import { makeRegisterDevice } from '../../shared/usecases/register-device.ts';
import { makeFuse } from '../fakes/fuse.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import {
  advanceSeconds,
  everythingAtRest,
  failure,
  makeWorld,
  now,
  PLACE,
  type Process,
  startProcess,
  value,
  type World,
} from './support.ts';

const METADATA = { clientName: 'Printer', vendor: 'Acme', locale: 'fr' };

describe('registerDevice', () => {
  let world: World;
  let process: Process;
  let organization: Organization;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    organization = await process.administration.organizations.create('Contoso', 'en');
  });

  const enrolmentToken = async (uses?: number, expiresIn?: number) =>
    value(await process.administration.enrolmentTokens.create(organization.id, uses, expiresIn)).enrolmentToken;
  const fleet = () => process.administration.devices.list(organization.id);

  it('makes a device of the organization of the token, with secrets that old panels can take', async () => {
    const made = value(await process.registerDevice(await enrolmentToken(), METADATA));
    assert.equal(made.device.organizationId, organization.id);
    assert.deepEqual(made.device.metadata, METADATA);
    assert.ok(made.device.clientId.length <= 12);
    assert.ok(made.clientSecret.length <= 24);
    const credential = { clientId: made.device.clientId, clientSecret: made.clientSecret, place: PLACE };
    assert.deepEqual(value(await process.authenticateDevice(credential)), made.device);
  });

  it('keeps no secret but as a hash', async () => {
    const token = await enrolmentToken();
    const made = value(await process.registerDevice(token, METADATA));
    const written = everythingAtRest(world) + JSON.stringify(world.log.lines);
    for (const secret of [token, made.clientSecret, made.registrationAccessToken]) assert.ok(!written.includes(secret));
  });

  describe('under 50 parallel registrations', () => {
    const register = async (uses: number) => {
      const token = await enrolmentToken(uses);
      const processes = Array.from({ length: 5 }, () => startProcess(world));
      const all = Array.from({ length: 50 }, (_, index) =>
        (processes[index % 5] as Process).registerDevice(token, METADATA),
      );
      return Promise.all(all);
    };

    it('makes exactly one device of the last use of a token', async () => {
      const results = await register(1);
      assert.equal(results.filter(({ ok }) => ok).length, 1);
      for (const result of results) if (!result.ok) assert.equal(result.error.kind, 'invalid_enrolment_token');
      assert.equal((await fleet()).length, 1);
    });

    it('makes as many devices as the token has uses', async () => {
      assert.equal((await register(20)).filter(({ ok }) => ok).length, 20);
      assert.equal((await fleet()).length, 20);
    });

    it('makes them all where the token has uses for all', async () => {
      for (const result of await register(50)) value(result);
      assert.equal(new Set((await fleet()).map(({ clientId }) => clientId)).size, 50);
    });
  });

  it('gives no device the client id of another, even where the same one is drawn', async () => {
    const token = await enrolmentToken(2);
    const register = () => makeRegisterDevice({ ...process, random: seededRandom('twins') })(token, METADATA);
    const [first, second] = [value(await register()), value(await register())];
    assert.notEqual(second.device.clientId, first.device.clientId);
    assert.equal((await fleet()).length, 2);
    for (const { device, clientSecret } of [first, second]) {
      assert.deepEqual(
        value(await process.authenticateDevice({ clientId: device.clientId, clientSecret, place: PLACE })),
        device,
      );
    }
  });

  it('takes no use without making a device, wherever it dies', async () => {
    const token = await enrolmentToken(1);
    const dying = startProcess(world, { fuse: makeFuse(1, 'before') });
    await assert.rejects(dying.registerDevice(token, METADATA));
    value(await process.registerDevice(token, METADATA));
    assert.equal((await fleet()).length, 1);
  });

  describe('refuses', () => {
    const refusal = async (token: string) => failure(await process.registerDevice(token, METADATA));

    it('an unknown token', async () => {
      await enrolmentToken();
      assert.deepEqual(await refusal('invented'), { kind: 'invalid_enrolment_token' });
    });

    it('a used-up token', async () => {
      const token = await enrolmentToken(2);
      for (let use = 0; use < 2; use++) value(await process.registerDevice(token, METADATA));
      assert.match((await refusal(token)).detail ?? '', /used up/);
      assert.equal((await fleet()).length, 2);
    });

    it('an expired token, from the very second', async () => {
      const token = await enrolmentToken(5, 60);
      await advanceSeconds(world, 59);
      value(await process.registerDevice(token, METADATA));
      await advanceSeconds(world, 1);
      assert.match((await refusal(token)).detail ?? '', /expired/);
    });

    it('a revoked token, also where a registration with it is under way', async () => {
      const made = value(await process.administration.enrolmentTokens.create(organization.id, 5));
      const { enrolmentTokens } = process.administration;
      const table: Table = {
        ...world.table,
        writeAll: async (writes) => {
          value(await enrolmentTokens.revoke(organization.id, made.token.id));
          return world.table.writeAll(writes);
        },
      };
      const late = startProcess(world, { table });
      assert.match(failure(await late.registerDevice(made.enrolmentToken, METADATA)).detail ?? '', /revoked/);
      assert.match((await refusal(made.enrolmentToken)).detail ?? '', /revoked/);
      assert.equal((await fleet()).length, 0);
    });

    it('a token of a disabled organization', async () => {
      const token = await enrolmentToken();
      value(await process.administration.organizations.update(organization.id, { enabled: false }));
      assert.equal((await refusal(token)).kind, 'invalid_enrolment_token');
    });
  });
});

describe('manageRegistration', () => {
  let world: World;
  let process: Process;
  let organization: Organization;
  let clientId: string;
  let clientSecret: string;
  let token: string;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    organization = await process.administration.organizations.create('Contoso', 'en');
    const enrolment = value(await process.administration.enrolmentTokens.create(organization.id));
    const made = value(await process.registerDevice(enrolment.enrolmentToken, METADATA));
    ({ clientSecret, registrationAccessToken: token } = made);
    clientId = made.device.clientId;
  });

  const works = async (secret: string) =>
    (await process.authenticateDevice({ clientId, clientSecret: secret, place: PLACE })).ok;

  it('reads the registration', async () => {
    assert.deepEqual(value(await process.manageRegistration.read(clientId, token)).metadata, METADATA);
  });

  it('changes the metadata, and keeps the secret', async () => {
    const changed = value(
      await process.manageRegistration.update(clientId, token, { clientName: 'New' }, { rotateSecret: false }),
    );
    assert.equal(changed.clientSecret, undefined);
    assert.deepEqual(value(await process.manageRegistration.read(clientId, token)).metadata, { clientName: 'New' });
    assert.equal(await works(clientSecret), true);
  });

  it('rotates the secret: the new one works at once, the old one for a day yet', async () => {
    const changed = value(await process.manageRegistration.update(clientId, token, METADATA, { rotateSecret: true }));
    assert.equal(await works(changed.clientSecret ?? ''), true);
    await advanceSeconds(world, 86_399);
    assert.equal(await works(clientSecret), true);
    await advanceSeconds(world, 1);
    assert.equal(await works(clientSecret), false);
    assert.equal(await works(changed.clientSecret ?? ''), true);
  });

  it('never has more than two good secrets', async () => {
    const secrets = [clientSecret];
    for (let time = 0; time < 3; time++) {
      const { clientSecret: secret } = value(
        await process.manageRegistration.update(clientId, token, METADATA, { rotateSecret: true }),
      );
      secrets.push(secret ?? '');
    }
    const good = [];
    for (const secret of secrets) good.push(await works(secret));
    assert.deepEqual(good, [false, false, true, true]);
  });

  it('takes a client secret beside the metadata only if it is the own one (RFC 7592 section 2.2)', async () => {
    const update = (presented: unknown) =>
      process.manageRegistration.update(clientId, token, METADATA, { clientSecret: presented, rotateSecret: false });
    value(await update(clientSecret));
    for (const wrong of ['wrong', '', 7, null]) {
      assert.equal(failure(await update(wrong)).kind, 'invalid_client_metadata');
    }
  });

  it('removes the device, and with it the way back', async () => {
    value(await process.manageRegistration.remove(clientId, token));
    assert.equal(await works(clientSecret), false);
    assert.equal(failure(await process.manageRegistration.read(clientId, token)).kind, 'invalid_registration_token');
  });

  it('makes nothing anew of a device that was removed while it was being changed', async () => {
    value(await process.manageRegistration.remove(clientId, token));
    const before = everythingAtRest(world);
    assert.equal(await process.records.devices.update(clientId, { enabled: true, metadata: METADATA }), false);
    assert.equal(everythingAtRest(world), before);
  });

  it('promises no change to a device that is removed meanwhile', async () => {
    let removed: string | undefined;
    const table: Table = {
      ...world.table,
      write: async (one) => {
        if ('update' in one && removed === undefined) {
          value(await process.manageRegistration.remove(clientId, token));
          removed = everythingAtRest(world);
        }
        return world.table.write(one);
      },
    };
    const { manageRegistration, administration } = startProcess(world, { table });
    for (const [change, kind] of [
      [
        () => manageRegistration.update(clientId, token, METADATA, { rotateSecret: true }),
        'invalid_registration_token',
      ],
      [() => administration.devices.update(clientId, { enabled: false }), 'not_found'],
      [() => administration.devices.rotateSecret(clientId), 'not_found'],
    ] as const) {
      removed = undefined;
      const enrolment = value(await process.administration.enrolmentTokens.create(organization.id));
      const made = value(await process.registerDevice(enrolment.enrolmentToken, METADATA));
      ({ registrationAccessToken: token } = made);
      clientId = made.device.clientId;
      const result = await change();
      assert.deepEqual(result, { ok: false, error: { kind } });
      assert.equal(everythingAtRest(world), removed);
    }
  });

  it('writes down each change, and whether the secret was rotated with it', async () => {
    for (const action of ['device.changed', 'device.secret-rotated']) {
      await advanceSeconds(world, 1);
      const rotate = action === 'device.secret-rotated';
      value(await process.manageRegistration.update(clientId, token, METADATA, { rotateSecret: rotate }));
      const [newest] = await process.records.audit.list(organization.id, 1);
      assert.deepEqual(newest, {
        id: newest?.id,
        at: now(world),
        organizationId: organization.id,
        by: `device:${clientId}`,
        action,
        subject: clientId,
        detail: 'metadata',
      });
    }
  });

  /** Whatever is asked with this token; and nobody is told why. */
  const assertRefused = async (presented: string) => {
    const { read, update, remove } = process.manageRegistration;
    const results = [
      await read(clientId, presented),
      await update(clientId, presented, { clientName: 'Mine' }, { rotateSecret: true }),
      await remove(clientId, presented),
    ];
    for (const result of results) {
      assert.deepEqual(result, { ok: false, error: { kind: 'invalid_registration_token' } });
    }
  };

  it('does nothing for a disabled device, until it is enabled again', async () => {
    const { devices } = process.administration;
    value(await devices.update(clientId, { enabled: false }));
    await assertRefused(token);
    value(await devices.update(clientId, { enabled: true }));
    assert.deepEqual(value(await process.manageRegistration.read(clientId, token)).metadata, METADATA);
    assert.equal(await works(clientSecret), true);
  });

  it('does nothing for a device of a disabled organization, until that is enabled again', async () => {
    const { organizations } = process.administration;
    value(await organizations.update(organization.id, { enabled: false }));
    await assertRefused(token);
    value(await organizations.update(organization.id, { enabled: true }));
    assert.deepEqual(value(await process.manageRegistration.read(clientId, token)).metadata, METADATA);
    assert.equal(await works(clientSecret), true);
  });

  it('does nothing for a wrong token, that of another device, or the secret', async () => {
    const other = value(await process.administration.devices.create(organization.id, METADATA));
    for (const wrong of ['', 'wrong', other.registrationAccessToken, clientSecret]) await assertRefused(wrong);
    assert.equal(failure(await process.manageRegistration.read('nobody', token)).kind, 'invalid_registration_token');
    assert.equal(value(await process.manageRegistration.read(clientId, token)).metadata.clientName, 'Printer');
    assert.equal(await works(clientSecret), true);
  });
});
