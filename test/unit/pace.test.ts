import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAILBOX_LIMITS } from '../../shared/domain/outbox.ts';
import {
  askPermit,
  type Holder,
  messageEnded,
  NO_PACE,
  type Pace,
  released,
  succeeding,
} from '../../shared/domain/pace.ts';
import { SENDING_SECONDS } from '../../shared/domain/timing.ts';

const LIMITS = MAILBOX_LIMITS.microsoft;
const MINUTE_MS = 60_000;
const START = 1_800_000_000_000;

const holderNamed = (holder: string): Holder => ({ holder, owner: `process of ${holder}` });
const RELAY = holderNamed('relay');

const granted = (pace: Pace, who: Holder, now: number): Pace => {
  const permit = askPermit(pace, who, LIMITS, now);
  assert.ok(permit.granted);
  return permit.pace;
};

/** One holder sends so many at once. */
const afterSending = (count: number, now: number, pace: Pace = NO_PACE): Pace => {
  let sent = pace;
  for (let sends = 0; sends < count; sends++) sent = messageEnded(granted(sent, RELAY, now), RELAY, now, true);
  return sent;
};

describe('the pace of a mailbox', () => {
  it('lets thirty messages a minute through, and says when the next may go', () => {
    const pace = afterSending(30, START);
    const permit = askPermit(pace, RELAY, LIMITS, START + 20_000);
    assert.ok(!permit.granted && permit.why === 'limit');
    const later = START + 20_000 + permit.waitMs;
    assert.ok(later - START > MINUTE_MS && later - START < MINUTE_MS + 5_000);
    granted(pace, RELAY, later);
  });

  it('counts what is on its way by others', () => {
    let pace = afterSending(28, START);
    pace = granted(pace, holderNamed('gateway a'), START);
    pace = granted(pace, holderNamed('gateway b'), START);
    const permit = askPermit(pace, RELAY, LIMITS, START);
    assert.ok(!permit.granted && permit.why === 'limit');
    const failed = messageEnded(pace, holderNamed('gateway b'), START, false);
    granted(failed, RELAY, START);
  });

  it('lets three hold a connection, each one message, and no fourth', () => {
    const three = ['relay', 'gateway a', 'gateway b'].map(holderNamed);
    const pace = three.reduce((known, who) => granted(known, who, START), NO_PACE);
    const fourth = askPermit(pace, holderNamed('gateway c'), LIMITS, START);
    assert.ok(!fourth.granted && fourth.why === 'limit');
    granted(released(pace, holderNamed('relay')), holderNamed('gateway c'), START);
  });

  it('keeps a connection between messages', () => {
    const three = ['relay', 'gateway a', 'gateway b'].map(holderNamed);
    let pace = three.reduce((known, who) => granted(known, who, START), NO_PACE);
    for (const who of three) pace = messageEnded(pace, who, START, true);
    assert.ok(!askPermit(pace, holderNamed('gateway c'), LIMITS, START + 1000).granted);
    granted(pace, RELAY, START + 1000);
  });

  it('tells a second worker that the first is at it, until that must be dead', () => {
    const first = { holder: 'relay', owner: 'one' };
    const second = { holder: 'relay', owner: 'two' };
    const pace = granted(NO_PACE, first, START);
    const busy = askPermit(pace, second, LIMITS, START + 1000);
    assert.ok(!busy.granted && busy.why === 'busy');
    assert.deepEqual(messageEnded(pace, second, START, true), pace);
    assert.deepEqual(released(pace, second), pace);
    granted(pace, second, START + 1000 + busy.waitMs);
  });

  it('takes what a dead worker had in hand for sent at the last moment it can have been', () => {
    const pace = granted(NO_PACE, { holder: 'gateway', owner: 'dead' }, START);
    const deadAt = START + SENDING_SECONDS * 1000;
    const permit = askPermit(afterSending(29, deadAt, pace), RELAY, LIMITS, deadAt + 1000);
    assert.ok(!permit.granted && permit.why === 'limit');
  });

  it('never lets the server count more than its limits, whoever sends, however long each takes, and whoever dies', () => {
    const holders = ['relay', 'gateway a', 'gateway b', 'gateway c', 'gateway d'];
    const step = fc.record({
      who: fc.constantFrom(...holders),
      passesMs: fc.integer({ min: 0, max: 2_000 }),
      takesMs: fc.integer({ min: 0, max: 6_000 }),
      end: fc.oneof(
        { weight: 60, arbitrary: fc.constant('sent') },
        { weight: 10, arbitrary: fc.constant('refused') },
        { weight: 1, arbitrary: fc.constant('dies') },
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 200, maxLength: 600 }), (steps) => {
        let pace: Pace = NO_PACE;
        let now = START;
        let life = 0;
        /** When the server took a message: any moment between permit and end. */
        const taken: number[] = [];
        const underWay = new Map<string, { who: Holder; endsAt: number; end: string; startedAt: number }>();
        const endThose = (until: number): void => {
          for (const [holder, one] of [...underWay].sort(([, a], [, b]) => a.endsAt - b.endsAt)) {
            if (one.endsAt > until) continue;
            underWay.delete(holder);
            if (one.end !== 'refused') taken.push((one.startedAt + one.endsAt) / 2);
            if (one.end !== 'dies') pace = messageEnded(pace, one.who, one.endsAt, one.end === 'sent');
          }
        };
        for (const { who: holder, passesMs, takesMs, end } of steps) {
          now += passesMs;
          endThose(now);
          if (underWay.has(holder)) continue;
          const who = { holder, owner: end === 'dies' ? `life ${life++}` : 'living' };
          const permit = askPermit(pace, who, LIMITS, now);
          if (!permit.granted) continue;
          pace = permit.pace;
          underWay.set(holder, { who, startedAt: now, endsAt: now + takesMs, end });
          assert.ok(underWay.size <= LIMITS.connections);
        }
        endThose(Number.MAX_SAFE_INTEGER);
        taken.sort((a, b) => a - b);
        for (const at of taken) {
          const inThatMinute = taken.filter((other) => other >= at && other < at + MINUTE_MS).length;
          assert.ok(inThatMinute <= LIMITS.messagesPerMinute, `${inThatMinute} in a minute`);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('forgets what is older than it needs', () => {
    const pace = afterSending(5, START + 10 * MINUTE_MS, afterSending(30, START));
    assert.equal(pace.sentAt.length, 5);
  });

  it('lets a holder that is one process at a time go on after a kill, and counts what that may have sent', () => {
    const before = { holder: 'gateway:a', owner: 'first run' };
    const after = { holder: 'gateway:a', owner: 'second run' };
    const pace = granted(afterSending(29, START), before, START);
    assert.equal(askPermit(pace, after, LIMITS, START).granted, false);
    const taken = succeeding(pace, after, START + 1_000);
    assert.deepEqual(Object.keys(taken.connections), ['relay']);
    assert.equal(taken.sentAt.length, 30);
    assert.equal(askPermit(taken, after, LIMITS, START + 1_000).granted, false);
    granted(taken, after, START + 62_001);
    assert.equal(succeeding(pace, before, START), pace);
    assert.equal(succeeding(pace, RELAY, START), pace);
  });
});
