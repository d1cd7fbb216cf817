import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, it } from 'node:test';
import { ERROR_TEXTS, LANGUAGES } from '../../shared/protocol/texts/index.ts';
import {
  ADMIN_KEY,
  arrived,
  assertProblem,
  type Bound,
  call,
  eventually,
  type Json,
  postMessage,
  type Reply,
  signedInDevice,
  smallMessage,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

const DAY = 86_400;
const REFUSED = { kind: 'reply', code: 550, text: '5.1.1 The recipient is unknown.' } as const;
const GREYLISTED = { kind: 'reply', code: 451, text: '4.2.1 Greylisted, please try again later.' } as const;

describe('submissions, for who administers them', () => {
  let broker: WireBroker;
  let office: Bound;
  before(async () => {
    broker = await wireBroker({ BROKER_RETENTION_DAYS: '7' });
    office = await signedInDevice(broker, 'microsoft');
  });
  afterEach(() => broker.control('DELETE', 'mail/faults').catch(() => undefined));
  after(() => broker.close());

  let count = 0;
  const submit = async (to = 'archive@example.org'): Promise<{ id: string; messageId: string }> => {
    const messageId = `<submission-${++count}@example.org>`;
    const { status, body, text } = await postMessage(
      broker,
      office.device,
      smallMessage(office.address, messageId, to),
    );
    assert.equal(status, 202, text);
    return { id: String(body.submission_id), messageId };
  };
  const fault = (place: string, what: Json, times: number | 'always' = 1) =>
    broker.control('POST', 'mail/faults', { place, fault: what, times });
  const inState = (id: string, state: string): Promise<Json> => submissionIn(broker, office.device, id, state);
  const copies = async (messageId: string) =>
    (await arrived(broker)).filter(({ raw }) => raw.includes(`Message-ID: ${messageId}`)).length;
  const blobs = () => readdir(join(broker.folder, 'blobs', 'submissions'));
  const admin = (method: string, path: string): Promise<Reply> => broker.admin(method, path);

  const failed = async () => {
    await fault('RCPT', REFUSED);
    const made = await submit();
    await inState(made.id, 'failed');
    return made;
  };

  it('are told whole: what became of each recipient, what was said, when, and how', async () => {
    const { id, messageId } = await failed();
    const { body, status } = await admin('GET', `/submissions/${id}`);
    assert.equal(status, 200);
    const { accepted_at, failed_at, kept_until, last_response, ...rest } = body;
    assert.match(String(last_response), /550 5\.1\.1/);
    assert.ok(Date.parse(String(failed_at)) >= Date.parse(String(accepted_at)));
    assert.equal(Date.parse(String(kept_until)) - Date.parse(String(failed_at)), 7 * DAY * 1000);
    const { remedy, rejected_recipients, size_bytes, recipient_outcomes, ...facts } = rest;
    assert.ok(String(remedy).length > 10 && Number(size_bytes) > 100);
    assert.deepEqual(recipient_outcomes, [
      { address: 'archive@example.org', outcome: 'refused', response: last_response },
    ]);
    assert.deepEqual(rejected_recipients, [{ address: 'archive@example.org', response: last_response }]);
    const { clientId } = office.device;
    assert.deepEqual(facts, {
      ...{ submission_id: id, state: 'failed', reason: 'invalid_recipient', message_id: messageId, attempts: 1 },
      ...{ account: office.address, client_id: clientId, slot: 'scan', mailbox_id: office.mailboxId },
      ...{ organization_id: office.organizationId, sender: office.address, recipients: ['archive@example.org'] },
      ...{ sent_by: 'smtp', sender_rewritten: false, unknown_outcomes: 0, eight_bit: false, resent_at: null },
      resend: { possible: true },
    });
  });

  it('tell their device the remedy in the language it asks for', async () => {
    const { id } = await failed();
    for (const language of LANGUAGES) {
      const headers = { authorization: office.device.basic, 'accept-language': language };
      const { body } = await call(`${broker.url}/v1/messages/${id}`, { headers });
      assert.equal(body.remedy, ERROR_TEXTS[language].invalid_recipient[1]);
    }
  });

  it('are sent again, once, under the same Message-ID', async () => {
    const { id, messageId } = await failed();
    assert.deepEqual(await blobs().then((names) => names.includes(`${id}.eml`)), true);
    const resent = await admin('POST', `/submissions/${id}/resend`);
    assert.equal(resent.status, 202, resent.text);
    assert.deepEqual([resent.body.submission_id, resent.body.kept_until], [id, null]);
    await inState(id, 'sent');
    assert.equal(await copies(messageId), 1);
    const { body } = await admin('GET', `/submissions/${id}`);
    assert.deepEqual(body.recipient_outcomes, [{ address: 'archive@example.org', outcome: 'delivered' }]);
    assert.notEqual(body.resent_at, null);
    assert.deepEqual(body.resend, { possible: false, reason: 'reached_all' });
    await eventually('the content is gone', async () => !(await blobs()).includes(`${id}.eml`) || undefined);
    const again = await admin('POST', `/submissions/${id}/resend`);
    assertProblem(again, 409, 'conflict');
    assert.equal(again.body.detail, 'Every recipient has got it, so its content was deleted.');
    assert.equal(await copies(messageId), 1);
  });

  it('are tried now where they wait', async () => {
    await fault('RCPT', GREYLISTED);
    const { id, messageId } = await submit();
    const waiting = await inState(id, 'deferred');
    assert.ok(Date.parse(String(waiting.next_attempt_at)) > Date.now());
    assert.equal((await admin('POST', `/submissions/${id}/resend`)).status, 202);
    await inState(id, 'sent');
    assert.equal(await copies(messageId), 1);
  });

  it('are removed, with their content, also while they wait', async () => {
    await fault('RCPT', GREYLISTED);
    const waiting = await submit();
    await inState(waiting.id, 'deferred');
    for (const { id, messageId } of [waiting, await failed()]) {
      const removed = await admin('DELETE', `/submissions/${id}`);
      assert.deepEqual([removed.status, removed.text], [204, '']);
      assert.ok(!(await blobs()).includes(`${id}.eml`));
      for (const [method, path] of [
        ['GET', ''],
        ['DELETE', ''],
        ['POST', '/resend'],
      ] as const) {
        assertProblem(await admin(method, `/submissions/${id}${path}`), 404, 'not_found');
      }
      const { basic } = office.device;
      assert.equal((await call(`${broker.url}/v1/messages/${id}`, { headers: { authorization: basic } })).status, 404);
      assert.equal(await copies(messageId), 0);
    }
    const { audit } = (await broker.administer('GET', '/audit')) as { audit: readonly Json[] };
    const removals = audit.filter(({ action }) => action === 'submission.removed');
    assert.deepEqual(removals.map(({ subject, by }) => [subject, by]).at(-1), [waiting.id, 'admin']);
  });

  it('are listed by mailbox and by state', async () => {
    const { id } = await failed();
    const idsOf = async (query: string) => {
      const { submissions } = (await broker.administer('GET', `/submissions?${query}`)) as {
        submissions: readonly Json[];
      };
      return submissions.map((one) => [one.submission_id, one.state]);
    };
    const ofState = await idsOf('state=failed');
    assert.deepEqual(ofState[0], [id, 'failed']);
    assert.ok(ofState.every(([, state]) => state === 'failed'));
    assert.deepEqual(await idsOf(`state=failed&mailbox_id=${office.mailboxId}`), ofState);
    const other = await signedInDevice(broker, 'google');
    assert.deepEqual(await idsOf(`mailbox_id=${other.mailboxId}`), []);
    const page = await broker.administer('GET', '/submissions?state=failed&limit=1');
    assert.equal(page.cursor, id);
    assert.deepEqual(await idsOf(`state=failed&cursor=${id}`), ofState.slice(1));
    const wrong = await admin('GET', '/submissions?state=lost');
    assertProblem(wrong, 400, 'invalid_request');
    assert.equal(wrong.body.detail, 'state is one of queued, sending, sent, deferred, held, failed.');
    for (const query of [`mailbox_id=${'x'.repeat(129)}`, 'state=sent&state=failed']) {
      assertProblem(await admin('GET', `/submissions?${query}`), 400, 'invalid_request');
    }
    assertProblem(await admin('GET', '/submissions?mailbox_id=mbx_none'), 404, 'not_found');
  });

  it('are nothing to whoever has no key', async () => {
    const { id } = await failed();
    const { basic } = office.device;
    for (const authorization of ['Bearer wrong', basic, undefined]) {
      for (const [method, path] of [
        ['GET', ''],
        ['DELETE', ''],
        ['POST', '/resend'],
      ] as const) {
        const headers = authorization === undefined ? {} : { authorization };
        const reply = await call(`${broker.url}/v1/admin/submissions/${id}${path}`, { method, headers });
        assert.equal(reply.status, 401);
      }
    }
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const { status } = await call(`${broker.url}/v1/admin/submissions/${id}`, { headers });
    assert.equal(status, 200);
  });

  it('are forgotten, with their content, when they have been kept for as long as is set', async () => {
    const { id } = await failed();
    const sent = await submit();
    await inState(sent.id, 'sent');
    await broker.stop();
    const database = new DatabaseSync(join(broker.folder, 'broker.sqlite'));
    // As if it had been off for a week. Of the shards one is looked at each minute: this one or the next.
    database.exec(`
      UPDATE items SET item = json_set(item, '$.expiresAt', (item ->> '$.expiresAt') - ${7 * DAY})
        WHERE pk LIKE 'submission#%' AND item ->> '$.expiresAt' IS NOT NULL;
      UPDATE items SET item = json_set(item, '$.dueAt', (item ->> '$.dueAt') - ${7 * DAY}, '$.dueShard',
        'content#' || ((unixepoch() + 30) / 60 % 16)) WHERE pk LIKE 'submission#%' AND sk = 'content';
    `);
    database.close();
    await broker.start();
    await eventually('it is forgotten', async () => !(await blobs()).includes(`${id}.eml`) || undefined, 60_000);
    for (const one of [id, sent.id]) assertProblem(await admin('GET', `/submissions/${one}`), 404, 'not_found');
  });

  it('keep nobody from starting but who sets nonsense', async () => {
    for (const BROKER_RETENTION_DAYS of ['0', '366', 'a week', '-1']) {
      await assert.rejects(
        wireBroker({ BROKER_RETENTION_DAYS }),
        /BROKER_RETENTION_DAYS must be a whole number of days/,
      );
    }
  });
});
