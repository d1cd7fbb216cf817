import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokerError, ERROR_KINDS } from '../../../shared/domain/errors.ts';
import { OUTCOMES, type Outcome } from '../../../shared/protocol/outcomes.ts';
import { smtpReply, smtpReplyOf, toAscii } from '../../../shared/protocol/smtp-reply.ts';
import { ERROR_TEXTS, LANGUAGES } from '../../../shared/protocol/texts/index.ts';

const everyReply = LANGUAGES.flatMap((language) =>
  ERROR_KINDS.map((kind) => ({ language, kind, reply: smtpReplyOf(brokerError(kind, 'a detail'), language) })),
);

describe('the SMTP reply to an error', () => {
  it('has an enhanced code of the class of its basic one, for every kind', () => {
    for (const { kind, reply } of everyReply) {
      assert.equal(reply.enhancedCode[0], String(reply.code)[0], kind);
      assert.match(`${reply.code}`, /^[45]\d\d$/);
    }
  });

  it('has the codes of the table, and passes where the table has none', () => {
    for (const { kind, reply } of everyReply) {
      const { smtp }: Outcome = OUTCOMES[kind];
      assert.equal(`${reply.code} ${reply.enhancedCode}`, smtp ?? '451 4.3.0', kind);
    }
  });

  it('has room on a panel, in plain ASCII, with nothing lost', () => {
    for (const { language, kind, reply } of everyReply) {
      assert.match(reply.text, /^[\x20-\x7e]{1,120}$/, `${kind} in ${language}`);
      assert.doesNotMatch(reply.text, /\?|\.\.\./, `${kind} in ${language}: ${reply.text}`);
    }
  });

  it('ends with the code that the panel knows, where there is one', () => {
    assert.match(smtpReplyOf(brokerError('sign_in_lapsed'), 'en').text, / \[361\]$/);
    assert.match(smtpReplyOf(brokerError('broker_unreachable'), 'da').text, / \[360\]$/);
    assert.doesNotMatch(smtpReplyOf(brokerError('gateway_full'), 'en').text, /\[/);
  });

  it('tells what happened and no particulars, which may be long', () => {
    const reply = smtpReplyOf(brokerError('not_a_message', 'no header at all'), 'en');
    assert.equal(reply.text, ERROR_TEXTS.en.not_a_message[0]);
  });

  it('speaks the language of the device, with the letters that every panel has', () => {
    assert.equal(smtpReplyOf(brokerError('too_much_mail'), 'da').text, 'Enheden sender for meget pa en gang.');
    assert.equal(toAscii('Żółć, łąka; Åse sælger øl – „œuf“ straße'), 'Zolc, laka; Ase saelger ol - "oeuf" strasse');
    assert.equal(toAscii('漢\n'), '? ');
  });

  it('is cut at a word where it is too long, before the code of the panel', () => {
    const { text } = smtpReply('550 5.7.1', 'word '.repeat(60), 370);
    assert.match(text, /^(word )+word\.\.\. \[370\]$/);
    assert.ok(text.length <= 120 && text.length > 110, String(text.length));
    assert.equal(smtpReply('550 5.7.1', 'x'.repeat(200)).text.length, 120);
  });
});
