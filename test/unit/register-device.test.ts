import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { validSecretHashes } from '../../shared/domain/client-secret.ts';
import type { Device, Organization } from '../../shared/domain/entities.ts';
import type { Table } from '../../shared/ports/table.ts';
import { keys } from '../../shared/records/items.ts';
import { makeRegisterDevice } from '../../shared/usecases/devices/register-device.ts';
import { hashOf } from '../../shared/usecases/secrets.ts';
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

  const rotate = async (by = process) =>
    value(await by.manageRegistration.update(clientId, token, METADATA, { rotateSecret: true })).clientSecret ?? '';

  it('never has more than two good secrets: the newest, and the oldest that has time left', async () => {
    const secrets = [clientSecret];
    for (let time = 0; time < 3; time++) {
      secrets.push(await rotate());
      await advanceSeconds(world, 3600);
    }
    const good = [];
    for (const secret of secrets) good.push(await works(secret));
    assert.deepEqual(good, [true, false, false, true]);
  });

  it('keeps the secret in the panel for its time and no longer, however often it is rotated meanwhile', async () => {
    const { rotateSecret } = process.administration.devices;
    value(await rotateSecret(clientId, 7 * 86_400));
    await advanceSeconds(world, 86_400);
    const second = value(await rotateSecret(clientId, 60));
    assert.equal(second.device.formerSecretUntil, now(world) + 6 * 86_400);
    await rotate();
    await advanceSeconds(world, 6 * 86_400 - 1);
    assert.equal(await works(clientSecret), true);
    const last = await rotate();
    await advanceSeconds(world, 1);
    assert.equal(await works(clientSecret), false);
    assert.equal(await works(last), true);
    await rotate();
    assert.equal(await works(last), true, 'the next rotation begins anew');
  });

  it('ends every secret before it where it is rotated without grace', async () => {
    const first = await rotate();
    const { clientSecret: second } = value(await process.administration.devices.rotateSecret(clientId, 0));
    assert.deepEqual([await works(clientSecret), await works(first), await works(second)], [false, false, true]);
  });

  describe('under parallel rotations by the device and the administration, in two processes', () => {
    /** Hashes of the current secrets, in the order in which they were stored. */
    let stored: string[];
    let processes: Process[];

    beforeEach(() => {
      stored = [];
      const table: Table = {
        ...world.table,
        write: async (one) => {
          await new Promise(setImmediate);
          const outcome = await world.table.write(one);
          const set = 'update' in one ? one.changes.set : undefined;
          const [hash] = (set?.secretHashes ?? []) as readonly string[];
          if (outcome === 'written' && hash !== undefined) stored.push(hash);
          return outcome;
        },
      };
      processes = [startProcess(world, { table }), startProcess(world, { table })];
    });

    const rotateAll = (count: number, graceSeconds?: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const by = processes[index % 2] as Process;
          if (index % 4 < 2) return rotate(by);
          return value(await by.administration.devices.rotateSecret(clientId, graceSeconds)).clientSecret;
        }),
      );

    const assertInOrder = async (secrets: readonly string[]) => {
      assert.deepEqual(
        [...stored].sort(),
        secrets.map(hashOf).sort(),
        'each secret that was handed out was stored once',
      );
      const last = secrets.find((secret) => hashOf(secret) === stored.at(-1)) ?? '';
      assert.equal(await works(last), true, 'the one that was stored last');
      const device = await process.records.devices.get(clientId);
      assert.deepEqual(device && validSecretHashes(device, now(world)), [hashOf(last), hashOf(clientSecret)]);
    };

    it('hands out no secret that was never good; the last one works, and that in the panel', async () => {
      await assertInOrder(await rotateAll(40));
      assert.equal(await works(clientSecret), true);
    });

    it('does so for a device that was registered before rotations were counted', async () => {
      const { pk, sk } = keys.device(clientId);
      await world.table.write({ update: { pk, sk }, changes: { remove: ['secretRevision'] } });
      await assertInOrder(await rotateAll(20));
      assert.equal(await works(clientSecret), true);
    });

    it('counts on where somebody read such a device long ago', async () => {
      const { devices } = process.records;
      await world.table.write({ update: keys.device(clientId), changes: { remove: ['secretRevision'] } });
      const read = async () => (await devices.get(clientId)) ?? assert.fail('it is gone');
      const replace = async (device: Device, hash: string) =>
        (await devices.replaceSecrets(device, { secretHashes: [hash], formerSecretUntil: 0 })) !== undefined;
      const first = await read();
      assert.equal(await replace(first, 'one'), false);
      const second = await read();
      assert.equal(await replace(second, 'two'), true);
      assert.deepEqual([await replace(first, 'three'), await replace(second, 'four')], [false, false]);
      assert.deepEqual((await read()).secretHashes, ['two']);
    });

    it('does so where some ask for no grace', async () => {
      const secrets = await rotateAll(20, 0);
      assert.deepEqual([...stored].sort(), secrets.map(hashOf).sort());
      const last = secrets.find((secret) => hashOf(secret) === stored.at(-1)) ?? '';
      assert.equal(await works(last), true);
      assert.equal(await works(clientSecret), false);
    });
  });

  it('hands out a secret that works though the write was repeated, as its answer was lost', async () => {
    let lost = 0;
    const table: Table = {
      ...world.table,
      write: async (one) => {
        const outcome = await world.table.write(one);
        const isRotation = 'update' in one && one.changes.set?.secretHashes !== undefined;
        return isRotation && lost++ === 0 ? world.table.write(one) : outcome;
      },
    };
    const secret = await rotate(startProcess(world, { table }));
    assert.ok(lost > 1);
    assert.deepEqual([await works(secret), await works(clientSecret)], [true, true]);
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
    for (const [change, error] of [
      [
        () => manageRegistration.update(clientId, token, METADATA, { rotateSecret: true }),
        { kind: 'invalid_registration_token' },
      ],
      [() => administration.devices.update(clientId, { enabled: false }), { kind: 'not_found' }],
      [() => administration.devices.rotateSecret(clientId), { kind: 'not_found', detail: 'No such device.' }],
    ] as const) {
      removed = undefined;
      const enrolment = value(await process.administration.enrolmentTokens.create(organization.id));
      const made = value(await process.registerDevice(enrolment.enrolmentToken, METADATA));
      ({ registrationAccessToken: token } = made);
      clientId = made.device.clientId;
      const result = await change();
      assert.deepEqual(result, { ok: false, error });
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
