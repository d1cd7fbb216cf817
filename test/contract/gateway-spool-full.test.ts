import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open as openFile, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import type { Intake } from '../../gateway/spool/intake.ts';
import { makeIntake } from '../../gateway/spool/make-intake.ts';
import { isNoRoom } from '../../gateway/spool/room.ts';
import type { Spool } from '../../gateway/spool/spool.ts';
import { mimeMessageFormat } from '../../shared/adapters/mime/mime-message-format.ts';
import { servedDevice } from '../fakes/gateway.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { filesIn, open } from '../unit/gateway/spool-world.ts';
import { failure, value } from '../unit/support.ts';

const PAGE_BYTES = 4096;
const SIZE = '2m';

const place = mkdtempSync(join(tmpdir(), 'spool-full-'));
const mount = (): boolean =>
  process.platform === 'linux' &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', place]).status === 0;
const unmount = (): void => void spawnSync('umount', ['-l', place]);
const canMount = mount();
unmount();

const text = (bytes: number): string =>
  `Subject: Scan\r\n\r\n${'x'
    .repeat(78)
    .concat('\r\n')
    .repeat(Math.ceil(bytes / 80))}`;

describe('the spool of a gateway on a disk that is full', {
  skip: canMount ? false : 'a small file system cannot be mounted here',
}, () => {
  const clock = manualClock();
  const random = seededRandom('full');
  let spool: Spool;
  let intake: Intake;

  const start = async (): Promise<void> => {
    spool = await open(place, clock, memoryLog());
    intake = await makeIntake({
      spool,
      folder: place,
      limits: () => ({ spoolBytes: 1e9, spoolMessages: 1e6, freeBytes: 0 }),
      mayHandIn: () => true,
      messageFormat: mimeMessageFormat,
      clock,
      random,
      log: memoryLog(),
    });
  };

  beforeEach(async () => {
    assert.ok(mount());
    await start();
  });
  afterEach(unmount);
  after(() => rmSync(place, { recursive: true }));

  const take = (bytes: number) =>
    intake.take({
      device: servedDevice('abcd1234'),
      mailFrom: '',
      to: ['ann@office.example'],
      content: Readable.from([Buffer.from(text(bytes))], { objectMode: false }),
    });

  /** Takes all that is left but for so many pages. */
  const fillUp = async (butPages: number): Promise<void> => {
    const path = join(place, 'filler');
    const filler = await openFile(path, 'w');
    let bytes = 0;
    try {
      for (;;) bytes += (await filler.write(Buffer.alloc(PAGE_BYTES))).bytesWritten;
    } catch (error) {
      assert.ok(isNoRoom(error));
    } finally {
      await filler.close();
    }
    await truncate(path, bytes - butPages * PAGE_BYTES);
  };
  const freeUp = () => rm(join(place, 'filler'));

  it('refuses what has no room, keeps what it has taken, and takes more when there is room', async () => {
    const taken: string[] = [];
    let refused = 0;
    for (let count = 0; count < 20; count++) {
      const one = await take(300_000);
      if (one.ok) taken.push(one.value.id);
      else {
        assert.equal(one.error.kind, 'gateway_full');
        refused++;
      }
    }
    assert.ok(taken.length >= 3 && refused > 0, `${taken.length} taken`);
    assert.deepEqual(await readdir(join(place, 'receiving')), []);
    assert.deepEqual(await filesIn(place), taken.flatMap((id) => [`${id}.eml`, `${id}.json`]).sort());
    await start();
    assert.deepEqual(
      spool
        .entries()
        .map(({ submission }) => submission.id)
        .sort(),
      taken.sort(),
    );
    await spool.forget(taken[0] ?? '');
    value(await take(300_000));
  });

  it('refuses where the content has room and the entry has none, and leaves neither', async () => {
    for (const pages of [0, 1, 2]) {
      await fillUp(pages);
      for (let count = 0; count < 3; count++) {
        const one = await take(100);
        if (pages < 2) assert.equal(failure(one).kind, 'gateway_full', `${pages} pages`);
      }
      if (pages < 2) assert.deepEqual(await filesIn(place), [], `${pages} pages`);
      await freeUp();
    }
    assert.equal(spool.size(), 1);
  });

  it('changes nothing that cannot be written, and is as it was', async () => {
    const { id } = value(await take(100));
    await fillUp(0);
    const entry = spool.entry(id);
    assert.ok(entry);
    const claimed = { ...entry.submission, attempts: 1 };
    await assert.rejects(spool.submissions.replace(entry, claimed, 0), isNoRoom);
    assert.deepEqual(spool.entry(id), entry);
    assert.deepEqual(await filesIn(place), [`${id}.eml`, `${id}.json`]);
    await freeUp();
    assert.ok(await spool.submissions.replace(entry, claimed, 0));
    await start();
    assert.equal(spool.entry(id)?.submission.attempts, 1);
  });

  it('forgets all the same', async () => {
    const { id } = value(await take(100));
    await fillUp(0);
    await spool.forget(id);
    assert.deepEqual(await filesIn(place), []);
  });

  it('admits nothing that would take the last of the disk', async () => {
    const admitted = await intake.admits(servedDevice('abcd1234'), 2 * 1024 * 1024);
    assert.equal(failure(admitted).kind, 'gateway_full');
    value(await intake.admits(servedDevice('abcd1234'), 500_000));
  });
});
