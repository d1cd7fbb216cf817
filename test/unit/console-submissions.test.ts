import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { textsIn } from '../../console/texts/index.ts';
import { BROKER_SENDER } from '../../shared/domain/notice-sender.ts';
import { SUBMISSION_STATES, type SubmissionState } from '../../shared/domain/submission.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { type ConsoleOverMemory, consoleOverMemory, type Furnished, furnished } from '../fakes/console.ts';
import { assertSound, countOf, unescaped, visitorOf } from '../fakes/console-visitor.ts';

describe('the console, of what is sent', () => {
  let broker: ConsoleOverMemory;
  let visitor: ReturnType<typeof visitorOf>;
  let state: Furnished;

  beforeEach(async () => {
    broker = consoleOverMemory();
    visitor = visitorOf(broker);
    state = await furnished(broker);
    await visitor.logIn();
  });

  const inState = async (wanted: SubmissionState): Promise<string> => {
    const { submissions } = broker.administration;
    for (const { id } of state.submissions) {
      const found = await submissions.get(id);
      if (found.ok && found.value.description.state === wanted) return id;
    }
    throw new Error(`nothing is ${wanted}`);
  };
  const pathOf = async (wanted: SubmissionState): Promise<string> => `/console/submissions/${await inState(wanted)}`;

  it('lists what is in one state, and keeps the choice from page to page', async () => {
    for (const wanted of SUBMISSION_STATES) {
      const { text } = await visitor.get(`/console/submissions?state=${wanted}`);
      assert.equal(countOf(text, 'class="badge'), 1, wanted);
      assert.equal(countOf(text, `badge-${wanted}`), 1);
      assert.match(text, new RegExp(`<option value="${wanted}" selected>`));
    }
    const at = Math.floor(broker.clock.now() / 1000);
    for (let count = 0; count < 30; count++)
      await broker.submitted(state.scan, state.copier.clientId, { state: 'sent', at });
    const first = await visitor.get(`/console/submissions?mailbox_id=${state.scan.id}&state=sent`);
    assert.equal(countOf(first.text, 'badge-sent'), 25);
    const older = unescaped(/<a href="([^"]*)" rel="next">/.exec(first.text)?.[1] ?? '');
    assert.match(older, new RegExp(`mailbox_id=${state.scan.id}&state=sent&cursor=sub_`));
    const second = await visitor.get(older);
    assert.equal(countOf(second.text, 'badge-sent'), 6);
    const newest = unescaped(/<a href="([^"]*)">Newest/.exec(second.text)?.[1] ?? '');
    assert.equal(newest, `/console/submissions?mailbox_id=${state.scan.id}&state=sent`);
    assert.equal((await visitor.get('/console/submissions?state=nonsense')).status, 200);
  });

  it('lists what goes by one mailbox, and leads there from its page', async () => {
    const path = `/console/submissions?mailbox_id=${state.alerts.id}`;
    const mailbox = await visitor.get(`/console/mailboxes/${state.alerts.id}`);
    assert.ok(mailbox.text.includes(`href="${path}"`));
    const { text } = await visitor.get(path);
    assert.equal(countOf(text, 'class="badge'), 1);
    assert.ok(text.includes('badge-held') && text.includes(`href="/console/mailboxes/${state.alerts.id}"`));
    assert.match(text, new RegExp(`<input type="hidden" name="mailbox_id" value="${state.alerts.id}">`));
    assert.match(
      (await visitor.get(`/console/submissions?mailbox_id=${state.fresh.id}`)).text,
      /There is no such mail/,
    );
    const nowhere = await visitor.get('/console/submissions?mailbox_id=mbx_none');
    assert.equal(nowhere.status, 404);
    assertSound(nowhere.text, 'mbx_none');
  });

  it('shows everything of one message: who got it, what was said, when, and how', async () => {
    const list = await visitor.get('/console/submissions');
    const path = await pathOf('sent');
    assert.ok(list.text.includes(`href="${path}"`));
    const record = await broker.records.submissions.get(await inState('sent'));
    assert.ok(record);
    const told = {
      senderRewritten: true,
      unknownOutcomes: 1,
      sentBy: 'api',
      resentAt: record.submission.acceptedAt,
    } as const;
    const now = Math.floor(broker.clock.now() / 1000);
    await broker.records.submissions.replace(
      record,
      { ...record.submission, ...told, delivered: ['anna@contoso.com'] },
      now,
    );
    const { text } = await visitor.get(path);
    assertSound(text, path);
    for (const part of [
      ...['anna@contoso.com', 'piotr@contoso.com', '550 5.1.1 Unknown', '250 2.0.0 OK', '&lt;3@broker.example&gt;'],
      ...['120,000 bytes', 'The provider&#39;s API', 'no reply came', 'goes out as the mailbox itself', 'Kept until'],
      ...[record.submission.id, state.scan.address, state.copier.clientId, 'Sent again by hand'],
    ]) {
      assert.ok(text.includes(part), part);
    }
    assert.match(text, />Sent<\/span>/);
    assert.match(text, />Refused<\/span>/);
  });

  it('sends again what failed, and says so', async () => {
    const path = await pathOf('failed');
    const page = await visitor.get(path);
    assert.match(page.text, /<button type="submit" class="button primary">Send again<\/button>/);
    const after = await visitor.submit(`${path}/resend`);
    assert.equal(after.location, `${path}?done=submission_resent`);
    assert.match(after.text, /The message is on its way again\./);
    assert.match(after.text, /badge-queued/);
    assert.match((await visitor.get('/console/audit')).text, /Mail sent again by hand/);
  });

  it('has what waits tried now', async () => {
    for (const wanted of ['queued', 'deferred', 'held'] as const) {
      const path = await pathOf(wanted);
      assert.match((await visitor.get(path)).text, />Try now<\/button>/);
      assert.match((await visitor.submit(`${path}/resend`)).text, /badge-queued/);
    }
  });

  it('asks before it removes a message, and then removes it', async () => {
    const path = await pathOf('failed');
    assert.ok((await visitor.get(path)).text.includes(`href="${path}/remove"`));
    const question = await visitor.get(`${path}/remove`);
    assert.match(question.text, /This cannot be undone\./);
    assert.equal((await visitor.get(path)).status, 200, 'asking removes nothing');
    const after = await visitor.submit(`${path}/remove`);
    assert.equal(after.location, '/console/submissions?done=submission_removed');
    assert.match(after.text, /The message was removed\./);
    assert.ok(!after.text.includes(path));
    for (const gone of [path, `${path}/remove`]) assert.equal((await visitor.get(gone)).status, 404);
    for (const gone of [`${path}/resend`, `${path}/remove`]) assert.equal((await visitor.post(gone)).status, 404);
  });

  it('offers neither while it is being sent, and says in every language why it was not done', async () => {
    const path = await pathOf('sending');
    const { text } = await visitor.get(path);
    assert.ok(!text.includes('/resend') && !text.includes(`${path}/remove`));
    assert.doesNotMatch((await visitor.get(`${path}/remove`)).text, /<button type="submit" class="button danger">/);
    for (const language of LANGUAGES) {
      visitor.cookies.set('language', language);
      for (const step of ['resend', 'remove']) {
        const refused = await visitor.post(`${path}/${step}`);
        assert.equal(refused.status, 409);
        assertSound(refused.text, `${path}/${step} in ${language}`);
        assert.ok(unescaped(refused.text).includes(textsIn(language).submission.noResend.being_sent), language);
      }
    }
  });

  it('takes no word for it that comes from another page', async () => {
    const path = await pathOf('failed');
    for (const step of ['resend', 'remove']) {
      assert.equal((await visitor.post(`${path}/${step}`, { csrf_token: 'made up' })).status, 403, step);
    }
    assert.match((await visitor.get(path)).text, /badge-failed/);
  });

  it('shows a mail of the broker itself without a device', async () => {
    await broker.submitted(state.scan, BROKER_SENDER, { state: 'queued' });
    const { text } = await visitor.get('/console/submissions');
    assert.ok(!text.includes(`/console/devices/${BROKER_SENDER}`));
  });
});
