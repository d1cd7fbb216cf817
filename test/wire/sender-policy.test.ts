import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  ADDRESSES,
  arrived,
  assertProblem,
  bind,
  call,
  type Json,
  newDevice,
  newOrganization,
  postMessage,
  signIn,
  smallMessage,
  submissionIn,
  type WireBroker,
  type WireDevice,
  wireBroker,
} from './support.ts';

const OWN = ADDRESSES.microsoft;
const ALIAS = 'office@contoso.example';

describe('the sender policy of a device', () => {
  let broker: WireBroker;
  let organizationId: string;
  let mailboxId: string;
  let device: WireDevice;

  before(async () => {
    broker = await wireBroker();
    organizationId = await newOrganization(broker);
    const mailbox = { provider: 'microsoft', address: OWN, aliases: [ALIAS] };
    const made = await broker.administer('POST', `/organizations/${organizationId}/mailboxes`, mailbox);
    mailboxId = String(made.mailbox_id);
    await signIn(broker, mailboxId, { username: OWN });
  });
  after(() => broker.close());
  beforeEach(async () => {
    device = await newDevice(broker, organizationId);
    for (const slot of ['scan', 'fax', 'user:ann']) await bind(broker, device.clientId, slot, mailboxId);
  });

  const setPolicy = (policy: Json) => broker.administer('PATCH', `/devices/${device.clientId}`, policy);
  const shown = ({ sender_policy, sender_address }: Json) => [sender_policy, sender_address];

  let count = 0;
  const handIn = (from: string, slot = 'scan') =>
    call(`${broker.url}/v1/messages?slot=${encodeURIComponent(slot)}`, {
      method: 'POST',
      headers: { authorization: device.basic, 'content-type': 'message/rfc822' },
      body: smallMessage(from, `<policy-${++count}@device.example>`),
    });
  const status = async () => {
    const { body } = await call(`${broker.url}/v1/status`, { headers: { authorization: device.basic } });
    const slots = body.slots as readonly Json[];
    const senders = slots.map(({ slot, sender_addresses }) => [slot, sender_addresses]);
    return { device: shown(body.device as Json), senders: Object.fromEntries(senders) as Json };
  };

  test('is the choice of the user until an administrator sets another', async () => {
    const [got, listed] = await Promise.all([
      broker.administer('GET', `/devices/${device.clientId}`),
      broker.administer('GET', `/organizations/${organizationId}/devices`),
    ]);
    for (const one of [got, ...(listed.devices as readonly Json[])]) {
      assert.deepEqual(shown(one), ['user_may_change', null]);
    }
    assert.deepEqual(await status(), {
      device: ['user_may_change', null],
      senders: { fax: [OWN], scan: [OWN, ALIAS], 'user:ann': [OWN, ALIAS] },
    });
    for (const from of [OWN, ALIAS]) assert.equal((await handIn(from)).status, 202);
    assertProblem(await handIn(ALIAS, 'fax'), 403, 'sender_not_allowed');
  });

  test('is enforced as soon as it is set, says what is allowed, and the device is told', async () => {
    assert.deepEqual(shown(await setPolicy({ sender_policy: 'administrator' })), ['administrator', null]);
    const refused = await handIn(ALIAS);
    assertProblem(refused, 403, 'sender_not_allowed');
    assert.equal(refused.body.detail, `The message is from ${ALIAS}; allowed on slot scan: ${OWN}.`);
    assert.equal((await handIn(OWN)).status, 202);

    const configured = await setPolicy({ sender_policy: 'configured', sender_address: ALIAS });
    assert.deepEqual(shown(configured), ['configured', ALIAS]);
    assertProblem(await handIn(OWN), 403, 'sender_not_allowed');
    assert.equal((await handIn(ALIAS)).status, 202);
    assert.deepEqual(await status(), {
      device: ['configured', ALIAS],
      senders: { fax: [OWN], scan: [ALIAS], 'user:ann': [ALIAS] },
    });

    await setPolicy({ sender_policy: 'login_user' });
    assertProblem(await handIn(OWN), 403, 'sender_not_allowed');
    assert.equal((await handIn(OWN, 'user:ann')).status, 202);
    assert.deepEqual((await status()).senders, { fax: [OWN], scan: [], 'user:ann': [OWN, ALIAS] });
  });

  test('stays as it is while something else is changed', async () => {
    await setPolicy({ sender_policy: 'configured', sender_address: ALIAS });
    assert.deepEqual(shown(await setPolicy({ location: 'Hall', enabled: true })), ['configured', ALIAS]);
    assert.deepEqual(shown(await setPolicy({ sender_policy: 'administrator' })), ['administrator', null]);
  });

  test('leaves the device as it was where it is not valid', async () => {
    for (const policy of [
      { sender_policy: 'anybody' },
      { sender_policy: null },
      { sender_policy: 'configured' },
      { sender_policy: 'configured', sender_address: 'nobody' },
      { sender_policy: 'administrator', sender_address: ALIAS, location: 'Hall' },
      { sender_address: ALIAS },
    ]) {
      const reply = await broker.admin('PATCH', `/devices/${device.clientId}`, policy);
      assertProblem(reply, 400, 'invalid_request');
      assert.match(String(reply.body.detail), /^sender_(policy|address) /);
    }
    const { sender_policy, location } = await broker.administer('GET', `/devices/${device.clientId}`);
    assert.deepEqual([sender_policy, location], ['user_may_change', undefined]);
  });

  test('may have other senders rewritten in place of refused', async () => {
    const boss = 'The Boss <boss@contoso.example>';
    assert.equal((await broker.administer('GET', `/devices/${device.clientId}`)).rewrite_sender, false);
    assertProblem(await handIn(boss), 403, 'sender_not_allowed');
    assert.equal((await setPolicy({ rewrite_sender: true })).rewrite_sender, true);
    assert.deepEqual(shown(await setPolicy({ location: 'Hall' })), ['user_may_change', null]);
    const { status, body } = await handIn(boss);
    assert.equal(status, 202);
    const sent = await submissionIn(broker, device, body.submission_id, 'sent');
    assert.equal(sent.sender_rewritten, true);
    const message = (await arrived(broker)).find(({ raw }) => raw.includes(String(body.message_id)));
    for (const field of ['From: The Boss <scanner@contoso.example>', 'Reply-To: The Boss <boss@contoso.example>']) {
      assert.ok(message?.raw.includes(`${field}\r\n`), field);
    }
    assertProblem(
      await broker.admin('PATCH', `/devices/${device.clientId}`, { rewrite_sender: 'yes' }),
      400,
      'invalid_request',
    );
    await setPolicy({ rewrite_sender: false });
    assertProblem(await handIn(boss), 403, 'sender_not_allowed');
  });

  test('lets one be rewritten that the provider does not accept, and says so', async () => {
    const text = '5.2.252 SendAsDenied; scanner@contoso.example not allowed to send as office@contoso.example';
    await setPolicy({ rewrite_sender: true });
    await broker.control('POST', 'mail/faults', { place: 'DATA', fault: { kind: 'reply', code: 554, text } });
    const { body } = await handIn(ALIAS);
    const sent = await submissionIn(broker, device, body.submission_id, 'sent');
    assert.deepEqual([sent.sender_rewritten, sent.attempts], [true, 2]);
    const message = (await arrived(broker)).find(({ raw }) => raw.includes(String(body.message_id)));
    assert.match(message?.raw ?? '', new RegExp(`^From: ${OWN}\r\nReply-To: ${ALIAS}\r$`, 'm'));
  });

  test('cannot be set by the device itself', async () => {
    const changed = await call(device.registrationUri, {
      method: 'PUT',
      headers: { authorization: `Bearer ${device.registrationToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ client_id: device.clientId, client_name: 'Mine', sender_policy: 'administrator' }),
    });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual((await status()).device, ['user_may_change', null]);
    assert.equal((await postMessage(broker, device, smallMessage(ALIAS, '<own@device.example>'))).status, 202);
  });

  test('holds for whatever a reader could take for the sender, and delivers nothing of the rest', async () => {
    await setPolicy({ sender_policy: 'administrator' });
    const ceo = 'ceo@contoso.example';
    const encoded = '=?utf-8?q?ceo=40contoso.example?=';
    const handInHeader = (header: string) =>
      postMessage(broker, device, `${header}\r\nTo: archive@example.org\r\nSubject: Trick\r\n\r\nx\r\n`);
    for (const header of [
      `From: ${ceo} <${OWN}>`,
      `From: ${ceo}:${OWN};`,
      `From: <${OWN}> <${ceo}>`,
      `From: ${OWN} ${ceo}`,
      `From: ceo, ${OWN}`,
      `From: ${OWN}\r\nSender: ceo`,
      `From: ${OWN}\r\nSender: ${encoded}`,
    ]) {
      const refused = await handInHeader(header);
      assertProblem(refused, 422, 'not_a_message');
      assert.match(String(refused.body.detail), /^It is not certain whom the (From|Sender) field means: /);
    }
    for (const header of [
      `From: "${ceo}" <${OWN}>`,
      `From: ${encoded} <${OWN}>`,
      `From: ${OWN} (${ceo})`,
      `From: ${OWN}\r\nResent-From: ${ceo}`,
      `From: ${OWN}\r\nResent-Sender: ${ceo}`,
      `Resent-From: ${ceo}`,
    ]) {
      const refused = await handInHeader(header);
      assertProblem(refused, 403, 'sender_not_allowed');
      assert.equal(refused.body.detail, `The message is from ${ceo}; allowed on slot scan: ${OWN}.`);
    }
    // The mail of one mailbox is sent in order: had one of them been taken, it would be there before this.
    const header = `From: "Scanner, 2nd floor" <${OWN}>\r\nResent-From: ${OWN}\r\nResent-Bcc: secret@example.org`;
    const { body } = await handInHeader(header);
    await submissionIn(broker, device, body.submission_id ?? body.id, 'sent');
    const tricks = (await arrived(broker)).filter(({ raw }) => raw.includes('Subject: Trick'));
    assert.equal(tricks.length, 1);
    assert.match(tricks[0]?.raw ?? '', /^From: "Scanner, 2nd floor"/m);
    assert.doesNotMatch(tricks[0]?.raw ?? '', /secret/);
  });
});
