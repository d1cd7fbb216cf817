import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Mailbox } from '../../shared/domain/entities.ts';
import type { Notice } from '../../shared/domain/notice.ts';
import { makeTellNotice } from '../../shared/usecases/notices/tell-notice.ts';
import { ADMINISTRATOR, type NoticeOffice, noticeOffice, PUBLIC_URL } from '../fakes/notice-office.ts';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

let office: NoticeOffice;
let broken: Mailbox;
let healthy: Mailbox;

/** The sweep comes by every minute; where days pass, every ten. */
const runFor = async (seconds: number): Promise<void> => {
  const step = seconds >= DAY / 2 ? 10 * MINUTE : MINUTE;
  for (let passed = 0; passed < seconds; passed += step) {
    await office.advance(step);
    await office.sweep();
  }
};

/** The provider has ended the sign-in of a mailbox. */
const ends = async (mailbox: Mailbox): Promise<void> => {
  await office.notices.raise(office.invalid(mailbox));
  await office.lapsed(mailbox);
};

const phases = (): unknown[] => office.told().map(({ data }) => data.phase);

beforeEach(async () => {
  office = await noticeOffice();
  await office.wanted();
  broken = await office.addMailbox('broken');
  healthy = await office.addMailbox('healthy');
});

describe('a notice', () => {
  it('is told at the next sweep by webhook, and by mail when a moment has passed', async () => {
    await ends(broken);
    await office.sweep();
    const [told] = office.told();
    assert.equal(told?.type, 'grant.invalid');
    assert.equal(told?.data.phase, 'raised');
    assert.equal(told?.data.reason, 'sign_in_lapsed');
    assert.equal(told?.data.panel_code, 361);
    assert.equal(told?.data.provider_code, 'AADSTS700082');
    assert.deepEqual(told?.data.mailbox, { mailbox_id: broken.id, address: broken.address });
    assert.deepEqual(told?.data.organization, { organization_id: office.organizationId, name: 'Contoso' });
    assert.match(String(told?.data.sign_in_url), new RegExp(`^${PUBLIC_URL}/reconnect/[\\w-]{43}$`));
    assert.equal((await office.mails()).length, 0);

    await runFor(3 * MINUTE);
    const [mail, ...others] = await office.mails();
    assert.deepEqual(others, []);
    assert.equal(mail?.submission.mailboxId, healthy.id);
    assert.deepEqual(mail?.submission.envelope, { from: healthy.address, to: [ADMINISTRATOR] });
    assert.match(mail?.text ?? '', /The sign-in of broken@contoso\.example has ended/);
    assert.match(mail?.text ?? '', /https:\/\/broker\.example\/reconnect\/[\w-]{43}\r\n/);
    assert.match(mail?.head ?? '', /^Auto-Submitted: auto-generated$/m);
    assert.equal(mail?.submission.slot, 'alerts');
  });

  it('is told once, however often it is raised, and by however many at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => office.notices.raise(office.invalid(broken))));
    await office.lapsed(broken);
    for (let time = 0; time < 5; time++) {
      await office.notices.raise(office.invalid(broken));
      await runFor(HOUR);
    }
    assert.deepEqual(phases(), ['raised']);
    assert.equal((await office.mails()).length, 1);
  });

  it('is told anew every day until it is mended, and says since when', async () => {
    await ends(broken);
    await runFor(3 * DAY + HOUR);
    assert.deepEqual(phases(), ['raised', 'reminder', 'reminder', 'reminder']);
    assert.deepEqual(
      office.told().map(({ data }) => data.reminders),
      [0, 1, 2, 3],
    );
    const ids = new Set(office.told().map(({ data }) => data.notice_id));
    assert.equal(ids.size, 1);
    const mails = await office.mails();
    assert.equal(mails.length, 4);
    assert.match(mails[3]?.subject ?? '', /^Reminder: /);
    assert.match(mails[3]?.text ?? '', /Still so after 3 days\./);
  });

  it('says that it is over to whoever has heard of it, and ends', async () => {
    await ends(broken);
    await runFor(5 * MINUTE);
    await office.signedIn(broken);
    await office.notices.settle({ kind: 'grant.invalid', organizationId: office.organizationId, subject: broken.id });
    await runFor(2 * DAY);
    assert.deepEqual(phases(), ['raised', 'resolved']);
    const mails = await office.mails();
    assert.deepEqual(
      mails.map(({ subject }) => subject.startsWith('Resolved: ')),
      [false, true],
    );
    assert.ok(!('sign_in_url' in (office.told()[1]?.data ?? {})), 'no link where nothing is to be done');
    assert.deepEqual((await office.records.notices.list(office.organizationId, 10)).open, []);
  });

  it('is not told at all when it is over before anybody has heard', async () => {
    await ends(broken);
    await office.signedIn(broken);
    await office.notices.settle({ kind: 'grant.invalid', organizationId: office.organizationId, subject: broken.id });
    await runFor(HOUR);
    assert.deepEqual(office.posts, []);
    assert.deepEqual(await office.mails(), []);
  });

  it('by mail is not followed by "resolved" where only the webhook has heard', async () => {
    await ends(broken);
    await office.sweep();
    await office.signedIn(broken);
    await office.notices.settle({ kind: 'grant.invalid', organizationId: office.organizationId, subject: broken.id });
    await runFor(HOUR);
    assert.deepEqual(phases(), ['raised', 'resolved']);
    assert.deepEqual(await office.mails(), []);
  });

  it('that was raised, but did not become so, is not told', async () => {
    // The process died before it could write that the grant has ended.
    await office.notices.raise(office.invalid(broken));
    await runFor(HOUR);
    assert.deepEqual(office.posts, []);
    assert.deepEqual(await office.mails(), []);
    assert.deepEqual((await office.records.notices.list(office.organizationId, 10)).open, []);
  });

  it('that was mended without a word is found to be so at the next reminder', async () => {
    await ends(broken);
    await runFor(HOUR);
    await office.signedIn(broken);
    await runFor(DAY);
    assert.deepEqual(phases(), ['raised', 'resolved']);
  });

  it('about a mailbox that was signed out without a word ends without one, and nobody hears that it is mended', async () => {
    await ends(broken);
    await runFor(HOUR);
    await office.setGrant(broken, { state: 'signed_out', signedOutAt: office.now(), generation: 1 });
    await runFor(DAY);
    assert.deepEqual(phases(), ['raised']);
    assert.deepEqual((await office.records.notices.list(office.organizationId, 10)).open, []);
  });

  it('about mail that is held since a sign-out ends when nothing waits any more', async () => {
    await office.notices.raise({ ...office.held(broken), reason: 'signed_out' } as Notice);
    const stop = { cause: 'hold', since: office.now(), until: office.now() + HOUR, response: 'x' } as const;
    const outbox = { stop: { ...stop, reason: 'signed_out' } } as const;
    await office.setGrant(broken, { state: 'signed_out', signedOutAt: office.now(), generation: 1 });
    await office.records.outboxes.replace(broken.id, { revision: 0 }, outbox, office.now());
    await runFor(HOUR);
    assert.deepEqual(phases(), ['raised']);
    await office.records.outboxes.replace(broken.id, { revision: 1 }, outbox, undefined);
    await runFor(2 * DAY);
    assert.deepEqual(phases(), ['raised']);
    assert.deepEqual((await office.records.notices.list(office.organizationId, 10)).open, []);
  });

  it('of a message leads to its page, and names the device', async () => {
    const about = { subject: 'sub_1', mailboxId: healthy.id, organizationId: office.organizationId };
    const message = { messageId: '<1@x>', recipients: ['a@b.example'], isPartial: false, clientId: 'abcdefghjkmn' };
    await office.table.write({ put: { pk: 'device#abcdefghjkmn', sk: 'device', metadata: { clientName: 'Floor 2' } } });
    const tell = makeTellNotice({ ...office, publicUrl: PUBLIC_URL });
    const addressee = { scope: office.organizationId, organization: undefined };
    const told = await tell(addressee, {
      ...{
        id: 'evt_1',
        phase: 'raised',
        at: office.now(),
        webhook: { state: 'not_wanted' },
        mail: { state: 'not_wanted' },
      },
      of: {
        ...{ id: 'ntc_1', since: office.now(), reminders: 0 },
        notice: {
          ...{ kind: 'submission.failed', ...about, ...message },
          ...{ address: healthy.address, reason: 'mail_server_refused_message' },
        },
      },
    });
    assert.equal(told.consoleUrl, `${PUBLIC_URL}/console/submissions/sub_1`);
    assert.equal(told.deviceName, 'Floor 2');
  });

  it('of a sign-in about to lapse is told on each day of warning, and not in between', async () => {
    const old = { ...(await office.records.grants.get(broken.id)).grant } as never;
    const lapsesIn = (days: number) =>
      office.setGrant(broken, { ...(old as object), refreshTokenStoredAt: office.now() - (90 - days) * DAY } as never);
    await lapsesIn(30);
    await office.notices.raise(office.expiring(broken, 30));
    await runFor(2 * DAY);
    await office.notices.raise(office.expiring(broken, 30));
    await runFor(DAY);
    assert.deepEqual(phases(), ['raised']);
    await office.notices.raise(office.expiring(broken, 7));
    await runFor(HOUR);
    assert.deepEqual(
      office.told().map(({ data }) => [data.phase, data.days_left]),
      [
        ['raised', 30],
        ['reminder', 7],
      ],
    );
  });

  it('of an ended sign-in takes the place of the one that it would lapse, which is not called mended', async () => {
    const { grant } = await office.records.grants.get(broken.id);
    await office.setGrant(broken, { ...grant, refreshTokenStoredAt: office.now() - 89 * DAY } as typeof grant);
    await office.notices.raise(office.expiring(broken, 1));
    await runFor(HOUR);
    await ends(broken);
    await runFor(2 * HOUR);
    assert.deepEqual(
      office.told().map(({ type, data }) => [type, data.phase]),
      [
        ['grant.expiring', 'raised'],
        ['grant.invalid', 'raised'],
      ],
    );
    const { open } = await office.records.notices.list(office.organizationId, 10);
    assert.deepEqual(
      open.map(({ notice }) => notice.kind),
      ['grant.invalid'],
    );
  });

  it('of held mail is not told besides that of an ended sign-in, and is told where that is no cause', async () => {
    await ends(broken);
    await office.hold(broken, 'smtp_switched_off');
    await office.notices.raise(office.held(broken));
    await office.advance(1);
    await office.hold(healthy, 'smtp_switched_off');
    await office.notices.raise(office.held(healthy));
    await runFor(HOUR);
    assert.deepEqual(
      office.told().map(({ type, data }) => [type, (data.mailbox as { mailbox_id: string }).mailbox_id]),
      [
        ['grant.invalid', broken.id],
        ['mailbox.held', healthy.id],
      ],
    );
  });

  it('is not repeated to a customer whom the operator has suspended', async () => {
    await ends(broken);
    await runFor(HOUR);
    await office.records.organizations.update(office.organizationId, { enabled: false });
    await runFor(2 * DAY);
    assert.deepEqual(phases(), ['raised']);
  });

  it('is told in the language that was chosen, else in that of the organization', async () => {
    await office.records.organizations.update(office.organizationId, { locale: 'pl' });
    await ends(broken);
    await office.sweep();
    assert.match(String(office.told()[0]?.data.message), /Logowanie skrzynki broken@contoso\.example wygasło/);
    await office.settle({ locale: 'da' });
    await runFor(5 * MINUTE);
    const [mail] = await office.mails();
    assert.match(mail?.text ?? '', /Logon for broken@contoso\.example er ophørt/);
    assert.match(mail?.head ?? '', /^Content-Language: da$/m);
  });

  it('of a kind that nobody wants is told to nobody', async () => {
    await office.settle({ kinds: ['client_secret.expiring'] });
    await ends(broken);
    await runFor(HOUR);
    assert.deepEqual(office.posts, []);
    assert.deepEqual(await office.mails(), []);
    assert.equal((await office.records.notices.list(office.organizationId, 10)).open.length, 1);
  });
});

