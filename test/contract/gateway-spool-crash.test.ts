import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { writeNewFile } from '../../shared/adapters/filesystem/durable-file.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { CONTENT, mailboxNamed, open, submissionNamed } from '../unit/gateway/spool-world.ts';

/** What was promised of one message, and what may have become of it. */
interface Promised {
  isAdded: boolean;
  /** The newest change that had resolved. */
  attempts: number;
  removal: 'none' | 'begun' | 'done';
}

/** What a process that is killed at this moment leaves: the folder as it is, and what had been promised by then. */
interface Remains {
  readonly folder: string;
  readonly promised: ReadonlyMap<string, Promised>;
}

/**
 * Calls that change the disk, besides writing to an open file. Between two of them all is the same to whoever finds it, and more and
 * more has been promised: so the moment before each is the one to be killed at.
 */
const CHANGES = ['rename', 'rm', 'unlink', 'writeFile'] as const;

const step = fc.record({
  do: fc.constantFrom('add', 'replace', 'forget'),
  which: fc.integer({ min: 0, max: 3 }),
  /** Whether it is awaited before the next begins. */
  isAwaited: fc.boolean(),
});

describe('the spool of a gateway that is killed', () => {
  const clock = manualClock();
  const originals = new Map<string, unknown>();
  let root: string;
  let onChange: () => void = () => undefined;

  let last: Promise<unknown> = Promise.resolve();
  /** One after the other, so that nothing changes while it is looked at. */
  const around =
    <Parameters extends readonly unknown[], Value>(call: (...parameters: Parameters) => Promise<Value>) =>
    (...parameters: Parameters): Promise<Value> => {
      const done = last.then(() => {
        onChange();
        return call(...parameters);
      });
      last = done.catch(() => undefined);
      return done;
    };

  before(() => {
    root = mkdtempSync(join(tmpdir(), 'spool-crash-'));
    const patched = fs as unknown as Record<string, (...parameters: readonly unknown[]) => Promise<unknown>>;
    for (const name of CHANGES) {
      const original = patched[name];
      assert.ok(original);
      originals.set(name, original);
      patched[name] = around(original);
    }
    const { open: openFile } = fs;
    originals.set('open', openFile);
    const openInTurn = around(openFile);
    fs.open = async (...parameters) => {
      const makesFile = parameters[1] === 'wx';
      const handle = await (makesFile ? openInTurn : openFile)(...parameters);
      if (makesFile) handle.writeFile = around(handle.writeFile.bind(handle)) as typeof handle.writeFile;
      return handle;
    };
    syncBuiltinESMExports();
  });
  after(() => {
    Object.assign(fs, Object.fromEntries(originals));
    syncBuiltinESMExports();
    rmSync(root, { recursive: true });
  });

  /** Runs the steps, and takes what is left at each change of the disk. */
  const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) => {
    const folder = mkdtempSync(join(root, 'run-'));
    const spool = await open(folder, clock, memoryLog());
    const promised = new Map<string, Promised>();
    const remains: Remains[] = [];
    onChange = () => {
      const copy = join(root, `kill-${remains.length}`);
      cpSync(folder, copy, { recursive: true });
      remains.push({ folder: copy, promised: structuredClone(promised) });
    };
    let made = 0;
    const ids: (string | undefined)[] = [];
    const perform = async ({ do: what, which }: (typeof steps)[number]): Promise<void> => {
      const id = ids[which];
      const known = id === undefined ? undefined : promised.get(id);
      if (what === 'add' && id === undefined) {
        const added = `sub_${made++}`;
        ids[which] = added;
        const mine: Promised = { isAdded: false, attempts: 0, removal: 'none' };
        promised.set(added, mine);
        await writeNewFile(spool.contentPath(added), CONTENT);
        await spool.add(submissionNamed(added, clock), mailboxNamed('mbx_1'));
        mine.isAdded = true;
      } else if (what === 'replace' && id !== undefined) {
        const entry = spool.entry(id);
        if (entry === undefined || known === undefined) return;
        const attempts = entry.submission.attempts + 1;
        const isReplaced = await spool.submissions.replace(entry, { ...entry.submission, attempts }, 0);
        if (isReplaced) known.attempts = Math.max(known.attempts, attempts);
      } else if (what === 'forget' && id !== undefined && known?.isAdded) {
        ids[which] = undefined;
        known.removal = 'begun';
        await spool.forget(id);
        known.removal = 'done';
      }
    };
    const begun: Promise<void>[] = [];
    for (const one of steps) {
      const done = perform(one);
      begun.push(done);
      if (one.isAwaited) await done;
    }
    await Promise.all(begun);
    onChange();
    onChange = () => undefined;
    rmSync(folder, { recursive: true });
    return remains;
  };

  const check = async ({ folder, promised }: Remains): Promise<void> => {
    const spool = await open(folder, clock, memoryLog());
    for (const [id, { isAdded, attempts, removal }] of promised) {
      const entry = spool.entry(id);
      if (removal === 'done') assert.equal(entry, undefined, `${id} has come back`);
      if (isAdded && removal === 'none') assert.ok(entry, `${id} is lost`);
      if (entry === undefined) continue;
      assert.ok(entry.submission.attempts >= attempts, `${id} is as it was ${attempts} changes ago`);
      const blob = await spool.blobs.open(`submissions/${id}.eml`);
      assert.equal(blob && (await text(blob.stream)), CONTENT, `${id} without its content`);
    }
    const left = readdirSync(join(folder, 'submissions')).sort();
    const expected = spool.entries().flatMap(({ submission: { id } }) => [`${id}.eml`, `${id}.json`]);
    assert.deepEqual(left, expected.sort(), 'nothing else is left');
    rmSync(folder, { recursive: true });
  };

  it('has all that it promised, and nothing that it forgot, wherever it was killed', async () => {
    let kills = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const remains = await run(steps);
        kills += remains.length;
        for (const one of remains) await check(one);
      }),
      { numRuns: 50 },
    );
    // Some 400 as a rule; how many depends on the steps that chance has made.
    assert.ok(kills > 100, `${kills} kills`);
  });
});
