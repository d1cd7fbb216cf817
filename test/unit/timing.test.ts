import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  backOffSeconds,
  DUE_SHARDS,
  dueShardOf,
  dueShards,
  LEASE_SECONDS,
  livesLongEnough,
  nextKeepAliveAt,
  PROVIDER_TIMEOUT_SECONDS,
  renewAt,
} from '../../shared/domain/timing.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const time = fc.integer({ min: 1_700_000_000, max: 4_000_000_000 });
const id = fc.string({ unit: fc.constantFrom(...'abcdefghjkmnpqrstuvwxyz23456789'), minLength: 16, maxLength: 16 });

describe('nextKeepAliveAt', () => {
  it('lies 12 to 36 hours ahead', () => {
    fc.assert(
      fc.property(id, time, (grantId, now) => {
        const ahead = nextKeepAliveAt(grantId, now) - now;
        assert.ok(ahead >= 12 * HOUR && ahead < 36 * HOUR, `${ahead}`);
      }),
    );
  });

  it('keeps its time of day, so that a grant is asked about once a day', () => {
    fc.assert(
      fc.property(id, time, (grantId, now) => {
        const first = nextKeepAliveAt(grantId, now);
        assert.equal(nextKeepAliveAt(grantId, first), first + DAY);
      }),
    );
  });

  it('spreads grants evenly over the day', () => {
    const hours = Array.from({ length: 24 }, () => 0);
    const grants = 24_000;
    for (let index = 0; index < grants; index++) {
      const hour = Math.floor((nextKeepAliveAt(`mbx_${index.toString(31)}`, 1_800_000_000) % DAY) / HOUR);
      hours[hour] = (hours[hour] ?? 0) + 1;
    }
    for (const count of hours) assert.ok(count > 850 && count < 1150, hours.join(' '));
  });
});

describe('dueShardOf', () => {
  it('names one of the shards that the sweep looks through, and spreads evenly over them', () => {
    const counts = new Map(dueShards('grant-microsoft').map((shard) => [shard, 0]));
    assert.equal(counts.size, DUE_SHARDS);
    for (let index = 0; index < 16_000; index++) {
      const shard = dueShardOf('grant-microsoft', `mbx_${index.toString(31)}`);
      const count = counts.get(shard);
      assert.ok(count !== undefined);
      counts.set(shard, count + 1);
    }
    for (const count of counts.values()) assert.ok(count > 850 && count < 1150);
  });
});

describe('backOffSeconds', () => {
  const limits = fc
    .record({ firstSeconds: fc.integer({ min: 1, max: 600 }), factor: fc.integer({ min: 1, max: 1000 }) })
    .map(({ firstSeconds, factor }) => ({ firstSeconds, capSeconds: firstSeconds * factor }));
  const fraction = fc.double({ min: 0, max: 0.999999, noNaN: true });
  const failures = fc.integer({ min: 0, max: 5000 });

  it('never exceeds the cap, and never falls below half of the first wait', () => {
    fc.assert(
      fc.property(failures, limits, fraction, (count, limit, random) => {
        const wait = backOffSeconds(count, limit, random);
        assert.ok(Number.isInteger(wait) && wait >= limit.firstSeconds / 2 && wait <= limit.capSeconds);
      }),
    );
  });

  it('never shrinks as failures go on', () => {
    fc.assert(
      fc.property(failures, limits, fraction, (count, limit, random) => {
        assert.ok(backOffSeconds(count + 1, limit, random) >= backOffSeconds(count, limit, random));
      }),
    );
  });

  it('doubles, until it is capped', () => {
    const waits = [1, 2, 3, 4, 5].map((count) => backOffSeconds(count, { firstSeconds: 10, capSeconds: 60 }, 0.999999));
    assert.deepEqual(waits, [10, 20, 40, 60, 60]);
  });
});

describe('the life of a token', () => {
  const token = fc
    .record({ issuedAt: time, life: fc.integer({ min: 1, max: 2 * DAY }) })
    .map(({ issuedAt, life }) => ({ issuedAt, expiresAt: issuedAt + life }));

  it('is never over for one that is served', () => {
    fc.assert(
      fc.property(
        token,
        fc.integer({ min: -10, max: 3 * DAY }),
        fc.integer({ min: 1, max: DAY }),
        (one, age, minTtl) => {
          const now = one.issuedAt + age;
          if (livesLongEnough(one, minTtl, now)) assert.ok(one.expiresAt > now);
          if (one.expiresAt - now >= minTtl) assert.ok(livesLongEnough(one, minTtl, now));
        },
      ),
    );
  });

  it('has its renewal in the last quarter, at most 15 minutes before its end', () => {
    fc.assert(
      fc.property(token, (one) => {
        const life = one.expiresAt - one.issuedAt;
        const left = one.expiresAt - renewAt(one);
        assert.ok(left <= 900 && left <= life / 4 && left >= Math.min(900, Math.floor(life / 4)));
      }),
    );
  });
});

it('lets a provider time out before the lease does', () => {
  assert.ok(PROVIDER_TIMEOUT_SECONDS < LEASE_SECONDS);
});
