import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { textsIn } from '../../console/texts/index.ts';
import type { Stop } from '../../shared/domain/outbox.ts';
import { ERROR_TEXTS, LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { makeNotices } from '../../shared/usecases/notices/raise-notice.ts';
import { type ConsoleOverMemory, consoleOverMemory, type Furnished, furnished } from '../fakes/console.ts';
import { assertSound, unescaped, visitorOf } from '../fakes/console-visitor.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { seededRandom } from '../fakes/seeded-random.ts';

const RESPONSE = '535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.';

describe('the console, of mail that is not sent for now', () => {
  let broker: ConsoleOverMemory;
  let visitor: ReturnType<typeof visitorOf>;
  let state: Furnished;
  let path: string;

  beforeEach(async () => {
    broker = consoleOverMemory();
    visitor = visitorOf(broker);
    state = await furnished(broker);
    path = `/console/mailboxes/${state.scan.id}`;
    await visitor.logIn();
  });

  /** Of a mailbox that is signed in. */
  const stopped = async (cause: Stop['cause']): Promise<void> => {
    const { outboxes } = broker.records;
    const since = Math.floor(broker.clock.now() / 1000);
    const about = { since, until: since + 300, reason: 'smtp_switched_off', response: RESPONSE } as const;
    const stop: Stop = cause === 'hold' ? { cause, ...about } : { cause, failures: 1, ...about };
    assert.ok(await outboxes.replace(state.scan.id, await outboxes.get(state.scan.id), { stop }, stop.until));
  };
  const attention = (text: string): string => /<h2>Needs attention[\s\S]*?<div class="heading">/.exec(text)?.[0] ?? '';

  it('says on the page of the mailbox why, since when, and what to do, in every language', async () => {
    await stopped('hold');
    for (const language of LANGUAGES) {
      const reply = await visitor.get(path, { 'accept-language': language });
      assertSound(reply.text, language);
      const text = unescaped(reply.text);
      const { mailWay, mailbox, submission } = textsIn(language);
      const [why, remedy] = ERROR_TEXTS[language].smtp_switched_off;
      const { titles, meaning } = mailWay.stopped;
      for (const part of [`<h2>${titles.hold}</h2>`, meaning.hold, why, remedy, mailWay.since, mailbox.nextTry]) {
        assert.ok(text.includes(part), `${language}: ${part}`);
      }
      assert.ok(text.includes(`<span lang="en">${RESPONSE}</span>`));
      assert.ok(text.includes(`<span class="badge badge-held">${titles.hold}</span>`), 'beside the status');
      assert.ok(text.includes(`action="${path}/try-now"`) && text.includes(submission.resend.now));
    }
  });

  it('says that it waits where that passes by itself, and nothing where mail goes', async () => {
    const well = (await visitor.get(path)).text;
    assert.ok(!well.includes('try-now') && !well.includes('badge-held'));
    await stopped('pause');
    const { text } = await visitor.get(path);
    assert.match(text, /<h2>Mail waits<\/h2>/);
    assert.doesNotMatch(text, /badge-held/);
    assert.ok(!attention((await visitor.get('/')).text).includes(state.scan.id), 'nobody must act');
  });

  it('has it tried now, and says so', async () => {
    await stopped('hold');
    const after = await visitor.submit(`${path}/try-now`);
    assert.equal(after.location, `${path}?done=mailbox_tried_now`);
    assert.match(after.text, /What waits is being tried now\./);
    assert.match(after.text, /At the next occasion/, 'held until a try succeeds');
    assert.match((await visitor.get('/console/audit')).text, /Mail tried at once by hand/);
    assert.equal((await visitor.post('/console/mailboxes/mbx_none/try-now')).status, 404);
  });

  it('lists a held mailbox among what needs attention, with what to do, and on the page of its organization', async () => {
    assert.ok(!attention((await visitor.get('/')).text).includes(state.scan.id));
    await stopped('hold');
    const shown = attention((await visitor.get('/')).text);
    assert.ok(shown.includes(`href="${path}"`) && shown.includes('Mail is held'));
    assert.ok(unescaped(shown).includes(ERROR_TEXTS.en.smtp_switched_off.join(' ')));
    assert.match((await visitor.get(`/console/organizations/${state.organization.id}`)).text, /Mail is held/);
  });

  it('never says that there is nothing to do above a notice', async () => {
    const quiet = consoleOverMemory();
    const alone = visitorOf(quiet);
    const { id: organizationId } = await quiet.administration.organizations.create('Contoso', 'en');
    assert.match((await alone.logIn()).text, /Every mailbox is signed in\. There is nothing to do\./);
    const raise = makeNotices({ ...quiet, random: seededRandom('notices'), log: memoryLog() }).raise;
    const about = { organizationId, subject: 'mbx_gone', mailboxId: 'mbx_gone', address: 'gone@contoso.example' };
    await raise({ kind: 'mailbox.held', reason: 'smtp_switched_off', ...about });
    const { text } = await alone.get('/');
    assert.ok(text.includes('gone@contoso.example'));
    assert.match(text, /Every mailbox is signed in\./);
    assert.doesNotMatch(text, /There is nothing to do/);
  });
});
