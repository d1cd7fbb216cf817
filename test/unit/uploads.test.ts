import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { beforeEach, describe, it } from 'node:test';
import { MESSAGE_LIMIT_BYTES } from '../../shared/domain/upload.ts';
import type { UploadDoor } from '../../shared/ports/upload-door.ts';
import { makeBeginUpload } from '../../shared/usecases/mail/begin-upload.ts';
import { makeReceiveUpload } from '../../shared/usecases/mail/receive-upload.ts';
import { hashOf } from '../../shared/usecases/secrets.ts';
import { makeFuse } from '../fakes/fuse.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  signedInOffice,
  startProcess,
  value,
  type World,
} from './support.ts';

const MESSAGE = 'From: scan@contoso.example\r\nTo: ann@contoso.example\r\n\r\nSee below.\r\n';
const SECRET = 'a secret link';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const door: UploadDoor = {
  linkTo: async ({ id }) => ({ url: `https://door.example/${id}`, headers: {}, secretHash: hashOf(SECRET) }),
};

describe('a message that is uploaded', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const begin = async (text = MESSAGE, changes: { sizeBytes?: number; sha256?: string | undefined } = {}) => {
    const announced = { sizeBytes: text.length, sha256: sha256(text), ...changes, ...office.credential };
    return makeBeginUpload({ ...process, uploadDoor: door })(announced);
  };
  const begun = async (text?: string, changes?: Parameters<typeof begin>[1]) =>
    value(await begin(text, changes)).upload.id;
  const put = (uploadId: string, text = MESSAGE, secret = SECRET) =>
    makeReceiveUpload(process)({ uploadId, secret, content: Readable.from([Buffer.from(text)]) });
  const handIn = (uploadId: string, changes: { idempotencyKey?: string } = {}, by = process) =>
    by.acceptMessage({
      ...office.credential,
      slot: 'scan',
      uploadId,
      envelopeTo: undefined,
      idempotencyKey: changes.idempotencyKey,
    });
  const uploaded = async (text = MESSAGE): Promise<string> => {
    const id = await begun(text);
    value(await put(id, text));
    return id;
  };
  const stored = (id: string): string => world.blobs.text(`submissions/${id}.eml`) ?? '';
  const blobsBelow = (prefix: string) => world.blobs.keys().filter((key) => key.startsWith(prefix));

  it('is taken like one in a request, and nothing of the upload is left', async () => {
    const submission = value(await handIn(await uploaded(MESSAGE.replaceAll('\r\n', '\n'))));
    assert.ok(stored(submission.id).endsWith(MESSAGE));
    assert.equal(submission.sizeBytes, stored(submission.id).length);
    assert.deepEqual(world.blobs.keys(), [`submissions/${submission.id}.eml`]);
  });

  it('is told of with a link for an hour, and kept for a day', async () => {
    const { upload, link } = value(await begin());
    assert.equal(link.url, `https://door.example/${upload.id}`);
    assert.deepEqual([upload.linkExpiresAt, upload.expiresAt], [now(world) + 3600, now(world) + 86_400]);
    await advanceSeconds(world, 3600 - 1);
    value(await put(upload.id));
    await advanceSeconds(world, 1);
    assert.equal(failure(await put(upload.id)).kind, 'upload_unknown');
    await advanceSeconds(world, 86_400 - 3600 - 1);
    value(await handIn(upload.id));
    const late = value(await begin()).upload.id;
    value(await put(late));
    await advanceSeconds(world, 86_400);
    assert.equal(failure(await handIn(late)).kind, 'upload_unknown');
  });

  it('is taken once, however often its request is repeated', async () => {
    const id = await uploaded();
    const first = value(await handIn(id));
    assert.equal(value(await handIn(id)).id, first.id);
    assert.equal(blobsBelow('submissions/').length, 1);
  });

  it('is taken once by many requests at once', async () => {
    for (let round = 0; round < 5; round++) {
      const id = await uploaded();
      const processes = Array.from({ length: 8 }, () => startProcess(world));
      const all = await Promise.all(processes.map((one) => handIn(id, {}, one)));
      assert.equal(new Set(all.map((result) => value(result).id)).size, 1);
      assert.equal(blobsBelow('submissions/').length, round + 1);
      assert.deepEqual(blobsBelow('uploads/'), []);
    }
  });

  it('is answered with what a faster request has made of it, at whatever moment that was', async () => {
    for (const moment of ['before the record is read', 'before the first reading', 'before the second'] as const) {
      const id = await uploaded();
      let opened = 0;
      let faster: string | undefined;
      const overtake = async (isNow: boolean): Promise<void> => {
        if (isNow && faster === undefined) faster = value(await handIn(id)).id;
      };
      const table: World['table'] = {
        ...world.table,
        async get(key) {
          await overtake(key.pk.startsWith('upload#') && moment === 'before the record is read');
          return world.table.get(key);
        },
      };
      const open: World['blobs']['open'] = async (key) => {
        opened++;
        await overtake(opened === { 'before the first reading': 1, 'before the second': 2 }[moment as string]);
        return world.blobs.open(key);
      };
      const slow = startProcess({ ...world, blobs: { ...world.blobs, open } }, { table });
      assert.equal(value(await handIn(id, {}, slow)).id, faster, moment);
      assert.ok(faster);
    }
  });

  it('is found by an idempotency key of its own as well, also with another upload, which goes', async () => {
    const first = value(await handIn(await uploaded(), { idempotencyKey: 'job 1' }));
    assert.equal(value(await handIn(await uploaded(), { idempotencyKey: 'job 1' })).id, first.id);
    assert.deepEqual(blobsBelow('uploads/'), []);
  });

  it('is found by a key of its own when its first reply was lost, though the upload is gone', async () => {
    const id = await uploaded();
    const first = value(await handIn(id, { idempotencyKey: 'job 1' }));
    assert.equal(value(await handIn(id, { idempotencyKey: 'job 1' })).id, first.id);
  });

  it('is refused and kept under the key of another, announced or not', async () => {
    value(await handIn(await uploaded(), { idempotencyKey: 'job 1' }));
    for (const changes of [{}, { sha256: undefined }]) {
      const other = MESSAGE.replace('below', 'above');
      const id = await begun(other, changes);
      value(await put(id, other));
      assert.equal(failure(await handIn(id, { idempotencyKey: 'job 1' })).kind, 'conflict');
      assert.ok(stored(value(await handIn(id, { idempotencyKey: `job of ${id}` })).id).endsWith(other));
    }
  });

  it('is safe wherever the process dies, and its request can be repeated', async () => {
    let deaths = 0;
    for (const moment of ['before', 'after'] as const) {
      for (let write = 1; write <= 6; write++) {
        const id = await uploaded();
        const fuse = makeFuse(write, moment);
        await handIn(id, {}, startProcess(world, { fuse })).catch(() => undefined);
        if (fuse.blown) deaths++;
        const { id: submissionId } = value(await handIn(id));
        assert.ok(stored(submissionId).endsWith(MESSAGE), `${moment} ${write}`);
        assert.deepEqual(blobsBelow('uploads/'), []);
        const { records } = await process.records.submissions.page(office.organization.id, 100);
        assert.equal(new Set(records.map(({ submission }) => submission.id)).size, records.length);
      }
    }
    assert.ok(deaths >= 10, `${deaths} deaths`);
    const { records } = await process.records.submissions.page(office.organization.id, 100);
    assert.equal(records.length, 12);
  });

  it('is refused where it is not what was announced', async () => {
    const id = await begun();
    for (const text of ['', MESSAGE.slice(1), `${MESSAGE}x`, MESSAGE.replace('below', 'above'), 'x'.repeat(100_000)]) {
      const refused = failure(await put(id, text));
      assert.equal(refused.kind, 'upload_incomplete');
      assert.match(refused.detail ?? '', /announced/);
    }
    assert.equal(failure(await handIn(id)).kind, 'upload_incomplete');
    assert.deepEqual(world.blobs.keys(), []);
    value(await put(id));
    value(await handIn(id));
  });

  it('is refused where a storage has let another in than was announced', async () => {
    for (const [text, sha] of [
      [`${MESSAGE}x`, undefined],
      [MESSAGE.replace('below', 'above'), sha256(MESSAGE)],
    ] as const) {
      const id = await begun(MESSAGE, { sha256: sha });
      await world.blobs.put(`uploads/${id}`, Buffer.from(text));
      assert.equal(failure(await handIn(id)).kind, 'upload_incomplete');
    }
    assert.deepEqual(blobsBelow('submissions/'), []);
  });

  it('is refused where it was replaced after it was checked', async () => {
    const id = await begun(MESSAGE, { sha256: undefined });
    value(await put(id));
    let opened = 0;
    const open: World['blobs']['open'] = async (key) => {
      if (++opened === 2) await world.blobs.put(key, Buffer.from(MESSAGE.replace('scan@', 'boss@')));
      return world.blobs.open(key);
    };
    const racing = startProcess({ ...world, blobs: { ...world.blobs, open } });
    assert.equal(failure(await handIn(id, {}, racing)).kind, 'upload_incomplete');
    assert.equal(opened, 2);
    assert.deepEqual(await process.records.submissions.page(office.organization.id, 10), {
      records: [],
      next: undefined,
    });
  });

  it('is not there for another device, nor for who does not know its link', async () => {
    const id = await uploaded();
    for (const secret of ['', 'wrong', hashOf(SECRET)]) {
      assert.equal(failure(await put(id, MESSAGE, secret)).kind, 'upload_unknown');
    }
    const own = office;
    const other = await openOffice(process, { address: 'other@contoso.example' });
    value(await process.administration.devices.bind(own.device.clientId, 'alerts', own.mailbox.id));
    const second = value(await process.administration.devices.create(own.organization.id, { clientName: 'Second' }));
    value(await process.administration.devices.bind(second.device.clientId, 'scan', own.mailbox.id));
    office = {
      ...own,
      credential: { ...other.credential, clientId: second.device.clientId, clientSecret: second.clientSecret },
    };
    assert.equal(failure(await handIn(id)).kind, 'upload_unknown');
    // Not even by way of a key that it has used for a message of its own.
    value(await handIn(await uploaded(), { idempotencyKey: 'job 1' }));
    assert.equal(failure(await handIn(id, { idempotencyKey: 'job 1' })).kind, 'conflict');
    assert.deepEqual(blobsBelow('uploads/'), [`uploads/${id}`]);
    office = own;
    value(await handIn(id));
  });

  it('is not begun over the limit, nor without the right secret', async () => {
    assert.equal(failure(await begin(MESSAGE, { sizeBytes: MESSAGE_LIMIT_BYTES + 1 })).kind, 'message_too_large');
    value(await begin(MESSAGE, { sizeBytes: MESSAGE_LIMIT_BYTES }));
    office = { ...office, credential: { ...office.credential, clientSecret: 'wrong' } };
    assert.equal(failure(await begin()).kind, 'invalid_client');
  });

  it('is refused where it grows over the limit by what has to be mended, with nothing stored', async () => {
    const head = 'From: scan@contoso.example\r\nTo: ann@contoso.example\r\nContent-Type: application/pdf\r\n\r\n';
    const text = `${head}${'\0'.repeat((MESSAGE_LIMIT_BYTES * 3) / 4)}`;
    const id = await uploaded(text);
    const { kind, detail } = failure(await handIn(id));
    assert.equal(kind, 'message_too_large');
    assert.match(detail ?? '', /^The limit is 36700160 bytes; to be sent it has 3\d{7}\.$/);
    assert.deepEqual(blobsBelow('submissions/'), []);
  });

  it('is taken where what is left of it cannot be removed, which is logged', async () => {
    const id = await uploaded();
    const remove = async (key: string): Promise<void> => {
      if (key.startsWith('uploads/')) throw new Error('out of reach');
      await world.blobs.delete(key);
    };
    value(await handIn(id, {}, startProcess({ ...world, blobs: { ...world.blobs, delete: remove } })));
    assert.equal(world.log.of('upload.not_removed').length, 1);
  });
});
