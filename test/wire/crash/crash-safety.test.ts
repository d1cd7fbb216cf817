import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Rotation } from '../../fakes/rotating-oauth.ts';
import { type Case, type Killed, killEverywhere } from './kill-everywhere.ts';
import { measureWindow } from './measure-window.ts';
import { type Operation, ORGANIZATION } from './round.ts';
import { startWorld, type VaultKind, type World } from './world.ts';

const VAULTS = ['envelope', 'secrets-manager'] as const satisfies readonly VaultKind[];

/** A sign-out asks no provider, so that one is enough; a lenient one differs in the refresh alone. */
const WORK: readonly (readonly [Rotation, Operation])[] = [
  ['strict', 'refresh'],
  ['none', 'refresh'],
  ['lenient', 'refresh'],
  ['strict', 'first sign-in'],
  ['strict', 'sign-in again'],
  ['none', 'sign-in again'],
  ['strict', 'sign-out'],
];

const ASKED = 'the provider: refresh_token';
/** The one write of each vault that makes a token durable. */
const DURABLE_BY = { envelope: 'write vault', 'secrets-manager': 'PutSecretValue' } as const satisfies Record<
  VaultKind,
  string
>;

/** The one window of docs/adr/0005: from the provider's answer to the write that makes it durable. */
const windowOf = ({ rotation, operation, vault }: Case): readonly string[] =>
  rotation === 'strict' && operation !== 'sign-out' ? [`after ${ASKED}`, `before ${DURABLE_BY[vault]}`] : [];

/** Where answers were lost, and how often. */
const countByStep = (rounds: readonly Killed[]): string => {
  const counts = new Map<string, number>();
  for (const { lastStep } of rounds) counts.set(lastStep, (counts.get(lastStep) ?? 0) + 1);
  return [...counts].map(([step, count]) => `${step}: ${count}`).join(', ');
};

const rowOf = ({ vault, rotation, operation }: Case, rounds: readonly Killed[]): string => {
  const killed = (by: Killed['by']) => rounds.filter((round) => round.by === by).length;
  const lost = rounds.filter(({ answerLost }) => answerLost);
  const ended = rounds.filter(({ found }) => found === 'needs a sign-in').length;
  const name = [vault.padEnd(15), rotation.padEnd(7), operation.padEnd(13)].join(' ');
  const kills = `${String(killed('itself')).padStart(3)} at steps, ${killed('another')} between`;
  return `${name} ${kills}; answers lost: ${lost.length}, grants lost: ${ended} ${countByStep(lost)}`.trim();
};

describe('a broker that is killed', () => {
  let world: World;
  const rows: string[] = [];

  before(async () => {
    world = await startWorld();
    for (const vault of VAULTS) {
      const broker = await world.settingOf(vault, 'strict').composed(0);
      await broker.records.organizations.create(ORGANIZATION);
      broker.close();
    }
  });
  after(() => world.close());

  for (const vault of VAULTS) {
    for (const [rotation, operation] of WORK) {
      const which: Case = { vault, rotation, operation };
      test(`in a ${operation} loses nothing but in the one window (${vault}, ${rotation} rotation)`, async (t) => {
        const { trail, calm, atEachStep, fromOutside } = await killEverywhere(world, which);
        assert.equal(calm.answerLost, false);
        const lostAt = atEachStep.flatMap(({ answerLost }, index) => (answerLost ? [index] : []));
        assert.deepEqual(
          lostAt.map((index) => trail[index]),
          windowOf(which),
        );
        const [first = 0, last = first + 1] = lostAt;
        assert.equal(last, first + 1, 'something else is done before the answer is durable');
        // On its way the provider has retired the old token, and nobody has the new one.
        const inTheWindow = windowOf(which).length > 0 ? [`before ${ASKED}`, ...windowOf(which)] : [];
        for (const { answerLost, lastStep } of fromOutside) {
          if (answerLost) assert.ok(inTheWindow.includes(lastStep), lastStep);
        }
        rows.push(rowOf(which, [...atEachStep, ...fromOutside]));
        t.diagnostic(trail.join(', '));
      });
    }
  }

  for (const vault of VAULTS) {
    test(`is seldom in that window (${vault})`, async (t) => {
      const { windowMs, refreshMs } = await measureWindow(world, vault, {
        opensAt: `after ${ASKED}`,
        closesAt: `after ${DURABLE_BY[vault]}`,
      });
      assert.ok(windowMs > 0 && windowMs < refreshMs);
      const share = ((windowMs / refreshMs) * 100).toFixed(0);
      t.diagnostic(`median ${windowMs.toFixed(2)} ms of a refresh of ${refreshMs.toFixed(2)} ms: ${share} %`);
    });
  }

  test('has its losses counted', (t) => {
    for (const row of rows) t.diagnostic(row);
  });
});
