import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { filesystemBlobStore } from '../../shared/adapters/filesystem/filesystem-blob-store.ts';
import { s3BlobStore } from '../../shared/adapters/s3/s3-blob-store.ts';
import type { BlobStore } from '../../shared/ports/blob-store.ts';
import { close, LOOPBACK_CLIENT, listen } from '../fakes/aws-json.ts';
import { startFauxqs } from '../fakes/fauxqs.ts';
import { runUntilKilled } from './crash/run-until-killed.ts';
import { during } from './during.ts';

interface Started {
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

const inFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  return {
    folder,
    blobs: filesystemBlobStore(folder),
    close: () => rm(folder, { recursive: true }),
  };
};

const inS3 = async () => {
  const emulator = await startFauxqs();
  await emulator.createBucket('mail');
  const client = new S3Client({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint, forcePathStyle: true });
  return {
    blobs: s3BlobStore(client, { bucket: 'mail' }),
    client,
    async close() {
      client.destroy();
      await emulator.close();
    },
  };
};

const MIB = 1024 * 1024;

/** Octets that tell where in the content they stand. */
const countedOctets = (sizeBytes: number): Buffer => {
  const octets = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) octets.writeUInt32BE(at, at);
  return octets;
};

const streamOf = (content: Buffer, chunkBytes = 50_000): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
    })(),
    { objectMode: false },
  );

/** Ends with an error after so many octets. */
const brokenStream = (sizeBytes: number): Readable =>
  Readable.from(
    (async function* () {
      for (let at = 0; at < sizeBytes; at += 50_000) yield Buffer.alloc(50_000);
      throw new Error('the line is cut');
    })(),
    { objectMode: false },
  );

const contentOf = async (blobs: BlobStore, key: string): Promise<Buffer | undefined> => {
  const opened = await blobs.open(key);
  if (opened === undefined) return undefined;
  const content = await buffer(opened.stream);
  assert.equal(opened.sizeBytes, content.length);
  return content;
};

const contract = (start: () => Promise<Started>) => () => {
  let started: Started;
  let blobs: BlobStore;
  before(async () => {
    started = await start();
    blobs = started.blobs;
  });
  after(() => started.close());

  it('gives back the very bytes, empty, small and large', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const contents = [Buffer.alloc(0), every, Buffer.from('Größe 大 🖨️\r\n'), Buffer.alloc(8 * 1024 * 1024, every)];
    for (const [n, content] of contents.entries()) {
      await blobs.put(`sizes/${n}.eml`, content);
      assert.ok((await contentOf(blobs, `sizes/${n}.eml`))?.equals(content));
    }
  });

  it('gives a fresh stream each time', async () => {
    await blobs.put('fresh', Buffer.from('again'));
    const [one, two] = [await blobs.open('fresh'), await blobs.open('fresh')];
    assert.ok(one !== undefined && two !== undefined);
    assert.equal(String(await buffer(one.stream)), 'again');
    assert.equal(String(await buffer(two.stream)), 'again');
  });

  it('says undefined for what is not there', async () => {
    assert.equal(await blobs.open('a/b.eml'), undefined);
    await blobs.put('a/c.eml', Buffer.from('beside'));
    assert.equal(await blobs.open('a/b.eml'), undefined);
  });

  it('replaces what was there', async () => {
    await blobs.put('replaced', Buffer.from('a longer content'));
    await blobs.put('replaced', Buffer.from('short'));
    assert.equal(String(await contentOf(blobs, 'replaced')), 'short');
  });

  it('shows a reader the old or the new, never a part', async () => {
    const contents = [1, 2].map((byte) => Buffer.alloc(500_000, byte));
    const [first = Buffer.alloc(0)] = contents;
    await blobs.put('raced', first);
    const writing = Promise.all(Array.from({ length: 10 }, (_, n) => blobs.put('raced', contents[n % 2] ?? first)));
    for (let n = 0; n < 20; n++) {
      const found = await contentOf(blobs, 'raced');
      assert.ok(contents.some((content) => found?.equals(content)));
    }
    await writing;
  });

  it('gives back what came as a stream, of any size', async () => {
    for (const sizeBytes of [0, 1, 50_000, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB]) {
      const content = countedOctets(sizeBytes);
      await blobs.put('streamed', streamOf(content));
      assert.ok((await contentOf(blobs, 'streamed'))?.equals(content), `${sizeBytes} octets`);
    }
    await blobs.put('streamed', Buffer.from('short'));
    assert.equal(String(await contentOf(blobs, 'streamed')), 'short');
  });

  it('shows nothing of a stream that breaks, and keeps what was there', async () => {
    await blobs.put('kept', Buffer.from('kept'));
    for (const sizeBytes of [0, 100_000, 20 * MIB]) {
      await assert.rejects(blobs.put('broken', brokenStream(sizeBytes)), /the line is cut/);
      await assert.rejects(blobs.put('kept', brokenStream(sizeBytes)), /the line is cut/);
    }
    assert.equal(await blobs.open('broken'), undefined);
    assert.equal(String(await contentOf(blobs, 'kept')), 'kept');
  });

  it('deletes, and does not mind an absent key', async () => {
    await blobs.put('d/e.eml', Buffer.from('x'));
    await blobs.delete('d/e.eml');
    await blobs.delete('d/e.eml');
    assert.equal(await blobs.open('d/e.eml'), undefined);
  });
};

