import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAddress, parseEnvelopeTo } from '../../shared/domain/envelope.ts';

const PIECES = [
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  '<',
  '>',
  ',',
  '@',
  'a',
  'b.c',
  '"',
  ':',
  ';',
  '(',
  '\\',
  '\u2028',
  '\u0085',
  'é',
  '\x7f',
  'RCPT TO:',
  'a@b.example',
];
const hostile = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((parts) => parts.join(''));

describe('parseEnvelopeTo', () => {
  it('never lets through what could end a path or a line', () => {
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 60 })), (list) => {
        const parsed = parseEnvelopeTo(list);
        if (!parsed.ok) return;
        for (const address of parsed.value) {
          assert.ok(!/[\p{Cc}\p{Z}<>,]/u.test(address), JSON.stringify(address));
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses the whole list for one bad address: nothing is cut out and sent to the rest', () => {
    const bad = fc.constantFrom(
      'no-at',
      'a@b\n',
      '\ra@b',
      'a@',
      '@b',
      'a@b@c',
      'a b@c',
      'a@b\r\nDATA',
      '<a@b',
      'a@b>',
      '"a"@b',
      'a@b..c',
      'a\n@b',
    );
    fc.assert(
      fc.property(bad, fc.boolean(), (address, first) => {
        const list = first ? `${address},good@x.example` : `good@x.example,${address}`;
        const parsed = parseEnvelopeTo(list);
        assert.ok(!parsed.ok && parsed.error.kind === 'invalid_recipient');
      }),
    );
  });

  it('takes bare addresses and those in angle brackets, each once, in order', () => {
    const parsed = parseEnvelopeTo(' a@x.example,\t<b@x.example> ,, a@x.example,c@x.example');
    assert.deepEqual(parsed, { ok: true, value: ['a@x.example', 'b@x.example', 'c@x.example'] });
  });

  it('takes what it has given out again as it is', () => {
    const address = fc.emailAddress().filter((text) => isAddress(text));
    fc.assert(
      fc.property(fc.uniqueArray(address, { minLength: 1, maxLength: 100 }), (addresses) => {
        assert.deepEqual(parseEnvelopeTo(addresses.join(', ')), { ok: true, value: addresses });
      }),
    );
  });

  it('takes a hundred recipients and no more', () => {
    const list = (count: number) => Array.from({ length: count }, (_, index) => `a${index}@x.example`).join(',');
    assert.ok(parseEnvelopeTo(list(100)).ok);
    assert.ok(!parseEnvelopeTo(list(101)).ok);
  });

  it('takes addresses of the lengths of RFC 5321 and no longer', () => {
    assert.ok(isAddress(`${'a'.repeat(64)}@x.example`));
    assert.ok(!isAddress(`${'a'.repeat(65)}@x.example`));
    assert.ok(!isAddress(`a@${'b'.repeat(253)}`));
  });
});
