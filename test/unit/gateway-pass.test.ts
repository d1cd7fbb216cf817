import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { keys } from '../../shared/records/items.ts';
import { type GatewayOffice, gatewayOffice, MESSAGE, passedMessage, presented, serviceOf } from './gateway-office.ts';
import { advanceSeconds, failure, makeWorld, now, openOffice, settle, signIn, value, type World } from './support.ts';

describe('a message that a gateway passes on', () => {
  let world: World;
  let office: GatewayOffice;

  beforeEach(async () => {
    world = makeWorld();
    office = await gatewayOffice(world);
    value(await office.link.admit(presented(office)));
  });

  const pass = (changes: Parameters<typeof passedMessage>[1] = {}, by = office.link) =>
    by.pass(passedMessage(office, changes));
  const passed = async (...parameters: Parameters<typeof pass>) => value(await pass(...parameters)).submissionId;
  const submissionOf = async (id: string) => (await office.process.records.submissions.get(id))?.submission;
  const work = () => settle(world, office.process.workMail());

  it('is sent by the relay like one that the device hands in, to whom the gateway says', async () => {
    const id = await passed({ to: ['bob@contoso.example', 'eve@contoso.example'] });
    await work();
    const [delivery] = world.smtp.attempts;
    assert.deepEqual(delivery?.envelope, {
      from: office.mailbox.address,
      to: ['bob@contoso.example', 'eve@contoso.example'],
    });
    const submission = await submissionOf(id);
    assert.equal(submission?.status.state, 'sent');
    assert.equal(submission?.gatewayId, undefined);
  });

  it('is taken once, for as long as it may wait at the gateway', async () => {
    const id = await passed();
    await advanceSeconds(world, 32 * 86_400);
    assert.equal(await passed(), id);
  });

  it('is another one with another id, and with the same id at another gateway', async () => {
    const id = await passed();
    assert.notEqual(await passed({ id: 'sub_another' }), id);
    const link = serviceOf(office.process)({ gatewayId: 'local', organizationId: undefined });
    value(await link.admit(presented(office)));
    assert.notEqual(await passed({}, link), id);
  });

  it('is not taken for one that the device itself handed in under that key', async () => {
    const handedIn = await office.process.acceptMessage({
      ...office.credential,
      slot: 'scan',
      message: Buffer.from(MESSAGE),
      envelopeTo: undefined,
      idempotencyKey: 'sub_of_the_gateway',
    });
    assert.notEqual(await passed(), value(handedIn).id);
  });

  it('goes though its device was disabled since', async () => {
    value(await office.process.administration.devices.update(office.device.clientId, { enabled: false }));
    await passed();
  });

  it('fails where its device was removed since', async () => {
    value(await office.process.administration.devices.remove(office.device.clientId));
    assert.equal(failure(await pass()).kind, 'invalid_client');
  });

  it('goes by the mailbox that it was accepted for, though the slot was bound to another since', async () => {
    const { process, organization, device } = office;
    const other = value(
      await process.administration.mailboxes.create(organization.id, {
        provider: 'google',
        address: 'other@gmail.example',
        aliases: [],
      }),
    ).mailbox;
    value(await process.administration.devices.bind(device.clientId, 'scan', other.id));
    assert.equal((await submissionOf(await passed()))?.mailboxId, office.mailbox.id);
    assert.equal(failure(await pass({ mailboxId: other.id, id: 'sub_2' })).kind, 'slot_not_bound');
  });

  it('is held where its mailbox was signed out since', async () => {
    value(await office.process.administration.mailboxes.signOut(office.mailbox.id));
    const id = await passed();
    await work();
    const described = value(await office.process.readSubmission(office.device.clientId, id));
    assert.deepEqual([described.state, described.reason], ['held', 'signed_out']);
  });

  it('waits at the gateway while the organization is disabled', async () => {
    const { organizations } = office.process.administration;
    value(await organizations.update(office.organization.id, { enabled: false }));
    assert.equal(failure(await pass()).kind, 'broker_unreachable');
  });

  it("is not taken on behalf of another organization's device", async () => {
    const other = await openOffice(office.process, { address: 'scan@fabrikam.example' });
    value(await signIn(world, office.process, other.mailbox));
    assert.equal(failure(await pass({ clientId: other.device.clientId })).kind, 'invalid_client');
    assert.equal(failure(await pass({ mailboxId: other.mailbox.id })).kind, 'slot_not_bound');
  });

  it('is not what another client has uploaded', async () => {
    const upload = {
      id: 'upl_1',
      organizationId: office.organization.id,
      sizeBytes: MESSAGE.length,
      linkExpiresAt: now(world) + 60,
      expiresAt: now(world) + 60,
    };
    const { open: _open, sizeBytes: _size, ...message } = passedMessage(office);
    await world.blobs.put('uploads/upl_1', Buffer.from(MESSAGE));
    const handIn = () => office.link.pass({ ...message, uploadId: upload.id });
    await office.process.records.uploads.create({ ...upload, clientId: office.device.clientId });
    assert.equal(failure(await handIn()).kind, 'upload_unknown');
    await office.process.records.uploads.create({ ...upload, clientId: office.gateway.gatewayId });
    value(await handIn());
    assert.equal(await world.table.get(keys.upload(upload.id)), undefined);
  });
});
