import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Mailbox, Organization } from '../../shared/domain/entities.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import { makeNotices } from '../../shared/usecases/notices/raise-notice.ts';
import { ADMIN_KEY, type ConsoleOverMemory, consoleOverMemory } from '../fakes/console.ts';
import { assertSound, unescaped, visitorOf } from '../fakes/console-visitor.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { seededRandom } from '../fakes/seeded-random.ts';

const URL = 'https://receiver.example/hook';
const ALL_KINDS = {
  ...{ kind_grant_invalid: 'on', kind_grant_expiring: 'on', kind_submission_failed: 'on', kind_mailbox_held: 'on' },
  kind_client_secret_expiring: 'on',
};

let broker: ConsoleOverMemory;
let visitor: ReturnType<typeof visitorOf>;
let organization: Organization;
let here: string;

beforeEach(async () => {
  broker = consoleOverMemory();
  visitor = visitorOf(broker);
  await visitor.logIn();
  organization = await broker.administration.organizations.create('Contoso', 'pl');
  here = `/console/organizations/${organization.id}/notifications`;
  await visitor.get(here);
});

const settingsOf = async (scope: string | undefined = organization.id) =>
  (await broker.records.notificationSettings.get(scope)).settings;

const addMailbox = async (address = 'scan@contoso.example'): Promise<Mailbox> => {
  const wish = { provider: 'microsoft', address, aliases: [] } as const;
  const made = await broker.administration.mailboxes.create(organization.id, wish);
  assert.ok(made.ok);
  return made.value.mailbox;
};

const raise = async ({ id, organizationId, address }: Mailbox): Promise<void> => {
  const random = seededRandom(`notices of ${id}`);
  const about = { subject: id, mailboxId: id, organizationId, address, reason: 'sign_in_lapsed' } as const;
  await makeNotices({ ...broker, random, log: memoryLog() }).raise({ kind: 'grant.invalid', ...about });
};

