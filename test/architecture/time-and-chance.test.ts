import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the inner layers are given through a port (`Clock`, `Random`, a store), each with a line that would break the rule. */
const OUTSIDE: readonly (readonly [pattern: RegExp, sample: string])[] = [
  [/\bDate\.now\b/, 'now = Date.now'],
  [/\bDate(\(\)|;)/, 'const today = new Date();'],
  [/\bperformance\.(now|timeOrigin)\b/, 'performance.now()'],
  [/\bprocess\.(hrtime|uptime)\b/, 'process.hrtime.bigint()'],
  [/\bset(Timeout|Interval|Immediate)\b/, "import { setTimeout as sleep } from 'node:timers/promises';"],
  [/\bfetch\(/, 'await fetch(url)'],
  [/\bMath\.random\b/, 'const jitter = Math.random'],
  [/\b(random(Bytes|Fill|FillSync|Int|UUID)|getRandomValues)\b/, "import { randomUUID } from 'node:crypto';"],
];

const sources = (folders: string) =>
  globSync(`${folders}/**/*.ts`, { cwd: ROOT }).map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));

/** `file uses this`, for every use of what the patterns find. */
const usesIn = (folders: string, patterns: readonly RegExp[]): readonly string[] =>
  sources(folders).flatMap(({ file, text }) =>
    patterns.flatMap((pattern) => {
      const use = pattern.exec(text)?.[0];
      return use === undefined ? [] : [`${file} uses ${use}`];
    }),
  );

describe('time, chance and the network', () => {
  for (const [pattern, sample] of OUTSIDE) {
    it(`would be found in: ${sample}`, () => assert.match(sample, pattern));
  }

  it('come into the inner layers through ports alone', () => {
    const inner = 'shared/{domain,ports,protocol,records,usecases}';
    assert.ok(sources(inner).length > 50);
    const patterns = OUTSIDE.map(([pattern]) => pattern);
    assert.deepEqual(usesIn(inner, patterns), []);
  });

  it('are never drawn from a generator that can be guessed', () => {
    assert.deepEqual(usesIn('{shared,functions,gateway,console,local,infra,scripts}', [/\bMath\.random\b/]), []);
  });
});
