import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';

const withoutStrace =
  spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0 ? false : 'strace is not to be had here';

/** One system call: what for, and between which lines of the trace it was under way. */
interface Step {
  readonly call: string;
  /** With descriptors as the paths behind them. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Of calls that others came in between the beginning and the end stand on two lines (strace(1)). */
const stepsOf = (trace: string): readonly Step[] => {
  const begun = new Map<string, { readonly call: string; readonly text: string; readonly from: number }>();
  return trace.split('\n').flatMap((line, at) => {
    const [, thread = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(text);
    const one = resumed ? begun.get(`${thread} ${resumed[1]}`) : undefined;
    if (resumed) return one ? [{ ...one, text: one.text + resumed[2], to: at }] : [];
    const call = /^(\w+)\(/.exec(text)?.[1];
    if (call === undefined) return [];
    if (!text.endsWith('<unfinished ...>')) return [{ call, text, from: at, to: at }];
    begun.set(`${thread} ${call}`, { call, text: text.slice(0, -'<unfinished ...>'.length), from: at });
    return [];
  });
};

describe('the order in which the spool of a gateway writes', { skip: withoutStrace }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'spool-order-'));
  const spool = join(folder, 'spool', 'submissions');
  let steps: readonly Step[];
  let ids: readonly string[];

  before(() => {
    const traceFile = join(folder, 'trace');
    const calls = 'fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,write,pwrite64,writev';
    const child = spawnSync(
      'strace',
      ['-f', '-y', '-s', '200', '-o', traceFile, '-e', `trace=${calls}`].concat(
        process.execPath,
        join(import.meta.dirname, 'crash', 'spool-mail.ts'),
        join(folder, 'spool'),
      ),
      { encoding: 'utf8' },
    );
    assert.equal(child.status, 0, child.stderr);
    steps = stepsOf(readFileSync(traceFile, 'utf8'));
    ids = child.stdout.split('\n').flatMap((line) => (line.startsWith('accepted') ? [line.split(' ')[1] ?? ''] : []));
    assert.equal(ids.length, 12);
  });
  after(() => rmSync(folder, { recursive: true }));

  const all = (call: RegExp, ...parts: readonly string[]): readonly Step[] =>
    steps.filter((step) => call.test(step.call) && parts.every((part) => step.text.includes(part)));
  const only = (call: RegExp, ...parts: readonly string[]): Step => {
    const found = all(call, ...parts);
    assert.equal(found.length, 1, `${call} ${parts}: ${found.length}`);
    return found[0] as Step;
  };
  const synced = (name: string): readonly Step[] => all(/^fsync$/, `<${join(spool, name)}>`);
  const folderSyncs = (): readonly Step[] => all(/^fsync$/, `<${spool}>`);
  const written = (name: string): readonly Step[] => all(/write/, `<${join(spool, name)}>`);
  const said = (what: string, id: string): Step => only(/^write$/, `"${what} ${id}\\n"`);
  /** A sync of the folder that began after the one, and had ended when the other began. */
  const folderIsSyncedBetween = (one: Step, other: Step): boolean =>
    folderSyncs().some(({ from, to, text }) => one.to < from && to < other.from && text.endsWith('= 0'));

  it('has content and entry on disk, then the entry under its name, then the names, and then promises', () => {
    for (const id of ids) {
      const [content] = synced(`${id}.eml`);
      const [entry] = synced(`${id}.json.new`);
      const [renamed] = all(/^rename/, `${id}.json.new"`, `${id}.json"`);
      assert.ok(content && entry && renamed, id);
      assert.ok(
        written(`${id}.eml`).every(({ to }) => to < content.from),
        'nothing is written after its sync',
      );
      assert.ok(content.to < renamed.from && entry.to < renamed.from, 'both before the name');
      assert.ok(folderIsSyncedBetween(renamed, said('accepted', id)), 'the name before the promise');
    }
  });

  it('has a changed entry on disk before anybody hears of it', () => {
    for (const id of ids) {
      const [, entry] = synced(`${id}.json.new`);
      const [, renamed] = all(/^rename/, `${id}.json.new"`, `${id}.json"`);
      assert.ok(entry && renamed && entry.to < renamed.from, id);
      assert.ok(folderIsSyncedBetween(renamed, said('replaced', id)));
    }
  });

  it('removes the entry for good before the content', () => {
    for (const id of ids) {
      const entry = all(/^unlink/, `${id}.json"`).find(({ from }) => from > said('replaced', id).to);
      const content = only(/^unlink/, `${id}.eml"`);
      assert.ok(entry && folderIsSyncedBetween(entry, content), id);
      assert.ok(content.to < said('forgotten', id).from);
    }
  });

  it('syncs the folder once for many who wait', () => {
    const names = all(/^rename|^unlink/, `/${basename(spool)}/`).filter(({ text }) => text.includes('.json"')).length;
    assert.ok(names >= 36, `${names}`);
    assert.ok(folderSyncs().length < names, `${folderSyncs().length} syncs of the folder for ${names} names`);
  });
});
