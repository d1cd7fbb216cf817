import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundleGateway, GATEWAY_BUNDLE } from '../../../scripts/build-gateway.ts';
import { type Handed, type LaneReport, runLane } from './kill-rounds.ts';
import { type Copy, type Site, startSite } from './site.ts';

/** Of the figure that the project promises: `GATEWAY_KILL_ROUNDS=300` runs all of them. */
const ROUNDS = Number(process.env.GATEWAY_KILL_ROUNDS || 60);
/** Some of them with each way out; by the relay there is less to go wrong. */
const LANES = [
  { name: 'direct-a', way: 'direct', rounds: Math.ceil(ROUNDS * 0.4) },
  { name: 'direct-b', way: 'direct', rounds: Math.ceil(ROUNDS * 0.4) },
  { name: 'relay', way: 'relay', rounds: Math.ceil(ROUNDS * 0.2) },
] as const;

/** The server takes a while to answer: so more are killed when it has taken a message. */
const ANSWER_MS = 15;

/** What a gateway had sent when it was killed may be taken so much later. */
const LATE_MS = 1_000;

const grouped = (copies: readonly Copy[]): readonly (readonly Copy[])[] => [
  ...Map.groupBy(copies, ({ messageId }) => messageId).values(),
];

/** Checks one message, and tells how often it was doubled, by whom. */
const assertTruth = ({ copies, submissions, kills }: LaneReport, message: Handed, mayRepeat: boolean) => {
  const { subject, id, unheard, bodySha256 } = message;
  const mine = copies.filter((copy) => copy.subject === subject);
  const where = JSON.stringify({ message, mine });
  const groups = grouped(mine);
  if (id !== undefined && mine.length === 0) {
    const submission = [...submissions.values()].find(({ submission_id }) => submission_id === id);
    assert.equal(submission?.state, 'failed', `lost: ${where}, ${JSON.stringify(submission)}`);
  }
  for (const copy of mine) assert.equal(copy.bodySha256, bodySha256, `changed: ${where}`);
  assert.ok(groups.length <= unheard + (id === undefined ? 0 : 1), `doubled, and not by its device: ${where}`);
  let byGateway = 0;
  for (const [first, second, ...more] of groups) {
    assert.ok(first && more.length === 0, `more than one duplicate: ${where}`);
    if (second === undefined) continue;
    byGateway += 1;
    assert.ok(mayRepeat, `doubled by the gateway: ${where}`);
    const wasKilled = kills.some(
      ({ fromMs, toMs }) => toMs >= first.receivedAtMs - LATE_MS && fromMs <= second.receivedAtMs,
    );
    const submission = submissions.get(first.messageId);
    assert.ok(wasKilled, `doubled without a kill: ${where}`);
    assert.ok(
      Number(submission?.unknown_outcomes) >= 1,
      `doubled unknowingly: ${where}, ${JSON.stringify(submission)}`,
    );
  }
  return { byGateway, byDevice: Math.max(0, groups.length - 1) };
};

describe('a gateway that is killed time and again while devices hand in mail', { concurrency: LANES.length }, () => {
  let site: Site;
  let script: string;
  let compileCache: string;

  before(async () => {
    site = await startSite();
    const folder = join(site.world.folder, 'program');
    await bundleGateway(folder);
    script = join(folder, GATEWAY_BUNDLE);
    compileCache = join(site.world.folder, 'compiled');
    site.line.at('.', { kind: 'delay', milliseconds: ANSWER_MS }, { times: Number.POSITIVE_INFINITY });
  });
  after(() => site.close());

  for (const { name, way, rounds } of LANES) {
    test(`loses none that it has answered with 250, and doubles only what may have been taken: ${name}`, async (t) => {
      const report = await runLane({ site, name, way, rounds, program: { script }, compileCache });
      const { handed, kills, submissions, copies, startsMs } = report;
      const doubled = handed.map((message) => assertTruth(report, message, way === 'direct'));
      const sum = (by: 'byGateway' | 'byDevice'): number => doubled.reduce((all, one) => all + one[by], 0);
      const accepted = handed.filter(({ id }) => id !== undefined).length;
      const unheard = handed.reduce((all, message) => all + message.unheard, 0);
      const failed = [...submissions.values()].filter(({ state }) => state === 'failed');
      // The relay knows a message that it is given twice.
      if (way === 'relay') assert.deepEqual(failed, []);
      assert.equal(kills.length, rounds);
      assert.ok(accepted > rounds / 4, 'hardly anything was handed in');
      t.diagnostic(
        `${kills.length} kills, ${kills.filter(({ wasStarting }) => wasStarting).length} of them while it started; ` +
          `${handed.length} messages, ${accepted} with 250 read, ${unheard} times the line broke before; lost: 0; ` +
          `failed and reported: ${failed.length}`,
      );
      t.diagnostic(
        `${copies.length} copies; doubled by the gateway, in the unknown window: ${sum('byGateway')}; by a device that ` +
          `heard no answer: ${sum('byDevice')}; slowest start ${Math.round(Math.max(...startsMs))} ms`,
      );
    });
  }
});