describe('the page of notifications', () => {
  it('says that nobody is told, and takes a webhook and addresses; the secret is shown once', async () => {
    assert.match((await visitor.get(here)).text, /Nobody is told/);
    const saved = await visitor.post(here, {
      ...{ webhook_url: URL, emails: 'it@contoso.example\nhelp@contoso.example, it@contoso.example', ...ALL_KINDS },
      locale: '',
    });
    assert.equal(saved.status, 200);
    assertSound(saved.text, 'secret');
    const [, secret = ''] = /<code class="secret">(whsec_[^<]+)<\/code>/.exec(unescaped(saved.text)) ?? [];
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const shown = (await visitor.get(here)).text;
    assert.ok(!shown.includes(secret));
    assert.ok(shown.includes(URL) && shown.includes('it@contoso.example, help@contoso.example'));
    const { emails, kinds, locale, webhook } = await settingsOf();
    assert.deepEqual([emails, kinds, locale], [['it@contoso.example', 'help@contoso.example'], undefined, undefined]);
    assert.equal(webhook?.url, URL);
  });

  it('keeps the secret when something else is changed, and tells only of what is ticked', async () => {
    await visitor.post(here, { webhook_url: URL, emails: '', ...ALL_KINDS });
    const before = (await settingsOf()).webhook?.sealedSecret;
    const form = { webhook_url: URL, emails: 'it@contoso.example', locale: 'da', kind_mailbox_held: 'on' };
    const saved = await visitor.submit(here, form);
    assert.match(saved.text, /The notifications were saved/);
    const { webhook, kinds, locale } = await settingsOf();
    assert.equal(webhook?.sealedSecret, before);
    assert.deepEqual([kinds, locale], [['mailbox.held'], 'da']);
    const edit = (await visitor.get(`${here}/edit`)).text;
    assert.match(edit, /name="kind_mailbox_held"[^>]*checked/);
    assert.doesNotMatch(edit, /name="kind_grant_invalid"[^>]*checked/);
  });

  it('takes the webhook away when its field is emptied', async () => {
    await visitor.post(here, { webhook_url: URL, ...ALL_KINDS });
    await visitor.submit(here, { webhook_url: '', ...ALL_KINDS });
    assert.equal((await settingsOf()).webhook, undefined);
  });

  it('says what is wrong with the form, keeps what was typed, and changes nothing', async () => {
    for (const [form, problem] of [
      [{ webhook_url: 'http://receiver.example/', ...ALL_KINDS }, /begins with https:\/\//],
      [{ emails: 'it@contoso.example nonsense', ...ALL_KINDS }, /notices can go to: nonsense/],
      [{ emails: Array.from({ length: 21 }, (_, at) => `a${at}@b.example`).join(' '), ...ALL_KINDS }, /at most 20/],
      [{ emails: 'it@contoso.example' }, /Choose at least one/],
    ] as const) {
      const reply = await visitor.post(here, { ...form } as Record<string, string>);
      assert.equal(reply.status, 400);
      assert.match(reply.text, problem);
      assertSound(reply.text, String(problem));
      assert.deepEqual(await settingsOf(), { emails: [] });
    }
    const typed = await visitor.post(here, { webhook_url: 'http://x.example/', emails: 'it@contoso.example' });
    assert.ok(
      typed.text.includes('value="http://x.example/"') && typed.text.includes('>it@contoso.example</textarea>'),
    );
  });

  it('sends a test on request, and shows how far it has come', async () => {
    assert.equal((await visitor.post(`${here}/test`)).status, 409);
    await visitor.submit(here, { emails: 'it@contoso.example', ...ALL_KINDS });
    const tested = await visitor.submit(`${here}/test`);
    assert.match(tested.text, /A test is on its way/);
    assert.match(tested.text, /By mail: not yet/);
    const { testId = '' } = await settingsOf();
    assert.equal((await broker.records.notices.event(organization.id, testId))?.event.phase, 'test');
  });

  it('makes a new secret after it has asked, beside which the former one signs for a day', async () => {
    await visitor.post(here, { webhook_url: URL, ...ALL_KINDS });
    assert.match((await visitor.get(`${here}/secret`)).text, /For a day both secrets sign/);
    const made = await visitor.post(`${here}/secret`);
    assert.match(made.text, /<code class="secret">whsec_/);
    const { webhook } = await settingsOf();
    assert.equal(webhook?.former?.until, epochSeconds(broker.clock) + 86_400);
    assert.match((await visitor.get(here)).text, /Former secret signs until/);
  });

  it('lists what people are told of, and so does the overview, and the organization', async () => {
    const mailbox = await addMailbox();
    await raise(mailbox);
    for (const path of [here, '/', `/console/organizations/${organization.id}`]) {
      const { text } = await visitor.get(path);
      assert.match(text, /The sign-in of scan@contoso\.example has ended/, path);
      assert.match(text, /By webhook: not yet/, path);
    }
  });

  it('says on the overview and of the organization when these are not all', async () => {
    const more = /There are more/;
    for (let n = 0; n <= 25; n++) {
      for (const path of ['/', `/console/organizations/${organization.id}`]) {
        assert.doesNotMatch((await visitor.get(path)).text, more, `${path} ${n}`);
      }
      await raise(await addMailbox(`scan-${n}@contoso.example`));
    }
    for (const path of ['/', `/console/organizations/${organization.id}`]) {
      const { text } = await visitor.get(path);
      assert.match(text, more, path);
      assert.equal(text.match(/The sign-in of scan-/g)?.length, 25, path);
    }
  });

  it('is there for the operator as well, and for no administrator of one organization', async () => {
    await visitor.submit('/console/notifications', { emails: 'operator@broker.example', locale: 'en', ...ALL_KINDS });
    assert.deepEqual((await broker.records.notificationSettings.get(undefined)).settings.emails, [
      'operator@broker.example',
    ]);
    assert.match((await visitor.get('/')).text, /href="\/console\/notifications"/);
    const { adminKeys } = broker.administration;
    const made = await adminKeys.create('Contoso', organization.id);
    assert.ok(made.ok);
    const customer = visitorOf(broker);
    assert.doesNotMatch((await customer.logIn(made.value.adminKey)).text, /href="\/console\/notifications"/);
    for (const step of ['', '/edit', '/secret']) {
      assert.equal((await customer.get(`/console/notifications${step}`)).status, 401);
    }
    assert.equal((await customer.get(here)).status, 200);
    assert.notEqual(made.value.adminKey, ADMIN_KEY);
  });

  it('notes down in the audit log who has changed what', async () => {
    await visitor.post(here, { webhook_url: URL, ...ALL_KINDS });
    await visitor.post(`${here}/secret`);
    await visitor.post(`${here}/test`);
    const { text } = await visitor.get(`/console/audit?organization_id=${organization.id}`);
    for (const words of ['Notifications changed', 'New webhook secret', 'Test notification sent']) {
      assert.ok(text.includes(words), words);
    }
    assert.ok(!text.includes('whsec_'));
  });
});

describe('the list of what people are told of', () => {
  it('leads to the submission that has failed', async () => {
    const { id: mailboxId, organizationId, address } = await addMailbox();
    const message = { clientId: 'abcdefghjkmn', messageId: '<1@x>', recipients: ['a@b.example'], isPartial: true };
    const about = { subject: 'sub_1', mailboxId, organizationId, address, reason: 'invalid_recipient' } as const;
    const notices = makeNotices({ ...broker, random: seededRandom('notices'), log: memoryLog() });
    await notices.raise({ kind: 'submission.failed', ...about, ...message });
    const { text } = await visitor.get('/');
    assert.match(text, /href="\/console\/submissions\/sub_1"/);
    assert.match(unescaped(text), /did not reach all of its recipients/);
  });
});
