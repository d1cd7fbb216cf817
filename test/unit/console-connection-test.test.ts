import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ConnectionTest, TestStep } from '../../shared/domain/connection-test.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import type { TestRequest } from '../../shared/ports/mailbox-tester.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { type ConsoleOverMemory, consoleOverMemory, furnished } from '../fakes/console.ts';
import { assertSound, unescaped, visitorOf } from '../fakes/console-visitor.ts';

const FACTS = { host: 'smtp.office365.com', port: 587, protocol: 'SMTP', account: 'scan@contoso.com' };

const NAME: TestStep = {
  step: 'name',
  durationMs: 12,
  outcome: 'passed',
  seen: 'name',
  facts: { ...FACTS, addresses: '192.0.2.1, 192.0.2.2' },
};

const SWITCHED_OFF: TestStep = {
  step: 'auth',
  durationMs: 345,
  outcome: 'failed',
  why: 'smtp_switched_off',
  error: brokerError('smtp_switched_off', '535 5.7.139 <b>SmtpClientAuthentication</b> is disabled for the Tenant.'),
  facts: FACTS,
};

const LEFT_OUT: TestStep = { step: 'message', durationMs: 0, outcome: 'left_out', why: 'no_recipient' };

describe('the page of the connection test', () => {
  let broker: ConsoleOverMemory;
  let visitor: ReturnType<typeof visitorOf>;
  let page: string;
  let asked: TestRequest[];
  let answer: (request: TestRequest) => Result<ConnectionTest, BrokerError>;

  const testOf = (steps: readonly TestStep[], route: ConnectionTest['route'] = 'smtp'): ConnectionTest => ({
    ...{ direction: 'send', protocol: 'smtp', account: 'scan@contoso.com' },
    ...{ steps, durationMs: 400, route },
  });

  beforeEach(async () => {
    asked = [];
    answer = () => ok(testOf([NAME, SWITCHED_OFF]));
    broker = consoleOverMemory({
      mailboxTester: {
        test: async (request) => {
          asked.push(request);
          return answer(request);
        },
      },
    });
    const { scan } = await furnished(broker);
    page = `/console/mailboxes/${scan.id}/test`;
    visitor = visitorOf(broker);
    await visitor.logIn();
  });

  it('is led to from the mailbox, and asks what to test', async () => {
    const mailbox = await visitor.get(page.replace(/\/test$/, ''));
    assert.ok(mailbox.text.includes(`href="${page}"`));
    const { status, text } = await visitor.get(page);
    assert.equal(status, 200);
    for (const choice of ['Sending (SMTP)', 'Receiving (POP3)', 'Receiving (IMAP)']) assert.ok(text.includes(choice));
    assert.deepEqual(asked, []);
  });

  it('shows each step, the one that failed with the reply and the remedy, and the code of a panel', async () => {
    await visitor.get(page);
    const { status, text } = await visitor.post(page, { test: 'send' });
    assert.equal(status, 200);
    assertSound(text, page);
    const shown = unescaped(text);
    assert.match(shown, /data-result="failed"/);
    assert.match(shown, /Failed at: Sign-in at the server\./);
    assert.match(shown, /shows the code 360/);
    assert.match(shown, /smtp\.office365\.com has the addresses 192\.0\.2\.1, 192\.0\.2\.2\./);
    assert.match(shown, /Authenticated SMTP is switched off for this mailbox/);
    assert.match(shown, /Set-CASMailbox scan@contoso\.com -SmtpClientAuthenticationDisabled \$false/);
    assert.match(text, /535 5\.7\.139 &lt;b&gt;SmtpClientAuthentication/);
    assert.match(shown, /345 ms/);
  });

  it('says that all is well, and what was left out', async () => {
    answer = () => ok(testOf([NAME, LEFT_OUT]));
    await visitor.get(page);
    const { text } = await visitor.post(page, { test: 'send' });
    assert.match(text, /data-result="passed"/);
    assert.match(text, /Every step passed\./);
    assert.match(text, /No message was sent, as no recipient was named\./);
    assert.doesNotMatch(text, /shows the code/);
  });

  it("says that mail goes by the provider's API just now", async () => {
    answer = () => ok(testOf([NAME], 'api'));
    await visitor.get(page);
    assert.match(unescaped((await visitor.post(page, { test: 'send' })).text), /goes through the provider's API/);
  });

  for (const language of LANGUAGES) {
    it(`is all in ${language}, and so is the test message`, async () => {
      await visitor.get(page, { 'accept-language': language });
      const fields = { test: 'send', to: 'ann@a.example' };
      const { text } = await visitor.post(page, fields, { 'accept-language': language });
      assertSound(text, `${page} in ${language}`);
      assert.ok(text.includes(`<html lang="${language}">`));
      assert.equal(asked[0]?.language, language);
      const isEnglish = /What was seen|Failed|Outcome|Authenticated SMTP is|What to do/.test(text);
      assert.equal(isEnglish, language === 'en');
      assert.ok(text.includes('value="ann@a.example"'), 'what was typed stays');
    });
  }

  it('tests what was chosen', async () => {
    for (const [test, wish] of [
      ['send', { direction: 'send', recipient: 'ann@a.example' }],
      ['pop', { direction: 'receive', protocol: 'pop' }],
      ['imap', { direction: 'receive', protocol: 'imap' }],
    ] as const) {
      await visitor.get(page);
      const { text } = await visitor.post(page, { test, to: 'ann@a.example' });
      assert.match(text, new RegExp(`value="${test}" selected`));
      const { mailboxId: _, language: __, ...wished } = asked.at(-1) ?? assert.fail();
      assert.deepEqual(wished, wish);
      await broker.clock.advance(10_000);
    }
  });

  it('says at the field that a recipient is none, and tests nothing', async () => {
    await visitor.get(page);
    const { status, text } = await visitor.post(page, { test: 'send', to: 'nobody' });
    assert.equal(status, 400);
    assert.match(text, /aria-invalid="true"/);
    assert.ok(text.includes('value="nobody"'));
    assert.deepEqual(asked, []);
    assert.equal((await visitor.post(page, { test: 'ftp' })).status, 400);
    assert.deepEqual(asked, []);
  });

  it('says how long to wait for another test, and shows no word of passwords', async () => {
    await visitor.get(page);
    await visitor.post(page, { test: 'send' });
    const { status, text } = await visitor.post(page, { test: 'pop' });
    assert.equal(status, 429);
    assert.match(text, /The mailbox cannot be tested again just yet\./);
    assert.match(text, /Test it again in 10 seconds\./);
    assert.doesNotMatch(text, /password/);
    assert.equal(asked.length, 1);
  });

  it('tests nothing without the token of a form', async () => {
    const { status } = await visitor.post(page, { test: 'send', csrf_token: 'made-up' });
    assert.equal(status, 403);
    assert.deepEqual(asked, []);
  });

  it('says what went wrong where there was no test', async () => {
    answer = () => fail(brokerError('internal', 'The testing function failed.'));
    await visitor.get(page);
    const { status, text } = await visitor.post(page, { test: 'send' });
    assert.equal(status, 500);
    assertSound(text, page);
  });
});
