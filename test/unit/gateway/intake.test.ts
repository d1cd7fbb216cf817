import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Intake } from '../../../gateway/spool/intake.ts';
import { makeMailRate } from '../../../gateway/spool/mail-rate.ts';
import { makeIntake } from '../../../gateway/spool/make-intake.ts';
import type { SpoolLimits } from '../../../gateway/spool/room.ts';
import type { Spool } from '../../../gateway/spool/spool.ts';
import { mimeMessageFormat } from '../../../shared/adapters/mime/mime-message-format.ts';
import type { ServedDevice } from '../../../shared/domain/gateway.ts';
import type { SenderPolicy } from '../../../shared/domain/sender-policy.ts';
import type { Submission } from '../../../shared/domain/submission.ts';
import { MESSAGE_LIMIT_BYTES } from '../../../shared/domain/upload.ts';
import type { BlobStore } from '../../../shared/ports/blob-store.ts';
import type { MessageFormat } from '../../../shared/ports/message-format.ts';
import { keys } from '../../../shared/records/items.ts';
import { servedDevice } from '../../fakes/gateway.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { failure, makeWorld, signedInOffice, value } from '../support.ts';
import { CONTENT, filesIn, open, put, scratchFolder, submissionNamed } from './spool-world.ts';

const DEVICE = servedDevice('abcd1234');
const TO = ['ann@office.example'];
const MB = 1024 * 1024;

const pieces = function* (content: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
};

/** A large message as it comes over a line: lines of base64. */
const scan = function* (megabytes: number): Generator<Buffer> {
  yield Buffer.from('From: scan@office.example\r\nSubject: Scan\r\nContent-Transfer-Encoding: base64\r\n\r\n');
  const lines = Buffer.from(`${'QUJD'.repeat(19)}\r\n`.repeat(512));
  for (let bytes = 0; bytes < megabytes * MB; bytes += lines.length) yield Buffer.from(lines);
};

