import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { SERVED_SECONDS } from '../../shared/domain/gateway.ts';
import { keys } from '../../shared/records/items.ts';
import { type GatewayOffice, gatewayOffice, LAN, newDevice, presented, serviceOf } from './gateway-office.ts';
import {
  advanceSeconds,
  everythingAtRest,
  failure,
  makeWorld,
  now,
  openOffice,
  settle,
  signIn,
  tokenRequest,
  value,
  type World,
} from './support.ts';

describe('a gateway', () => {
  let world: World;
  let office: GatewayOffice;

  beforeEach(async () => {
    world = makeWorld();
    office = await gatewayOffice(world);
  });

  const admit = (by = office.link) => by.admit(presented(office));
  const token = (by = office.link, changes = {}) =>
    settle(world, by.token({ mailboxId: office.mailbox.id, audience: 'smtp', minTtlSeconds: 600, ...changes }));
  const serving = () => world.table.get(keys.served(office.gateway.gatewayId, office.mailbox.id));
  const binding = () => office.process.records.devices.binding(office.device.clientId, 'scan');

  it('serves nothing before a device has proven itself there, and nothing that another gateway serves', async () => {
    value(await admit());
    const { device } = await newDevice(office.process, office.organization.id, 'Another gateway');
    const another = serviceOf(office.process)({ ...office.gateway, gatewayId: device.clientId });
    assert.equal(failure(await token(another)).kind, 'slot_not_bound');
    value(await token());
  });

  it('keeps no secret of the device at the broker', async () => {
    value(await admit());
    assert.ok(!everythingAtRest(world).includes(office.credential.clientSecret));
  });

  it("may use the mailbox for as long as its mail may wait, by its own clock and not the table's", async () => {
    value(await admit());
    await advanceSeconds(world, SERVED_SECONDS - 1);
    value(await token());
    await advanceSeconds(world, 1);
    assert.ok(await serving(), 'the table has it still');
    assert.equal(failure(await token()).kind, 'slot_not_bound');
  });

  it('writes that down once an hour, however often devices sign in', async () => {
    const proven = async () => (await serving())?.provenAt;
    value(await admit());
    const first = await proven();
    await advanceSeconds(world, 3599);
    value(await admit());
    assert.equal(await proven(), first);
    await advanceSeconds(world, 1);
    value(await admit());
    assert.equal(await proven(), now(world));
    assert.equal(world.log.of('gateway.device_admitted').length, 2);
  });

  it('notes that the slot is used, which is no fetch of a token', async () => {
    assert.deepEqual(Object.hasOwn({ ...(await binding()) }, 'lastFetchedAt'), false);
    value(await admit());
    const { lastFetchedAt, fetchedAt } = (await binding()) as { lastFetchedAt?: number; fetchedAt?: object };
    assert.deepEqual([lastFetchedAt, fetchedAt], [now(world), undefined]);
  });

  it('admits where that cannot be noted, which is logged', async () => {
    const { records } = office.process;
    const outage = async () => {
      throw new Error('out of reach');
    };
    const deviceAccess = { ...records.deviceAccess, recordUse: outage };
    const link = serviceOf({ ...office.process, records: { ...records, deviceAccess } })(office.gateway);
    value(await link.admit(presented(office)));
    assert.equal(world.log.of('gateway.use_not_recorded').length, 1);
  });

  it('keeps the audience warm that it fetches tokens for', async () => {
    value(await admit());
    value(await token());
    const used = await world.table.get(keys.use(office.mailbox.id));
    assert.deepEqual([used?.smtp, used?.pop], [now(world), undefined]);
    await advanceSeconds(world, 599);
    value(await token());
    assert.equal((await world.table.get(keys.use(office.mailbox.id)))?.smtp, used?.smtp, 'not at every fetch');
    const [line] = world.log.of('token.issued');
    assert.equal(line?.fields.gateway_id, office.gateway.gatewayId);
    assert.ok(!JSON.stringify(world.log.lines).includes(value(await token()).accessToken));
  });

  it('is told of the API where the token is for that', async () => {
    value(await admit());
    const { server, apiUrl } = value(await token(undefined, { audience: 'api' }));
    assert.deepEqual([server, apiUrl], [undefined, 'https://api.microsoft.example']);
  });

  it('has a lapsed sign-in told at the fetch, and admits the device all the same', async () => {
    world.microsoft.revoke(`subject-of-${office.mailbox.address}`);
    await advanceSeconds(world, 7200);
    value(await admit());
    assert.equal(failure(await token()).kind, 'sign_in_lapsed');
    value(await admit());
  });

  it('goes on with mail of a device that was disabled since, and admits it no more', async () => {
    value(await admit());
    value(await office.process.administration.devices.update(office.device.clientId, { enabled: false }));
    value(await token());
    assert.equal(failure(await admit()).kind, 'invalid_client');
  });

  it('waits, as for a broker out of reach, while its organization is disabled', async () => {
    value(await admit());
    const { organizations } = office.process.administration;
    value(await organizations.update(office.organization.id, { enabled: false }));
    assert.equal(failure(await token()).kind, 'broker_unreachable');
    assert.equal(failure(await admit()).kind, 'invalid_client');
  });

  it('is no device of its own', async () => {
    const { process, gatewayCredential, mailbox } = office;
    value(await process.administration.devices.bind(gatewayCredential.clientId, 'scan', mailbox.id));
    const itself = { ...gatewayCredential, slot: 'scan', address: LAN };
    assert.equal(failure(await office.link.admit(itself)).kind, 'invalid_client');
  });

  describe('and wrong secrets', () => {
    const wrong = (address = LAN, by = office.link) => by.admit({ ...presented(office), clientSecret: 'x', address });

    it('locks the device at that address of its own network, and nowhere else', async () => {
      for (let tries = 0; tries < 12; tries++) await wrong();
      assert.equal(failure(await admit()).kind, 'too_many_attempts');
      value(await office.link.admit({ ...presented(office), address: '10.0.0.8' }));
      const { device } = await newDevice(office.process, office.organization.id, 'Another gateway');
      value(await admit(serviceOf(office.process)({ ...office.gateway, gatewayId: device.clientId })));
      value(await office.process.fetchToken(tokenRequest({ ...office.credential, place: LAN })));
    });
  });

  describe('of one organization', () => {
    it("has one answer for another's device and for one that nobody made, also to the right secret", async () => {
      const other = await openOffice(office.process, { address: 'scan@fabrikam.example' });
      value(await signIn(world, office.process, other.mailbox));
      const foreign = await office.link.admit(presented(other));
      assert.deepEqual(foreign, await office.link.admit({ ...presented(other), clientId: 'nobody' }));
      assert.equal(failure(foreign).kind, 'invalid_client');
      for (let tries = 0; tries < 11; tries++) await office.link.admit(presented(other));
      assert.equal(failure(await office.link.admit(presented(other))).kind, 'too_many_attempts');
    });

    it('loses a mailbox that passes to another', async () => {
      value(await admit());
      const mailbox = { ...office.mailbox, organizationId: 'org_of_another' };
      await world.table.write({ put: { ...keys.mailbox(mailbox.id), ...mailbox } });
      assert.equal(failure(await token()).kind, 'slot_not_bound');
    });
  });

  it('that is for all organizations serves each device for its own', async () => {
    const other = await openOffice(office.process, { address: 'scan@fabrikam.example' });
    value(await signIn(world, office.process, other.mailbox));
    const link = serviceOf(office.process)({ gatewayId: 'local', organizationId: undefined });
    for (const one of [office, other]) {
      assert.equal(value(await link.admit(presented(one))).organizationId, one.organization.id);
      value(await link.token({ mailboxId: one.mailbox.id, audience: 'smtp', minTtlSeconds: 600 }));
    }
  });
});
