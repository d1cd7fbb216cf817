import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { lapsesAt } from '../../shared/domain/grant.ts';
import {
  advanceSeconds,
  depart,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

describe('readDeviceStatus', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
  });

  const scan = async () => {
    const { slots } = value(await process.readDeviceStatus(office.credential));
    return slots.find(({ slot }) => slot === 'scan')?.mailbox;
  };

  it('tells the default slot even when nothing is bound', async () => {
    value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
    const { slots } = value(await process.readDeviceStatus(office.credential));
    assert.deepEqual(slots, [{ slot: 'scan', binding: undefined, mailbox: undefined, hold: undefined }]);
  });

  it('tells every bound slot', async () => {
    for (const slot of ['alerts', 'user:ann']) {
      value(await process.administration.devices.bind(office.device.clientId, slot, office.mailbox.id));
    }
    const { slots } = value(await process.readDeviceStatus(office.credential));
    assert.deepEqual(slots.map(({ slot }) => slot).sort(), ['alerts', 'scan', 'user:ann']);
  });

  it('tells what the mailbox goes through', async () => {
    assert.deepEqual([(await scan())?.tokenStatus, (await scan())?.statusReason], ['not_acquired', 'not_signed_in']);
    await depart(process, office.mailbox);
    assert.deepEqual([(await scan())?.tokenStatus, (await scan())?.statusReason], ['waiting', 'waiting_for_sign_in']);
    value(await signIn(world, process, office.mailbox));
    const acquired = await scan();
    assert.deepEqual([acquired?.tokenStatus, acquired?.statusReason], ['acquired', undefined]);
    assert.equal(acquired?.accessTokenExpiresAt, now(world) + 3600);
    assert.equal(acquired?.signedInAccount, 'scan@contoso.example');
    world.microsoft.revoke('subject-of-scan@contoso.example');
    await advanceSeconds(world, 3601);
    failure(await process.fetchToken(tokenRequest(office.credential)));
    assert.deepEqual([(await scan())?.tokenStatus, (await scan())?.statusReason], ['invalid', 'sign_in_lapsed']);
    assert.equal((await scan())?.lastError?.code, 'invalid_grant');
    value(await process.administration.mailboxes.signOut(office.mailbox.id));
    assert.deepEqual([(await scan())?.tokenStatus, (await scan())?.statusReason], ['not_acquired', 'signed_out']);
  });

  it('forecasts the end of an unused grant from its last proof', async () => {
    value(await signIn(world, process, office.mailbox));
    const provenAt = now(world);
    await advanceSeconds(world, 86_400);
    assert.equal((await scan())?.lapsesAt, provenAt + 90 * 86_400);
    assert.equal(lapsesAt({ state: 'never' }), undefined);
  });

  it('tells nothing to a wrong secret', async () => {
    const error = failure(await process.readDeviceStatus({ ...office.credential, clientSecret: 'wrong' }));
    assert.deepEqual(error, { kind: 'invalid_client' });
  });
});
