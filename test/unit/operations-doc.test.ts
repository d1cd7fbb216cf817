import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BROKER_DIMENSION, EVENT_METRICS, type EventMetric, METRIC_NAMESPACE } from '../../shared/config/metrics.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const PAGE = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');

const isStandIn = (file: string): boolean => file.startsWith('local/stand-ins/');

const FILES = globSync('{shared,functions,local}/**/*.ts', { cwd: ROOT }).filter((file) => !isStandIn(file));

/** Whatever holds a log calls it `log`; behind it come the level, or a choice of levels, and the event. */
const CALL = /\blog\s*(?:\.\s*(?:info|warn|error)|\[[^\]]*\])\s*\(\s*/g;

const NAME = String.raw`'([a-z_]+(?:\.[a-z_]+)?)'`;

/** A name; one of two, by a condition without a call; or a name with a hole in it. */
const NAMED = new RegExp(`^${NAME}\\s*[,)]`);
const CHOSEN = new RegExp(`^[^?(),]+\\?\\s*${NAME}\\s*:\\s*${NAME}\\s*[,)]`);
const COMPOSED = /^`([a-z_.]*)\$\{([\w.]+)\}`\s*[,)]/;

/** What can stand in a hole. No report is made of a message that is on its way, nor of one that goes back into its queue. */
const HOLES: Readonly<Record<string, readonly string[]>> = { 'status.state': ['deferred', 'failed'] };

const eventsIn = (argument: string, file: string): readonly string[] => {
  const named = NAMED.exec(argument) ?? CHOSEN.exec(argument);
  if (named) return named.slice(1);
  const [, beginning = '', hole = ''] = COMPOSED.exec(argument) ?? [];
  const ends = HOLES[hole];
  if (ends) return ends.map((end) => beginning + end);
  throw new Error(`${file} logs an event that this test cannot read: ${argument.slice(0, 80)}`);
};

const loggedIn = (file: string): readonly string[] => {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const calls = [...source.matchAll(CALL)].map(({ index, 0: { length } }) => source.slice(index + length));
  const printed = [...source.matchAll(/JSON\.stringify\(\{ event: '([a-z_.]+)'/g)].map(([, event = '']) => event);
  return [...calls.flatMap((argument) => eventsIn(argument, file)), ...printed];
};

/** The names in the first column of the tables whose first column is headed `event`. */
const documented = [...PAGE.matchAll(/^\| event \|.*\n\|[-|]+\|\n((?:\|.*\n)+)/gm)].flatMap(([, rows = '']) =>
  [...rows.matchAll(/^\| ((?:`[a-z_.]+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) =>
    names.replaceAll('`', '').split(', '),
  ),
);

describe('what docs/operations.md says of the log', () => {
  const logged = new Set(FILES.flatMap(loggedIn));

  it('finds events of every kind in the code', () => {
    const some = [
      'ready',
      'grant.invalid',
      'grant.refresh_failed',
      'outbox.paused',
      'submission.failed',
      'sign_in.completed',
    ];
    assert.deepEqual(
      some.filter((event) => !logged.has(event)),
      [],
    );
    assert.ok(logged.size > 60, `only ${logged.size} events`);
  });

  it('names every event that the code logs', () => {
    assert.deepEqual(
      [...logged].filter((event) => !documented.includes(event)),
      [],
    );
  });

  it('names no event that the code does not log', () => {
    assert.deepEqual(
      documented.filter((event) => !logged.has(event)),
      [],
    );
  });

  it('names each event once', () => {
    assert.deepEqual(
      documented.filter((event, place) => documented.indexOf(event) !== place),
      [],
    );
  });
});

/** `metric | unit | events | dimension`, as the section *What is counted* has it, without what is said in words. */
const countedInPage = (): readonly string[] => {
  const [, rows = ''] = /^\| metric \| unit .*\n\|[-|]+\|\n((?:\|.*\n)+)/m.exec(PAGE) ?? [];
  return rows
    .trimEnd()
    .split('\n')
    .map((row) => {
      const [, metric, unit, meaning = '', events, dimension] = row.split('|').map((cell) => cell.trim());
      assert.ok(meaning.length > 10, row);
      return [metric, unit, events, dimension].join(' | ').replaceAll('`', '');
    });
};

const countedInCode = (): readonly string[] => {
  const events = new Map<string, { readonly metric: EventMetric; readonly from: string[] }>();
  const all = Object.entries(EVENT_METRICS).flatMap(([event, metrics]) =>
    metrics.map((metric: EventMetric) => ({ event, metric })),
  );
  for (const { event, metric } of all) {
    const known = events.get(metric.metric) ?? { metric, from: [] };
    // Under one name there is one metric.
    assert.deepEqual({ ...metric, value: undefined }, { ...known.metric, value: undefined });
    known.from.push(event);
    events.set(metric.metric, known);
  }
  return [...events].map(([name, { metric, from }]) =>
    [name, metric.unit, from.join(', '), metric.by?.dimension ?? ''].join(' | '),
  );
};

describe('what docs/operations.md says of metrics', () => {
  it('is what is counted, and all of it', () => {
    assert.deepEqual(countedInPage(), countedInCode());
    for (const name of [METRIC_NAMESPACE, BROKER_DIMENSION]) assert.ok(PAGE.includes(`\`${name}\``));
  });

  it('goes back to events that the code logs', () => {
    const logged = new Set(FILES.flatMap(loggedIn));
    assert.deepEqual(
      Object.keys(EVENT_METRICS).filter((event) => !logged.has(event)),
      [],
    );
  });
});
