import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { replyFor, replyForLibraryText } from '../../../gateway/smtp/replies.ts';

const source = ['smtp-connection.js', 'sasl.js', 'smtp-stream.js']
  .map((file) => fileURLToPath(new URL(`../../../node_modules/smtp-server/dist/esm/${file}`, import.meta.url)))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

/** By commands that are switched off, and for DSN (RFC 3461), which is. */
const NEVER_SAID = /wizard|Mere mortals|shell|Can not kill|^Please pass|NOTIFY|ORCPT|^Error: Not allowed/;

/** What names one of ours: the greeting, the acceptance of a message; and what is put together of what follows here. */
const NAMED = /OK: message|^ (LMTP)?ESMTP|^Error: $|^$/;

const literalsOf = (expression: string): string =>
  [...expression.matchAll(/'([^']*)'/g)].map(([, text]) => text).join('');

/** Every text that smtp-server hands to `send`, with the choices that it has side by side; to its checks; from its parser. */
const libraryTexts = [
  ...source.matchAll(/\.send\(\s*(\d{3}),\s*(.+?)\);$/gm),
  ...source.matchAll(/code: (\d{3}),\s*message: (.+),$/gm),
  ...source.matchAll(/()new (Error\('Command line.+'\))/g),
]
  .map(([, code, expression]) => ({ code: Number(code || 421), text: literalsOf(expression ?? '') }))
  .filter(({ text }) => !NAMED.test(text) && !NEVER_SAID.test(text));

describe('what smtp-server says by itself', () => {
  it('is found in its source', () => {
    assert.ok(libraryTexts.length > 45, String(libraryTexts.length));
    for (const code of [221, 235, 250, 421, 451, 452, 500, 501, 503, 504, 530, 535, 538, 552]) {
      assert.ok(
        libraryTexts.some((said) => said.code === code),
        String(code),
      );
    }
  });

  for (const { code, text } of libraryTexts) {
    if (code >= 300 && code < 400) continue;
    it(`has words of ours instead: ${code} ${text}`, () => {
      if (/^Accepted/.test(text)) return assert.equal(replyFor(250, text, 'RCPT_TO_OK').text, 'Recipient OK');
      assert.ok(replyForLibraryText(code, text), text);
      const ours = replyFor(code, text, undefined);
      assert.equal(ours.enhancedCode[0], String(ours.code)[0]);
      assert.doesNotMatch(ours.text, /^Error/);
    });
  }
});

describe('a reply', () => {
  it('keeps the enhanced code that we gave it', () => {
    assert.deepEqual(replyFor(454, '4.4.1 The gateway cannot reach the broker. [360]', undefined), {
      code: 454,
      enhancedCode: '4.4.1',
      text: 'The gateway cannot reach the broker. [360]',
    });
  });

  it('has an enhanced code of its class where the library brings a text that is not known', () => {
    assert.deepEqual(replyFor(459, 'News', undefined), { code: 459, enhancedCode: '4.0.0', text: 'News' });
  });
});
