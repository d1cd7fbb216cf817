import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cleanReply } from '../../shared/domain/mail-replies.ts';

const TOKEN = 'M.made!up*token$of-a.mailbox';

describe('what is kept of a reply', () => {
  it('is on one line, and has an end', () => {
    assert.equal(cleanReply(' 535-5.7.8 no\r\n535\t5.7.8\u0007never ', []), '535-5.7.8 no 535 5.7.8 never');
    assert.match(cleanReply('word '.repeat(200), []), /^(word ){100}…$/);
  });

  for (const [what, shown] of [
    ['the token, whatever it is made of', TOKEN],
    ['a part of it', 'of-a.mailbox'],
    ['a part of it within something else', 'x=of-a.mailbox%20'],
    ['what is as long as a token', 'a1'.repeat(30)],
    ['the pre-authenticated address of an upload', `/upload/${'a%2F'.repeat(15)}`],
  ] as const) {
    it(`has nothing of ${what}`, () => {
      assert.equal(cleanReply(`535 no ${shown} here`, [TOKEN]), '535 no [...] here');
    });
  }

  it('has every plain word, and an id that support asks for', () => {
    const reply = '429 ApplicationThrottled by mailbox (request 0b1f9851-1bf0-433f-aec3-cb9272f093dc)';
    assert.equal(cleanReply(reply, [TOKEN]), reply);
  });
});