describe('by mail', () => {
  it('an outage of a whole fleet is told in one mail, and what follows not before half an hour is over', async () => {
    const fleet: Mailbox[] = [];
    for (let index = 0; index < 120; index++) fleet.push(await office.addMailbox(`scanner${index}`));
    for (const mailbox of fleet.slice(0, 100)) await ends(mailbox);
    await runFor(10 * MINUTE);
    for (const mailbox of fleet.slice(100)) await ends(mailbox);
    await runFor(15 * MINUTE);
    const [first, ...early] = await office.mails();
    assert.deepEqual(early, []);
    assert.match(first?.subject ?? '', /^100 things need your attention$/);
    assert.match(first?.text ?? '', /And 50 more\./);
    assert.equal(first?.text.match(/\/reconnect\//g)?.length, 50);
    await runFor(20 * MINUTE);
    const mails = await office.mails();
    assert.equal(mails.length, 2);
    assert.match(mails[1]?.subject ?? '', /^20 things need your attention$/);
    assert.equal(office.posts.length, 120, 'a program is told of each at once');
  });

  it('nothing ever goes through a mailbox that is broken, and nothing is lost while all are', async () => {
    await ends(broken);
    await office.hold(healthy, 'smtp_switched_off');
    await runFor(HOUR);
    assert.deepEqual(await office.mails(), []);
    const [open] = (await office.records.notices.list(office.organizationId, 10)).open;
    const told = await office.records.notices.event(office.organizationId, open?.eventId ?? '');
    assert.equal(told?.event.mail.state, 'pending');
    assert.match(JSON.stringify(told?.event.mail), /No mailbox that works can send it\./);
    assert.equal(told?.event.webhook.state, 'delivered');

    await office.hold(healthy, undefined);
    await runFor(15 * MINUTE);
    const [mail, ...others] = await office.mails();
    assert.deepEqual(others, []);
    assert.equal(mail?.submission.mailboxId, healthy.id);
  });

  it('goes by the mailbox of the operator where the organization has none that works', async () => {
    office = await noticeOffice({ operatorMailboxId: 'mbx_operator' });
    await office.wanted();
    broken = await office.addMailbox('broken');
    await office.addMailbox('operator', 'org_operator');
    await ends(broken);
    await runFor(5 * MINUTE);
    const [mail] = await office.mails();
    assert.equal(mail?.submission.mailboxId, 'mbx_operator');
    assert.equal(mail?.submission.organizationId, 'org_contoso', 'listed with those who are told');
  });

  it('goes through another organization under no circumstances', async () => {
    await office.addMailbox('stranger', 'org_other');
    await ends(broken);
    await ends(healthy);
    await runFor(HOUR);
    assert.deepEqual(await office.mails(), []);
  });

  it('is told when it was sent, and is tried by another mailbox when it was not', async () => {
    const third = await office.addMailbox('third');
    await ends(broken);
    await runFor(5 * MINUTE);
    const [first] = await office.mails();
    assert.ok(first);
    const failed = { state: 'failed', at: office.now(), reason: 'mail_server_refused_message' } as const;
    await office.endSubmission(first.submission.id, failed);
    await runFor(5 * MINUTE);
    const second = (await office.mails()).find(({ submission }) => submission.id !== first.submission.id);
    assert.ok(second);
    assert.deepEqual(
      new Set([first.submission.mailboxId, second.submission.mailboxId]),
      new Set([healthy.id, third.id]),
    );
    await office.endSubmission(second.submission.id, { state: 'sent', at: office.now() });
    await runFor(10 * MINUTE);
    const [open] = (await office.records.notices.list(office.organizationId, 10)).open;
    const told = await office.records.notices.event(office.organizationId, open?.eventId ?? '');
    assert.equal(told?.event.mail.state, 'delivered');
  });

  it('is given up, and shown so, when the mailboxes that tried it have failed', async () => {
    await ends(broken);
    await runFor(5 * MINUTE);
    for (let round = 0; round < 3; round++) {
      for (const { submission } of await office.mails()) {
        if (submission.status.state === 'failed') continue;
        await office.endSubmission(submission.id, { state: 'failed', at: office.now(), reason: 'internal' });
      }
      await runFor(HOUR);
    }
    assert.equal((await office.mails()).length, 1, 'there was no other mailbox');
    assert.deepEqual(office.log.of('notice.given_up'), []);
    await runFor(3 * DAY + HOUR);
    assert.equal(office.log.of('notice.given_up').length, 1);
  });

  it('says nothing where no address is entered', async () => {
    await office.settle({ emails: [] });
    await ends(broken);
    await runFor(HOUR);
    assert.deepEqual(await office.mails(), []);
    assert.equal(office.posts.length, 1);
  });
});

describe('by webhook', () => {
  it('a receiver that fails is asked again, ever later, with the same id, and told once it is well', async () => {
    office.receiver.answer = () => ({ outcome: 'failed', problem: 'The receiver answered with status 500.' });
    await ends(broken);
    await runFor(6 * HOUR);
    const failed = office.posts.length;
    assert.ok(failed > 5 && failed < 20, `${failed} tries`);
    office.receiver.answer = () => ({ outcome: 'delivered' });
    await runFor(6 * HOUR);
    assert.equal(office.posts.length, failed + 1);
    assert.equal(new Set(office.posts.map(({ id }) => id)).size, 1);
  });

  it('it is given up after three days, and that is shown; the reminders are tried for themselves', async () => {
    office.receiver.answer = () => ({ outcome: 'failed', problem: 'The receiver answered with status 500.' });
    const { notices, organizationId } = { ...office, organizationId: office.organizationId };
    const submissionId = 'sub_1';
    const about = { subject: submissionId, mailboxId: healthy.id, organizationId, address: healthy.address };
    await office.records.submissions.create({
      ...{ id: submissionId, organizationId, clientId: 'abcdefghjkmn', slot: 'scan', mailboxId: healthy.id },
      ...{ account: healthy.address, messageId: '<1@x>', envelope: { from: healthy.address, to: ['a@b.example'] } },
      ...{ delivered: [], rejected: [], sizeBytes: 1, acceptedAt: office.now(), attempts: 1 },
      status: { state: 'failed', at: office.now(), reason: 'mail_server_refused_message' },
    });
    const reason = 'mail_server_refused_message';
    const message = { messageId: '<1@x>', recipients: ['a@b.example'], isPartial: false };
    await notices.raise({ kind: 'submission.failed', ...about, ...message, clientId: 'abcdefghjkmn', reason });
    await runFor(4 * DAY);
    const [open] = (await office.records.notices.list(organizationId, 10)).open;
    const told = await office.records.notices.event(organizationId, open?.eventId ?? '');
    assert.equal(told?.event.webhook.state, 'given_up');
    const before = office.posts.length;
    await runFor(DAY);
    assert.equal(office.posts.length, before);
    await runFor(3 * DAY);
    assert.deepEqual((await office.records.notices.list(organizationId, 10)).open, [], 'listed for a week');
  });

  it('a receiver that is gone is not asked again, and the settings say so', async () => {
    office.receiver.answer = () => ({ outcome: 'gone' });
    await ends(broken);
    await runFor(2 * DAY);
    assert.equal(office.posts.length, 1);
    const { settings } = await office.records.notificationSettings.get(office.organizationId);
    assert.ok(settings.webhook?.goneAt !== undefined);
  });

  it('a receiver that hangs holds up its own organization and no other', async () => {
    const hanging = Promise.withResolvers<{ outcome: 'delivered' }>();
    const sealedSecret = await office.records.notificationSettings.sealSecret('org_other', 'whsec_AAAA');
    await office.settle({ webhook: { url: 'https://other.example/', sealedSecret }, emails: [] }, 'org_other');
    const other = await office.addMailbox('other', 'org_other');
    office.receiver.answer = ({ url }) => (url.includes('other') ? { outcome: 'delivered' } : hanging.promise);
    await ends(broken);
    await ends(other);
    const sweeping = office.sweep();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(new Set(office.posts.map(({ url }) => new URL(url).hostname)).size, 2);
    const told = (await office.records.notices.list('org_other', 1)).open[0];
    const event = await office.records.notices.event('org_other', told?.eventId ?? '');
    assert.equal(event?.event.webhook.state, 'delivered');
    hanging.resolve({ outcome: 'delivered' });
    await sweeping;
  });

  it('both secrets sign while one takes the place of the other', async () => {
    const { notificationSettings } = office.records;
    const known = await notificationSettings.get(office.organizationId);
    const former = {
      sealedSecret: await notificationSettings.sealSecret(office.organizationId, 'whsec_b2xk'),
      until: 0,
    };
    const { webhook } = known.settings;
    assert.ok(webhook);
    const until = office.now() + HOUR;
    await office.settle({ webhook: { ...webhook, former: { ...former, until } } });
    await ends(broken);
    await office.sweep();
    assert.equal(office.posts[0]?.secrets.length, 2);
    assert.equal(office.posts[0]?.secrets[1], 'whsec_b2xk');
    await runFor(DAY + MINUTE);
    assert.equal(office.posts[1]?.secrets.length, 1);
  });
});
