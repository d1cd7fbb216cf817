import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Mailbox } from '../../shared/domain/entities.ts';
import { makeReconnect, type Reconnect } from '../../shared/usecases/notices/reconnect.ts';
import { makeSignInApp, type NoticeOffice, noticeOffice } from '../fakes/notice-office.ts';

const DAY = 86_400;

let office: NoticeOffice;
let mailbox: Mailbox;
let reconnect: Reconnect;

beforeEach(async () => {
  office = await noticeOffice();
  await office.wanted();
  mailbox = await office.addMailbox('broken');
  reconnect = makeReconnect(office);
  await office.notices.raise(office.invalid(mailbox));
  await office.lapsed(mailbox);
  await office.sweep();
});

const token = (): string => String(office.told().at(-1)?.data.sign_in_url).split('/').at(-1) ?? '';

const signIns = (): number => office.database.prepare("SELECT pk FROM items WHERE pk LIKE 'sign-in#%'").all().length;

describe('the link in a notice', () => {
  it('names the mailbox, and begins nothing by being looked at', async () => {
    for (let time = 0; time < 3; time++) {
      const looked = await reconnect.look(token());
      assert.ok(looked.ok && looked.value.state === 'needed');
      assert.equal(looked.value.mailbox.address, mailbox.address);
    }
    assert.equal(signIns(), 0);
  });

  it('begins a sign-in of that mailbox, which the audit log has', async () => {
    const begun = await reconnect.begin(token());
    assert.ok(begun.ok);
    assert.equal(begun.value.mailboxId, mailbox.id);
    const [entry] = await office.records.audit.list(office.organizationId, 1);
    assert.deepEqual([entry?.action, entry?.by, entry?.subject], ['sign-in.started', 'person', mailbox.id]);
  });

  it('is no longer needed when it is mended, and begins nothing then', async () => {
    const { organizationId } = office;
    await office.signedIn(mailbox);
    await office.notices.settle({ kind: 'grant.invalid', organizationId, subject: mailbox.id });
    const looked = await reconnect.look(token());
    assert.ok(looked.ok && looked.value.state === 'not_needed');
    assert.ok(!(await reconnect.begin(token())).ok);
    assert.equal(signIns(), 0);
  });

  it('is not that of a later notice about the same mailbox', async () => {
    const old = token();
    const { organizationId } = office;
    await office.notices.settle({ kind: 'grant.invalid', organizationId, subject: mailbox.id });
    await office.notices.raise(office.invalid(mailbox));
    const looked = await reconnect.look(old);
    assert.ok(looked.ok && looked.value.state === 'over');
  });

  it('does not say that nothing is to be done where the mailbox was signed out, or its mail is held', async () => {
    await office.notices.drop({ kind: 'grant.invalid', organizationId: office.organizationId, subject: mailbox.id });
    const app = makeSignInApp(office, reconnect);
    const page = async () => (await app.request(`/reconnect/${token()}`)).text();
    await office.setGrant(mailbox, { state: 'signed_out', signedOutAt: office.now(), generation: 1 });
    assert.match(await page(), /This link is over, but broken@contoso\.example must be signed in/);
    assert.ok(!(await reconnect.begin(token())).ok);
    await office.signedIn(mailbox);
    await office.hold(mailbox, 'smtp_switched_off');
    assert.match(await page(), /This link is over/);
    await office.hold(mailbox, undefined);
    assert.match(await page(), /no longer needed/);
    assert.equal(signIns(), 0);
  });

  it('lasts for thirty days, and those of the reminders last on', async () => {
    const first = token();
    for (let day = 0; day < 31; day++) {
      await office.advance(DAY + 60);
      await office.sweep();
    }
    const looked = await reconnect.look(first);
    assert.ok(!looked.ok && looked.error.kind === 'sign_in_expired');
    assert.ok(!(await reconnect.begin(first)).ok);
    const newest = await reconnect.look(token());
    assert.ok(newest.ok && newest.value.state === 'needed');
  });

  it('of a mailbox that was removed leads nowhere', async () => {
    await office.records.mailboxes.remove(mailbox);
    assert.ok(!(await reconnect.look(token())).ok);
  });

  it('rests as a hash alone', () => {
    const rows = office.database.prepare('SELECT pk, sk, item FROM items').all();
    assert.ok(!JSON.stringify(rows).includes(token()));
    assert.ok(rows.some(({ pk }) => String(pk).startsWith('reconnect#')));
  });
});

describe('the page behind the link', () => {
  it('asks by a form, in the language of the reader, and says nothing of the organization', async () => {
    const app = makeSignInApp(office, reconnect);
    const page = await app.request(`/reconnect/${token()}`, { headers: { 'accept-language': 'fr' } });
    const text = await page.text();
    assert.equal(page.status, 200);
    assert.match(text, /<form method="post" action="\/reconnect\/[\w-]{43}"/);
    assert.match(text, /Continuer vers Microsoft/);
    assert.ok(!text.includes('Contoso'));
    assert.equal(signIns(), 0);
    const pressed = await app.request(`/reconnect/${token()}`, { method: 'POST' });
    assert.equal(pressed.status, 303);
    assert.match(pressed.headers.get('location') ?? '', /^\/sign-in\/sgn_\w+$/);
  });

  it('answers to what is no link as to what never was one', async () => {
    const app = makeSignInApp(office, reconnect);
    const replies = [];
    for (const wrong of ['x', 'A'.repeat(43), 'A'.repeat(44), '%00', `${token().slice(1)}A`]) {
      const reply = await app.request(`/reconnect/${wrong}`);
      replies.push([reply.status, await reply.text()]);
    }
    assert.deepEqual(new Set(replies.map((reply) => JSON.stringify(reply))).size, 1);
    assert.equal(replies[0]?.[0], 404);
  });
});