describe('filesystemBlobStore', () => {
  describe('as a BlobStore', contract(inFolder));

  it('rejects keys that could leave the folder or clash with its own files', async (t) => {
    const { folder, blobs } = during(t, await inFolder());
    const wrong = [
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/..',
      '.incoming/x',
      'a\\b',
      'c:',
      'a\0',
      'a b',
    ];
    for (const key of wrong) {
      await assert.rejects(blobs.put(key, Buffer.from('x')), RangeError);
      await assert.rejects(blobs.open(key), RangeError);
      await assert.rejects(blobs.delete(key), RangeError);
    }
    assert.deepEqual(await readdir(folder), []);
  });

  it('keeps files and folders to their owner', { skip: process.platform === 'win32' }, async (t) => {
    const { folder, blobs } = during(t, await inFolder());
    await blobs.put('a/b.eml', Buffer.from('x'));
    assert.equal((await stat(join(folder, 'a'))).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder, 'a/b.eml'))).mode & 0o777, 0o600);
  });

  it('clears away what a crash left half-written', async (t) => {
    const { folder, blobs } = during(t, await inFolder());
    await mkdir(join(folder, '.incoming'));
    await writeFile(join(folder, '.incoming', 'half'), 'ha');
    await blobs.put('a', Buffer.from('x'));
    assert.deepEqual(await readdir(join(folder, '.incoming')), []);
  });

  it('leaves no file of a stream that breaks', async (t) => {
    const { folder, blobs } = during(t, await inFolder());
    await assert.rejects(blobs.put('a', brokenStream(1_000_000)), /the line is cut/);
    assert.deepEqual(await readdir(join(folder, '.incoming')), []);
  });

  it('keeps every content that resolved before kill -9, whole', async (t) => {
    const { folder, blobs } = during(t, await inFolder());
    const last = await runUntilKilled('write-blobs.ts', folder, 40);
    for (let n = 0; n <= last; n++) {
      assert.ok((await contentOf(blobs, `spool/${n}.eml`))?.equals(Buffer.alloc(300_000, n % 256)));
    }
    for (const name of await readdir(join(folder, 'spool'))) {
      assert.equal((await stat(join(folder, 'spool', name))).size, 300_000);
    }
  });
});

describe('s3BlobStore', () => {
  describe('as a BlobStore', contract(inS3));

  /** Tells of every request that was answered, and of its body's size. */
  const watched = (client: S3Client) => {
    const requests: { readonly name: string; readonly sizeBytes: number }[] = [];
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          const { Body } = args.input as { Body?: Uint8Array };
          const result = await next(args);
          requests.push({ name: commandName.replace('Command', ''), sizeBytes: Body?.length ?? 0 });
          return result;
        },
      { step: 'initialize' },
    );
    return requests;
  };

  describe('reading what S3 sends', () => {
    const PIECE = Buffer.alloc(64 * 1024, 'a');

    /** In place of S3: sends the first piece of two, and the second when it is told to. */
    const startHesitant = async (t: TestContext, stallLimitMs = 300) => {
      const rest = Promise.withResolvers<void>();
      const hungUp = Promise.withResolvers<void>();
      const server = createServer(async (_, response) => {
        response.on('close', hungUp.resolve);
        response.writeHead(200, { 'content-length': 2 * PIECE.length }).write(PIECE);
        await rest.promise;
        response.end(PIECE);
      });
      const endpoint = `http://127.0.0.1:${await listen(server)}`;
      const client = new S3Client({ ...LOOPBACK_CLIENT, endpoint, forcePathStyle: true });
      t.after(() => {
        client.destroy();
        return close(server);
      });
      const blobs = s3BlobStore(client, { bucket: 'mail', stallLimitMs });
      return { blobs, sendRest: () => rest.resolve(), hungUp: hungUp.promise };
    };

    it('gives up where nothing more comes', async (t) => {
      const { blobs } = await startHesitant(t);
      const opened = await blobs.open('a');
      assert.ok(opened);
      await assert.rejects(buffer(opened.stream), { name: 'TimeoutError' });
    });

    it('hangs up at once where the content is dropped, unread or in the middle', { timeout: 10_000 }, async (t) => {
      for (const isRead of [false, true]) {
        const { blobs, hungUp } = await startHesitant(t, 60_000);
        const opened = await blobs.open('a');
        assert.ok(opened);
        if (isRead) opened.stream.resume();
        await sleep(50);
        opened.stream.destroy();
        await hungUp;
      }
    });

    it('lets its taker be as slow as it likes', async (t) => {
      const { blobs, sendRest } = await startHesitant(t);
      const opened = await blobs.open('a');
      assert.ok(opened);
      sendRest();
      await sleep(900);
      assert.equal((await buffer(opened.stream)).length, 2 * PIECE.length);
    });
  });

  it('has two parts of a stream at hand, and no more', async (t) => {
    const { client, blobs } = during(t, await inS3());
    const requests = watched(client);
    let [made, furthest] = [0, 0];
    const chunks = async function* () {
      while (made < 64 * MIB) {
        const sent = requests.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        furthest = Math.max(furthest, made - sent);
        made += MIB;
        yield Buffer.alloc(MIB);
      }
    };
    await blobs.put('paced', Readable.from(chunks(), { objectMode: false, highWaterMark: MIB }));
    assert.ok(furthest <= 16 * MIB, `${furthest} octets were at hand`);
    assert.equal(requests.filter(({ name }) => name === 'UploadPart').length, 8);
  });

  it('leaves no upload of a stream that breaks, and needs none for what fits one request', async (t) => {
    const { client, blobs } = during(t, await inS3());
    const requests = watched(client);
    await assert.rejects(blobs.put('a', brokenStream(10 * MIB)), /the line is cut/);
    assert.deepEqual(
      requests.map(({ name }) => name),
      ['CreateMultipartUpload', 'UploadPart', 'AbortMultipartUpload'],
    );
    await blobs.put('b', streamOf(countedOctets(MIB)));
    assert.equal(requests.at(-1)?.name, 'PutObject');
  });
});
