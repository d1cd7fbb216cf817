import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { SenderPolicy } from '../../shared/domain/sender-policy.ts';
import { keys } from '../../shared/records/items.ts';
import { makeFuse } from '../fakes/fuse.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  PLACE,
  type Process,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

const MESSAGE = [
  'From: scan@contoso.example',
  'To: ann@contoso.example',
  'Cc: bob@contoso.example',
  'Bcc: secret@contoso.example',
  'Subject: Scan',
  '',
  'See below.',
  '',
].join('\r\n');

/** In place of one store's operation: the others go on working. */
const outage = async (): Promise<never> => {
  throw new Error('out of reach');
};

describe('acceptMessage', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const handIn = (
    changes: { message?: string; envelopeTo?: string; idempotencyKey?: string; slot?: string } = {},
    by = process,
  ) =>
    by.acceptMessage({
      ...office.credential,
      slot: changes.slot ?? 'scan',
      message: Buffer.from(changes.message ?? MESSAGE),
      envelopeTo: changes.envelopeTo,
      idempotencyKey: changes.idempotencyKey,
    });
  const stored = (id: string): string => world.blobs.text(`submissions/${id}.eml`) ?? '';
  const queued = async () =>
    (await world.mailQueue.receive({ limit: 10, waitSeconds: 0 })).map(({ body }) => JSON.parse(body));
  const assertNothingStored = async () => {
    assert.deepEqual(world.blobs.keys(), []);
    assert.deepEqual((await process.records.submissions.page(office.organization.id, 10)).records, []);
    assert.deepEqual(await queued(), []);
  };

  it('has message and envelope stored, and queued, when it says yes', async () => {
    const submission = value(await handIn());
    assert.ok(stored(submission.id).includes('See below.'));
    const another = startProcess(world);
    assert.deepEqual((await another.records.submissions.get(submission.id))?.submission, submission);
    assert.equal(submission.status.state, 'queued');
    assert.equal(submission.sizeBytes, stored(submission.id).length);
    assert.deepEqual(await queued(), [{ mailboxId: office.mailbox.id }]);
  });

  it('says yes only when all is durable, wherever it dies', async () => {
    for (let write = 1; write <= 3; write++) {
      const fuse = makeFuse(write, 'before');
      const answer = await handIn({}, startProcess(world, { fuse })).then(
        (result) => result,
        () => undefined,
      );
      assert.equal(fuse.blown, true);
      if (answer === undefined) continue;
      // Only the queue may be missed: the submission is due, and the sweep finds it.
      const { id } = value(answer);
      assert.equal(write, 3);
      assert.ok(stored(id).includes('See below.'));
      assert.deepEqual(await queued(), []);
      await advanceSeconds(world, 300);
      assert.equal(await process.sweepOutboxes(), 1);
      assert.deepEqual(await queued(), [{ mailboxId: office.mailbox.id }]);
    }
  });

  it('queues nothing that is not yet durable', async () => {
    const withoutBlobs = startProcess({ ...world, blobs: { ...world.blobs, put: outage } });
    const withoutTable = startProcess(world, { table: { ...world.table, writeAll: outage } });
    for (const one of [withoutBlobs, withoutTable]) {
      await assert.rejects(handIn({}, one), /out of reach/);
      assert.deepEqual(await queued(), []);
    }
  });

  it('says yes where only the queue fails, for the sweep will find what is due', async () => {
    const withoutQueue = startProcess({ ...world, mailQueue: { ...world.mailQueue, send: outage } });
    const { id } = value(await handIn({}, withoutQueue));
    assert.ok(stored(id).includes('See below.'));
    assert.equal((await process.records.submissions.get(id))?.submission.status.state, 'queued');
    assert.equal(world.log.of('submission.not_queued').length, 1);
  });

  it('keeps the message though its record was written twice, for the answer was lost', async () => {
    const table = {
      ...world.table,
      writeAll: async (all: Parameters<typeof world.table.writeAll>[0]) => {
        await world.table.writeAll(all);
        return world.table.writeAll(all);
      },
    };
    for (const changes of [{}, { idempotencyKey: 'job 1' }]) {
      const { id } = value(await handIn(changes, startProcess(world, { table })));
      assert.ok(stored(id).includes('See below.'));
    }
  });

  describe('as use of the binding', () => {
    const lastUsedAt = async () =>
      (await process.records.devices.binding(office.device.clientId, 'scan'))?.lastFetchedAt;

    it('is noted at once after a sign-in (R29), and then every ten minutes at most', async () => {
      await advanceSeconds(world, 10);
      value(await handIn());
      const first = now(world);
      assert.equal(await lastUsedAt(), first);
      await advanceSeconds(world, 599);
      value(await handIn({ idempotencyKey: 'job 1' }));
      assert.equal(await lastUsedAt(), first);
      await advanceSeconds(world, 1);
      value(await handIn({ idempotencyKey: 'job 1' }));
      assert.equal(await lastUsedAt(), first + 600, 'also where the message is repeated');
      await advanceSeconds(world, 10);
      value(await signIn(world, process, office.mailbox));
      await advanceSeconds(world, 10);
      value(await handIn());
      assert.equal(await lastUsedAt(), now(world));
    });

    it('is not noted where the message is refused', async () => {
      failure(await handIn({ message: 'From: somebody@else.example\r\nTo: a@b.example\r\n\r\nx' }));
      failure(await handIn({ envelopeTo: 'nobody' }));
      assert.equal(await lastUsedAt(), undefined);
    });

    it('fails no message where it cannot be noted', async () => {
      const { id } = value(await handIn({}, startProcess(world, { table: { ...world.table, write: outage } })));
      assert.ok(stored(id).includes('See below.'));
      assert.equal(await lastUsedAt(), undefined);
      assert.equal(world.log.of('submission.use_not_recorded').length, 1);
    });

    it('does not pass for a fetch, by which a mailbox is kept warm', async () => {
      value(await handIn());
      await advanceSeconds(world, 1);
      value(await process.fetchToken(tokenRequest(office.credential)));
      const { lastUsedAt: used } = await process.records.grants.getWithTokens(office.mailbox.id, []);
      assert.equal(used.smtp, now(world));
    });
  });

  describe('under one idempotency key', () => {
    it('takes a message once', async () => {
      const first = value(await handIn({ idempotencyKey: 'job 1' }));
      const second = value(await handIn({ idempotencyKey: 'job 1' }));
      assert.equal(second.id, first.id);
      assert.notEqual(value(await handIn({ idempotencyKey: 'job 2' })).id, first.id);
      // A device that counts its jobs anew after each start would lose the second one without a word.
      const message = 'To: ann@contoso.example\r\n\r\nAnother page.\r\n';
      for (const changes of [{ message }, { envelopeTo: 'bob@contoso.example' }]) {
        const refused = failure(await handIn({ idempotencyKey: 'job 1', ...changes }));
        assert.equal(refused.kind, 'conflict');
        assert.match(refused.detail ?? '', /was used for another message/);
      }
      assert.equal(world.blobs.keys().length, 2);
      assert.equal((await queued()).length, 1);
    });

    it('takes one of many parallel requests, and answers all with it', async () => {
      const processes = Array.from({ length: 8 }, () => startProcess(world));
      const all = await Promise.all(processes.map((one) => handIn({ idempotencyKey: 'job 1' }, one)));
      const ids = new Set(all.map((result) => value(result).id));
      assert.equal(ids.size, 1);
      assert.deepEqual(world.blobs.keys(), [`submissions/${[...ids][0]}.eml`]);
      const { records } = await process.records.submissions.page(office.organization.id, 10);
      assert.deepEqual(
        records.map(({ submission }) => submission),
        [value(await handIn({ idempotencyKey: 'job 1' }))],
      );
    });

    it('takes one of many parallel requests also where the key was used a day ago', async () => {
      const first = value(await handIn({ idempotencyKey: 'job 1' }));
      await advanceSeconds(world, 86_400);
      const processes = Array.from({ length: 8 }, () => startProcess(world));
      const all = await Promise.all(processes.map((one) => handIn({ idempotencyKey: 'job 1' }, one)));
      const ids = [...new Set(all.map((result) => value(result).id))];
      assert.equal(ids.length, 1);
      assert.deepEqual(
        world.blobs.keys(),
        [first.id, ...ids].map((id) => `submissions/${id}.eml`),
      );
    });

    it('keeps the devices apart', async () => {
      const first = value(await handIn({ idempotencyKey: 'job 1' }));
      const made = value(await process.administration.devices.create(office.organization.id, { clientName: 'Second' }));
      const { clientId } = made.device;
      value(await process.administration.devices.bind(clientId, 'scan', office.mailbox.id));
      office = { ...office, credential: { clientId, clientSecret: made.clientSecret, place: PLACE } };
      assert.notEqual(value(await handIn({ idempotencyKey: 'job 1' })).id, first.id);
    });

    it('takes a new message after a day, though the table still holds the old key', async () => {
      const first = value(await handIn({ idempotencyKey: 'job 1' }));
      await advanceSeconds(world, 86_400 - 1);
      assert.equal(value(await handIn({ idempotencyKey: 'job 1' })).id, first.id);
      await advanceSeconds(world, 1);
      const next = value(await handIn({ idempotencyKey: 'job 1' }));
      assert.notEqual(next.id, first.id);
      assert.equal(value(await handIn({ idempotencyKey: 'job 1' })).id, next.id);
    });
  });

  describe('writes into the message', () => {
    it('a Message-ID of its own where there is none, the same in the record', async () => {
      const submission = value(await handIn());
      assert.equal(submission.messageId, `<${submission.id}@contoso.example>`);
      assert.equal(stored(submission.id).split(`Message-ID: ${submission.messageId}\r\n`).length, 2);
    });

    it('no other Message-ID where there is one', async () => {
      const submission = value(await handIn({ message: `Message-ID: <1@printer>\r\n${MESSAGE}` }));
      assert.equal(submission.messageId, '<1@printer>');
      assert.equal(stored(submission.id).match(/message-id:/gi)?.length, 1);
    });

    it('Date and From where they are missing', async () => {
      const { id } = value(await handIn({ message: 'To: ann@contoso.example\r\n\r\nHello\r\n' }));
      assert.match(stored(id), /^Date: Tue, 01 Dec 2026 00:00:00 \+0000\r$/m);
      assert.match(stored(id), /^From: scan@contoso\.example\r$/m);
    });

    it('the same in place of fields that are there and empty', async () => {
      const submission = value(
        await handIn({ message: 'From: Scanner\r\nDate:\r\nMessage-ID: \r\nTo: ann@contoso.example\r\n\r\nHello\r\n' }),
      );
      const message = stored(submission.id);
      for (const name of ['From', 'Date', 'Message-ID']) assert.equal(message.split(`${name}:`).length, 2, name);
      assert.ok(message.includes(`Message-ID: ${submission.messageId}\r\n`));
      assert.ok(message.includes('From: scan@contoso.example\r\n'));
    });

    it('what mail may not have, mended, and tells of octets beyond ASCII', async () => {
      const { id, eightBit, sizeBytes } = value(
        await handIn({ message: 'To: ann@contoso.example\nSubject: Grüße\n\nGrüße\n' }),
      );
      assert.match(stored(id), /^Subject: =\?utf-8\?B\?.*\?=\r$/m);
      assert.ok(stored(id).endsWith('Content-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n'));
      assert.deepEqual([eightBit, sizeBytes], [true, Buffer.byteLength(stored(id))]);
      assert.equal(value(await handIn()).eightBit, false);
    });

    it('no Bcc: who is told in secret stands in the envelope alone', async () => {
      const submission = value(await handIn({ message: `BCC: also@contoso.example\r\n${MESSAGE}` }));
      assert.ok(!/bcc|secret@|also@/i.test(stored(submission.id)));
      assert.deepEqual(
        new Set(submission.envelope.to),
        new Set(['ann@contoso.example', 'bob@contoso.example', 'also@contoso.example', 'secret@contoso.example']),
      );
    });
  });

  it('takes the envelope it is given in place of the headers', async () => {
    const submission = value(await handIn({ envelopeTo: 'eve@contoso.example, <bob@contoso.example>' }));
    assert.deepEqual(submission.envelope, {
      from: 'scan@contoso.example',
      to: ['eve@contoso.example', 'bob@contoso.example'],
    });
  });

  describe('refuses, with nothing stored,', () => {
    const refused = async (changes: Parameters<typeof handIn>[0]) => {
      const { kind } = failure(await handIn(changes));
      await assertNothingStored();
      return kind;
    };

    it('a sender that is not the mailbox', async () => {
      assert.equal(await refused({ message: MESSAGE.replace('scan@', 'boss@') }), 'sender_not_allowed');
      for (const claim of ['From: boss@contoso.example', 'Sender: boss@contoso.example']) {
        assert.equal(await refused({ message: `${claim}\r\n${MESSAGE}` }), 'sender_not_allowed');
      }
    });

    it('lines smuggled into an envelope address', async () => {
      for (const address of [
        'ann@contoso.example\r\nRCPT TO:<eve@x.example>',
        'ann@contoso.example\n',
        'ann@contoso.example>\r\nDATA',
        'a\0@contoso.example',
        'ann@contoso.example NOTIFY=NEVER',
      ]) {
        assert.equal(await refused({ envelopeTo: address }), 'invalid_recipient', JSON.stringify(address));
      }
    });

    it('a message for nobody', async () => {
      assert.equal(await refused({ message: 'From: scan@contoso.example\r\n\r\nHello' }), 'invalid_recipient');
      assert.equal(await refused({ envelopeTo: ' , ' }), 'invalid_recipient');
    });

    it('what is no message', async () => {
      assert.equal(await refused({ message: '%PDF-1.7' }), 'not_a_message');
      assert.equal(await refused({ message: '' }), 'not_a_message');
    });

    it('a slot without a mailbox', async () => {
      assert.equal(await refused({ slot: 'fax' }), 'slot_not_bound');
    });

    it('a binding that leads to the mailbox of another organization', async () => {
      const own = office;
      const other = await openOffice(process, { address: 'scan@fabrikam.example' });
      office = { ...own, device: other.device, credential: other.credential };
      const astray = { clientId: other.device.clientId, slot: 'fax', mailboxId: own.mailbox.id, boundAt: now(world) };
      for (const organization of [own.organization, other.organization]) {
        await process.records.devices.bind({ ...astray, organizationId: organization.id });
        assert.equal(await refused({ slot: 'fax' }), 'slot_not_bound');
      }
    });

    it('a mailbox that nobody signed in, or somebody signed out', async () => {
      value(await process.administration.mailboxes.signOut(office.mailbox.id));
      assert.equal(await refused({}), 'signed_out');
      const never = await openOffice(process, { address: 'never@contoso.example' });
      office = { ...office, ...never };
      assert.equal(await refused({}), 'not_signed_in');
    });

    it('a device that is disabled, or whose secret is wrong', async () => {
      value(await process.administration.devices.update(office.device.clientId, { enabled: false }));
      assert.equal(await refused({}), 'invalid_client');
      value(await process.administration.devices.update(office.device.clientId, { enabled: true }));
      office = { ...office, credential: { ...office.credential, clientSecret: 'wrong' } };
      assert.equal(await refused({}), 'invalid_client');
    });
  });

  describe('under the sender policy', () => {
    const ALIAS = 'boss@contoso.example';
    const FROM_ALIAS = MESSAGE.replace('scan@', 'boss@');
    const FROM_NOBODY = 'To: ann@contoso.example\r\n\r\nHello\r\n';

    /** The office again, with a mailbox that has an alias behind every slot. */
    const withPolicy = async (senderPolicy: SenderPolicy) => {
      world = makeWorld();
      ({ process, ...office } = await signedInOffice(world));
      const aliases = { set: { aliases: [ALIAS] } };
      await world.table.write({ update: keys.mailbox(office.mailbox.id), changes: aliases, when: { present: true } });
      const { devices } = process.administration;
      for (const slot of ['fax', 'user:ann'])
        value(await devices.bind(office.device.clientId, slot, office.mailbox.id));
      value(await devices.update(office.device.clientId, { senderPolicy }));
    };
    const refusal = async (changes: Parameters<typeof handIn>[0]) => {
      const { kind, detail } = failure(await handIn(changes));
      assert.equal(kind, 'sender_not_allowed');
      await assertNothingStored();
      return detail ?? '';
    };

    it('administrator: refuses an alias with what is allowed, from the very next message on', async () => {
      await withPolicy({ name: 'user_may_change' });
      value(await handIn({ message: FROM_ALIAS }));
      await withPolicy({ name: 'administrator' });
      const detail = await refusal({ message: FROM_ALIAS });
      assert.equal(detail, `The message is from ${ALIAS}; allowed on slot scan: scan@contoso.example.`);
      assert.match(await refusal({ message: `Sender: ${ALIAS}\r\n${MESSAGE}` }), /allowed on slot scan/);
      value(await handIn());
    });

    it('configured: sends as that address, also where the message names nobody', async () => {
      await withPolicy({ name: 'configured', address: ALIAS });
      assert.match(await refusal({}), /allowed on slot scan: boss@contoso\.example\./);
      value(await handIn({ message: FROM_ALIAS }));
      const { id, envelope } = value(await handIn({ message: FROM_NOBODY }));
      assert.match(stored(id), /^From: boss@contoso\.example\r$/m);
      assert.equal(envelope.from, 'scan@contoso.example');
    });

    it('configured: sends nothing where the mailbox does not have the address', async () => {
      await withPolicy({ name: 'configured', address: 'other@contoso.example' });
      for (const message of [MESSAGE, FROM_ALIAS, FROM_NOBODY]) {
        assert.match(await refusal({ message }), /only as other@contoso\.example/);
      }
    });

    it('login_user: sends from the slots of people alone', async () => {
      await withPolicy({ name: 'login_user' });
      for (const message of [MESSAGE, FROM_NOBODY]) assert.match(await refusal({ message }), /slot user:<login>/);
      for (const message of [MESSAGE, FROM_ALIAS, FROM_NOBODY]) value(await handIn({ message, slot: 'user:ann' }));
    });

    it("fax: sends as the mailbox's own address, whatever the policy", async () => {
      for (const name of ['user_may_change', 'login_user', 'administrator'] as const) {
        await withPolicy({ name });
        assert.match(await refusal({ message: FROM_ALIAS, slot: 'fax' }), /allowed on slot fax: scan@/);
        value(await handIn({ slot: 'fax' }));
      }
      await withPolicy({ name: 'configured', address: ALIAS });
      value(await handIn({ slot: 'fax' }));
    });
  });

  describe('where the device may have its sender rewritten', () => {
    const BOSS = MESSAGE.replace('From: scan@', 'From: "The Boss" <boss@').replace('example\r\nTo', 'example>\r\nTo');
    const from = (id: string) => /^From: .*$/m.exec(stored(id))?.[0].trim();
    const replyTo = (id: string) => /^Reply-To: .*$/m.exec(stored(id))?.[0].trim();
    const allow = (changes: { rewriteSender?: boolean; senderPolicy?: SenderPolicy }) =>
      process.administration.devices.update(office.device.clientId, changes);

    it('goes out as the mailbox, and answers go to whom it was from', async () => {
      assert.equal(failure(await handIn({ message: BOSS })).kind, 'sender_not_allowed');
      value(await allow({ rewriteSender: true }));
      const submission = value(await handIn({ message: BOSS }));
      assert.equal(from(submission.id), 'From: "The Boss" <scan@contoso.example>');
      assert.equal(replyTo(submission.id), 'Reply-To: "The Boss" <boss@contoso.example>');
      assert.deepEqual([submission.mayRewriteSender, submission.senderRewritten], [true, true]);
      assert.equal(submission.sizeBytes, stored(submission.id).length);
      value(await allow({ rewriteSender: false }));
      assert.equal(failure(await handIn({ message: BOSS })).kind, 'sender_not_allowed');
    });

    it('is not touched where it is allowed, but may still be rewritten by whoever sends it', async () => {
      value(await allow({ rewriteSender: true }));
      const submission = value(await handIn());
      assert.deepEqual([submission.mayRewriteSender, submission.senderRewritten], [true, undefined]);
      assert.equal(replyTo(submission.id), undefined);
      assert.equal(
        value(await handIn({ message: 'Resent-From: x@y.example\r\nTo: a@b.example\r\n\r\nx' })).senderRewritten,
        true,
      );
    });

    it('goes out as the address that the policy names', async () => {
      const alias = { set: { aliases: ['office@contoso.example'] } };
      await world.table.write({ update: keys.mailbox(office.mailbox.id), changes: alias, when: { present: true } });
      value(
        await allow({ rewriteSender: true, senderPolicy: { name: 'configured', address: 'office@contoso.example' } }),
      );
      const submission = value(await handIn());
      assert.equal(from(submission.id), 'From: office@contoso.example');
      // Should the provider not have it, the mailbox itself is left to try.
      assert.deepEqual([submission.mayRewriteSender, submission.senderRewritten], [true, undefined]);
    });

    it('is refused all the same where no address is allowed, or nobody knows whom it means', async () => {
      value(await allow({ rewriteSender: true, senderPolicy: { name: 'login_user' } }));
      assert.equal(failure(await handIn({ message: BOSS })).kind, 'sender_not_allowed');
      value(await allow({ senderPolicy: { name: 'user_may_change' } }));
      const unclear = 'From: boss@contoso.example <scan@contoso.example>\r\nTo: a@b.example\r\n\r\nx';
      assert.equal(failure(await handIn({ message: unclear })).kind, 'not_a_message');
    });
  });

  it('takes the sender in whatever letter case, and the aliases of the mailbox', async () => {
    value(await handIn({ message: MESSAGE.replace('scan@contoso', 'SCAN@Contoso') }));
    const { mailbox } = value(
      await process.administration.mailboxes.create(office.organization.id, {
        provider: 'microsoft',
        address: 'post@contoso.example',
        aliases: ['boss@contoso.example'],
      }),
    );
    value(await process.administration.devices.bind(office.device.clientId, 'scan', mailbox.id));
    const departed = value(await process.administration.mailboxes.beginSignIn(mailbox.id));
    const { authorizationUrl, browserSecret } = value(await process.departForProvider(departed.id));
    const back = world.microsoft.login(authorizationUrl, {
      account: { subject: 'post', addresses: [mailbox.address] },
    });
    value(
      await process.completeSignIn({
        provider: 'microsoft',
        ...back,
        browserSecret,
        error: undefined,
        errorDescription: undefined,
      }),
    );
    value(await handIn({ message: MESSAGE.replace('scan@', 'boss@') }));
  });

  it('takes mail for a mailbox whose sign-in has lapsed, for it will be held', async () => {
    world.microsoft.revoke('subject-of-scan@contoso.example');
    await advanceSeconds(world, 3601);
    assert.equal(failure(await process.fetchToken(tokenRequest(office.credential))).kind, 'sign_in_lapsed');
    assert.equal(value(await handIn()).status.state, 'queued');
  });
});

describe('readSubmission', () => {
  it('shows a submission to its own device alone', async () => {
    const world = makeWorld();
    const { process, ...office } = await signedInOffice(world);
    const { id } = value(
      await process.acceptMessage({
        ...office.credential,
        slot: 'scan',
        message: Buffer.from(MESSAGE),
        envelopeTo: undefined,
        idempotencyKey: undefined,
      }),
    );
    assert.equal(value(await process.readSubmission(office.device.clientId, id)).submission.id, id);
    const other = await openOffice(process, { address: 'scan@fabrikam.example' });
    assert.equal(failure(await process.readSubmission(other.device.clientId, id)).kind, 'not_found');
    assert.equal(failure(await process.readSubmission(office.device.clientId, 'sub_none')).kind, 'not_found');
  });
});
