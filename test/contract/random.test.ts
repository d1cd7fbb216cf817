import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemRandom } from '../../shared/adapters/system/system-random.ts';
import type { Random } from '../../shared/ports/random.ts';
import { seededRandom } from '../fakes/seeded-random.ts';

const contract = (random: Random) => () => {
  it('gives as many bytes as asked for', () => {
    for (const count of [0, 1, 31, 32, 33, 1000]) assert.equal(random.bytes(count).length, count);
  });

  it('never gives the same twice', () => {
    const drawn = Array.from({ length: 1000 }, () => Buffer.from(random.bytes(16)).toString('hex'));
    assert.equal(new Set(drawn).size, drawn.length);
  });

  it('leaves what it gave as it was, and gives no part of it again', () => {
    const drawn = Array.from({ length: 500 }, (_, index) => random.bytes(20 + (index % 77)));
    const asGiven = drawn.map((bytes) => Buffer.from(bytes).toString('hex'));
    random.bytes(5000);
    for (const bytes of drawn) random.bytes(bytes.length).fill(0);
    assert.deepEqual(
      drawn.map((bytes) => Buffer.from(bytes).toString('hex')),
      asGiven,
    );
    const parts = asGiven.flatMap((hex) => hex.match(/.{16}/g) ?? []);
    assert.equal(new Set(parts).size, parts.length);
  });

  it('gives fractions all over [0, 1)', () => {
    const drawn = Array.from({ length: 1000 }, () => random.fraction());
    assert.ok(drawn.every((fraction) => fraction >= 0 && fraction < 1));
    const tenths = new Set(drawn.map((fraction) => Math.floor(fraction * 10)));
    assert.equal(tenths.size, 10);
  });
};

describe('systemRandom as Random', contract(systemRandom));
describe('seededRandom as Random', contract(seededRandom('contract')));