describe('the intake', () => {
  let clock: ManualClock;
  let folder: string;
  let spool: Spool;
  let limits: SpoolLimits;

  const makeOne = (changes: { messageFormat?: MessageFormat; messagesPerMinute?: number } = {}): Promise<Intake> =>
    makeIntake({
      spool,
      folder,
      limits: () => limits,
      mayHandIn: makeMailRate({ clock, messagesPerMinute: () => changes.messagesPerMinute ?? 1000 }),
      messageFormat: changes.messageFormat ?? mimeMessageFormat,
      clock,
      random: seededRandom('intake'),
      log: memoryLog(),
    });
  let intake: Intake;

  beforeEach(async (t) => {
    clock = manualClock();
    folder = await scratchFolder(t as Parameters<typeof scratchFolder>[0]);
    spool = await open(folder, clock, memoryLog());
    limits = { spoolBytes: 5 * 1024 * MB, spoolMessages: 10_000, freeBytes: 0 };
    intake = await makeOne();
  });

  const take = (
    content: Readable | string | Buffer,
    changes: Partial<Parameters<Intake['take']>[0]> = {},
    by = intake,
  ) =>
    by.take({
      device: DEVICE,
      mailFrom: 'anybody@elsewhere.example',
      to: TO,
      content: content instanceof Readable ? content : Readable.from([Buffer.from(content)], { objectMode: false }),
      ...changes,
    });
  const submissionOf = (id: string) => {
    const entry = spool.entry(id);
    assert.ok(entry);
    return entry.submission;
  };
  const nothingIsLeft = async (): Promise<void> => {
    assert.deepEqual(await filesIn(folder), []);
    assert.deepEqual(await readdir(join(folder, 'receiving')), []);
    assert.equal(spool.size(), 0);
    assert.equal(spool.usedBytes(), 0);
  };

  it('takes a message under the mailbox as its envelope sender, whatever MAIL FROM said', async () => {
    for (const mailFrom of ['anybody@elsewhere.example', '', 'scan@office.example']) {
      const { id } = value(await take(CONTENT, { mailFrom, to: ['ann@a.example', 'bob@b.example', 'ann@a.example'] }));
      const { envelope, account, status, mailboxId, messageId } = submissionOf(id);
      assert.deepEqual(envelope, { from: 'scan@office.example', to: ['ann@a.example', 'bob@b.example'] });
      assert.deepEqual([account, status.state, mailboxId], ['scan@office.example', 'queued', 'mbx_1']);
      assert.equal(messageId, `<${id}@office.example>`);
    }
    assert.deepEqual(await readdir(join(folder, 'receiving')), []);
  });

  it('empties at its start where an earlier run was receiving', async () => {
    await mkdir(join(folder, 'receiving'), { recursive: true });
    await writeFile(join(folder, 'receiving', 'sub_half'), 'half of');
    await makeOne();
    assert.deepEqual(await readdir(join(folder, 'receiving')), []);
  });

  describe('takes mail as the relay does', () => {
    /** A relay and a gateway for the same device. */
    const bothWays = async () => {
      const world = makeWorld();
      const { process, device, mailbox, credential } = await signedInOffice(world);
      const aliases = { ...mailbox, aliases: ['boss@contoso.example'] };
      const change = { set: { aliases: aliases.aliases } };
      await world.table.write({ update: keys.mailbox(mailbox.id), changes: change, when: { present: true } });
      clock = world.clock;
      spool = await open(folder, clock, memoryLog());
      intake = await makeOne();
      /** What each stores, or why it does not; ids made alike. */
      return async (
        content: Buffer,
        pieceBytes: number,
        changes: { senderPolicy?: SenderPolicy; rewriteSender?: boolean },
      ) => {
        value(await process.administration.devices.update(device.clientId, changes));
        const found = await process.records.devices.get(device.clientId);
        assert.ok(found);
        const served: ServedDevice = { ...found, slot: 'scan', mailbox: aliases };
        /** With an id that is alike. */
        const shown = async (submission: Submission, blobs: Pick<BlobStore, 'open'>) => {
          const { id } = submission;
          const blob = await blobs.open(`submissions/${id}.eml`);
          assert.ok(blob);
          const stored = (await buffer(blob.stream)).toString('latin1');
          return {
            submission: JSON.stringify(submission).replaceAll(id, 'ID'),
            content: stored.replaceAll(id, 'ID'),
          };
        };
        const relayed = await process.acceptMessage({
          ...credential,
          slot: 'scan',
          message: content,
          envelopeTo: TO.join(','),
          idempotencyKey: undefined,
        });
        const inPieces = Readable.from(pieces(content, pieceBytes), { objectMode: false });
        const taken = await take(inPieces, { device: served });
        const byRelay = relayed.ok ? await shown(relayed.value, world.blobs) : relayed.error;
        const byGateway = taken.ok ? await shown(submissionOf(taken.value.id), spool.blobs) : taken.error;
        return [byRelay, byGateway] as const;
      };
    };

    const POLICIES: readonly SenderPolicy[] = [
      { name: 'user_may_change' },
      { name: 'login_user' },
      { name: 'administrator' },
      { name: 'configured', address: 'boss@contoso.example' },
      { name: 'configured', address: 'eve@contoso.example' },
    ];
    const header = fc.constantFrom(
      'From: scan@contoso.example',
      'From: "The Boss" <boss@contoso.example>',
      'From: eve@elsewhere.example',
      'From:',
      'Sender: eve@elsewhere.example',
      'Date: Mon, 2 Nov 2026 10:00:00 +0100',
      'Message-ID: <of-the-device@contoso.example>',
      'Message-ID:',
      'Bcc: secret@contoso.example,\r\n another@contoso.example',
      'Resent-Bcc: secret@contoso.example',
      'To: ann@office.example',
      'Subject: Gr\u00fc\u00dfe',
      'Content-Type: text/plain; charset=utf-8',
      'no field at all',
    );
    const message = fc.record({
      headers: fc.array(header, { maxLength: 6 }),
      body: fc.constantFrom(
        'See below.\r\n',
        'a\nb\r\nc\rd',
        '\u00fc'.repeat(700),
        '',
        '.\r\n..\r\n',
        `${'x'.repeat(3000)}`,
      ),
      lineEnd: fc.constantFrom('\r\n', '\n'),
      encoding: fc.constantFrom<BufferEncoding>('utf8', 'latin1'),
      pieceBytes: fc.integer({ min: 1, max: 200 }),
      policy: fc.constantFrom(...POLICIES),
      rewriteSender: fc.boolean(),
    });

    it('mends, signs and refuses the same, byte for byte', async () => {
      const compare = await bothWays();
      let accepted = 0;
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(message, async ({ headers, body, lineEnd, encoding, pieceBytes, policy, rewriteSender }) => {
          const text = `${[...headers, '', body].join(lineEnd)}`;
          const changes = { senderPolicy: policy, rewriteSender };
          const [byRelay, byGateway] = await compare(Buffer.from(text, encoding), pieceBytes, changes);
          assert.deepEqual(byGateway, byRelay);
          if ('content' in byGateway) {
            accepted++;
            assert.ok(!/bcc:/i.test(byGateway.content) && !/[^\r]\n/.test(byGateway.content));
          } else refused++;
        }),
        { numRuns: 200 },
      );
      assert.ok(accepted > 20 && refused > 20, `${accepted} accepted, ${refused} refused`);
    });
  });

  describe('of a large message', () => {
    it('holds little in memory, of several at once', async () => {
      const before = process.memoryUsage().rss;
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss - before);
      }, 5);
      const all = await Promise.all(
        Array.from({ length: 5 }, () => take(Readable.from(scan(30), { objectMode: false }))),
      );
      clearInterval(watch);
      for (const one of all) assert.ok(submissionOf(value(one).id).sizeBytes > 30 * MB);
      assert.ok(most < 110 * MB, `${Math.round(most / MB)} MB`);
      assert.deepEqual(await readdir(join(folder, 'receiving')), []);
    });

    it('refuses what is beyond the limit, hears it to its end, and has no more than that on disk', async () => {
      let heard = 0;
      let mostOnDisk = 0;
      const counted = async function* (): AsyncGenerator<Buffer> {
        for (const chunk of scan(60)) {
          heard += chunk.length;
          yield chunk;
          for (const name of await readdir(join(folder, 'receiving'))) {
            mostOnDisk = Math.max(mostOnDisk, (await stat(join(folder, 'receiving', name))).size);
          }
        }
      };
      const error = failure(await take(Readable.from(counted(), { objectMode: false })));
      assert.equal(error.kind, 'message_too_large');
      assert.ok(heard > 60 * MB);
      assert.ok(mostOnDisk > 0 && mostOnDisk <= MESSAGE_LIMIT_BYTES, `${mostOnDisk}`);
      await nothingIsLeft();
    });

    it('refuses what grows beyond the limit as it is mended', async () => {
      const short = function* (): Generator<Buffer> {
        yield Buffer.from('From: scan@office.example\n\n');
        for (let at = 0; at < 33; at++) yield Buffer.from('x\n'.repeat(MB / 2));
      };
      assert.equal(failure(await take(Readable.from(short(), { objectMode: false }))).kind, 'message_too_large');
      await nothingIsLeft();
    });
  });

  it('accepts nothing of a stream that breaks off, and leaves nothing', async () => {
    for (const megabytes of [0, 0.1, 1, 3]) {
      const broken = function* (): Generator<Buffer> {
        yield* scan(megabytes);
        throw new Error('the connection was closed');
      };
      await assert.rejects(take(Readable.from(broken(), { objectMode: false })), /connection was closed/);
      await nothingIsLeft();
    }
  });

  it('hears what it refuses to its end, and leaves nothing', async () => {
    for (const [content, kind] of [
      ['From: eve@elsewhere.example\r\n\r\n', 'sender_not_allowed'],
      ['', 'not_a_message'],
      [`From: eve@elsewhere.example\r\n\r\n${'x\r\n'.repeat(MB)}`, 'sender_not_allowed'],
    ] as const) {
      const source = Readable.from(pieces(Buffer.from(content), 10_000), { objectMode: false });
      assert.equal(failure(await take(source)).kind, kind);
      assert.ok(source.readableEnded);
      await nothingIsLeft();
    }
  });

  it('throws what is a bug, having left nothing', async () => {
    const broken = await makeOne({
      messageFormat: {
        ...mimeMessageFormat,
        prepare: () => {
          throw new TypeError('a bug');
        },
      },
    });
    await assert.rejects(take(CONTENT, {}, broken), /a bug/);
    await nothingIsLeft();
  });

  it('takes the word of the disk that it is full, and hears the message to its end', async () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) {
      const full = await makeOne({
        messageFormat: {
          ...mimeMessageFormat,
          inspect: async () => {
            throw Object.assign(new Error('no room'), { code });
          },
        },
      });
      for (const megabytes of [1, 3]) {
        const source = Readable.from(scan(megabytes), { objectMode: false });
        assert.equal(failure(await take(source, {}, full)).kind, 'gateway_full');
        assert.ok(source.readableEnded);
        await nothingIsLeft();
      }
    }
  });

  it('leaves no file open, whatever becomes of a message', { skip: process.platform !== 'linux' }, async () => {
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await take(Readable.from(scan(3), { objectMode: false }));
    const before = openFiles();
    for (let time = 0; time < 8; time++) {
      await take(Readable.from(scan(3), { objectMode: false }));
      await take(`From: eve@elsewhere.example\r\n\r\n${'x\r\n'.repeat(MB)}`);
      await take(`${'x'.repeat(3 * MB)}\r\nFrom: scan@office.example\r\n\r\n`);
    }
    // No file can be made for the content.
    const away = join(folder, 'away');
    await rename(join(folder, 'submissions'), away);
    for (let time = 0; time < 8; time++) {
      await assert.rejects(take(Readable.from(scan(3), { objectMode: false })), /ENOENT/);
    }
    await rename(away, join(folder, 'submissions'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(openFiles() < before + 5, `${openFiles()} after ${before}`);
  });

  describe('admits', () => {
    const admits = async (announcedBytes?: number, device = DEVICE, by = intake) => {
      const admitted = await by.admits(device, announcedBytes);
      return admitted.ok ? 'yes' : admitted.error.kind;
    };

    it('what is within the limit of a message', async () => {
      assert.equal(await admits(MESSAGE_LIMIT_BYTES), 'yes');
      assert.equal(await admits(MESSAGE_LIMIT_BYTES + 1), 'message_too_large');
      assert.equal(await admits(undefined), 'yes');
    });

    it('as many messages as the spool may have', async () => {
      limits = { ...limits, spoolMessages: 2 };
      await put(spool, submissionNamed('sub_a', clock));
      assert.equal(await admits(), 'yes');
      await put(spool, submissionNamed('sub_b', clock));
      assert.equal(await admits(1), 'gateway_full');
      await spool.forget('sub_a');
      assert.equal(await admits(1), 'yes');
    });

    it('as many bytes as the spool may have, reckoning with the most where none are announced', async () => {
      limits = { ...limits, spoolBytes: MESSAGE_LIMIT_BYTES };
      assert.equal(await admits(), 'yes');
      await put(spool, submissionNamed('sub_a', clock));
      assert.equal(await admits(), 'gateway_full');
      assert.equal(await admits(MESSAGE_LIMIT_BYTES - CONTENT.length), 'yes');
      assert.equal(await admits(MESSAGE_LIMIT_BYTES - CONTENT.length + 1), 'gateway_full');
    });

    it('nothing while the disk has to be left to others', async () => {
      limits = { ...limits, freeBytes: Number.MAX_SAFE_INTEGER };
      assert.equal(await admits(1), 'gateway_full');
    });

    it('so many a minute of each device', async () => {
      const by = await makeOne({ messagesPerMinute: 3 });
      const other = servedDevice('efgh5678');
      for (let time = 0; time < 3; time++) {
        assert.equal(await admits(1, DEVICE, by), 'yes');
        await clock.advance(10_000);
      }
      assert.equal(await admits(1, DEVICE, by), 'too_much_mail');
      assert.equal(await admits(1, other, by), 'yes');
      await clock.advance(29_999);
      assert.equal(await admits(1, DEVICE, by), 'too_much_mail');
      await clock.advance(1);
      assert.equal(await admits(1, DEVICE, by), 'yes');
      assert.equal(await admits(1, DEVICE, by), 'too_much_mail');
    });
  });
});
