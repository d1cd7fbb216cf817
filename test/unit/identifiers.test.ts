import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  CLIENT_ID_LENGTH,
  CLIENT_SECRET_LENGTH,
  PANEL_ALPHABET,
  panelString,
  timeSortedId,
} from '../../shared/domain/identifiers.ts';
import { seededRandom } from '../fakes/seeded-random.ts';

describe('panelString', () => {
  it('draws so many characters of the alphabet, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 64 }), fc.uint8Array({ minLength: 1, maxLength: 64 }), (length, drawn) => {
        // The bytes first, then good randomness: bytes that are passed over for ever are no randomness.
        const random = seededRandom(drawn.join());
        let isFirst = true;
        const text = panelString(length, (count) => {
          const bytes = isFirst ? drawn : random.bytes(count);
          isFirst = false;
          return bytes;
        });
        assert.equal(text.length, length);
        for (const character of text) assert.ok(PANEL_ALPHABET.includes(character));
      }),
    );
  });

  it('draws every character equally often', () => {
    const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const perCharacter = Math.floor(256 / PANEL_ALPHABET.length);
    const text = panelString(2 * perCharacter * PANEL_ALPHABET.length, () => allBytes);
    for (const character of PANEL_ALPHABET) assert.equal(text.split(character).length - 1, 2 * perCharacter, character);
  });

  it('has no look-alikes, and fits the panels', () => {
    assert.equal(new Set(PANEL_ALPHABET).size, PANEL_ALPHABET.length);
    assert.ok(!/[^a-z2-9]|[ilo]/.test(PANEL_ALPHABET));
    assert.ok(CLIENT_ID_LENGTH <= 12 && CLIENT_SECRET_LENGTH <= 24);
  });
});

describe('timeSortedId', () => {
  const random = seededRandom('ids');
  const instant = fc.integer({ min: 0, max: Date.UTC(2500, 0, 1) });

  it('sorts by the time it was made', () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        fc.pre(a !== b);
        const [first, second] = [timeSortedId('sub', a, random.bytes), timeSortedId('sub', b, random.bytes)];
        assert.equal(first < second, a < b);
        assert.equal(first.length, second.length);
      }),
    );
  });

  it('differs within one millisecond', () => {
    const ids = Array.from({ length: 1000 }, () => timeSortedId('sub', 1_800_000_000_000, random.bytes));
    assert.equal(new Set(ids).size, 1000);
  });
});
