import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { signInResultPage } from '../../console/pages/sign-in-result.ts';
import { textsIn } from '../../console/texts/index.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { STATUS_LABELS } from '../../shared/protocol/texts/status-labels.ts';
import {
  ADMIN_KEY,
  type ConsoleOverMemory,
  consoleOverMemory,
  consolePages,
  furnished,
  GOOGLE_CLIENT_ID,
  putAppRegistration,
  troubled,
  troubledPages,
} from '../fakes/console.ts';
import { assertSound, countOf, type Fields, unescaped, visitorOf } from '../fakes/console-visitor.ts';

const idIn = (location: string): string => location.split('/').at(-1)?.split('?')[0] ?? '';

describe('the console', () => {
  let broker: ConsoleOverMemory;
  let visitor: ReturnType<typeof visitorOf>;

  beforeEach(() => {
    broker = consoleOverMemory();
    visitor = visitorOf(broker);
  });

  describe('login', () => {
    it('asks for the admin key, and lets in whoever has it', async () => {
      const form = await visitor.get('/');
      assert.equal(form.status, 200);
      assert.match(form.text, /name="admin_key"[^>]*type="password"/);
      const overview = await visitor.logIn();
      assert.match(overview.text, /<h1>Overview<\/h1>/);
    });

    it('says that the key is wrong, and opens nothing', async () => {
      const reply = await visitor.post('/console/login', { admin_key: 'wrong' });
      assert.equal(reply.status, 401);
      assert.match(reply.text, /The admin key is wrong/);
      assert.ok(!reply.text.includes('value="wrong"'));
      assert.equal(visitor.cookies.size, 0);
      assert.equal((await visitor.get('/console/audit')).status, 401);
    });

    it('keeps its session in a cookie that scripts cannot read, under a hash', async () => {
      const reply = await visitor.post('/console/login', { admin_key: ADMIN_KEY });
      assert.match(
        reply.headers.getSetCookie()[0] ?? '',
        /^console_session=[^;]{40,}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/,
      );
    });

    it('sends the cookie by HTTPS alone where there is HTTPS', async () => {
      const reply = await visitorOf(consoleOverMemory({ publicUrl: 'https://broker.example' })).post('/console/login', {
        admin_key: ADMIN_KEY,
      });
      assert.match(
        reply.headers.getSetCookie()[0] ?? '',
        /^__Host-console_session=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      );
    });

    it('ends every session when the admin key is another', async () => {
      await visitor.logIn();
      const other = visitorOf(consoleOverMemory({ adminKey: 'a new one', sessions: broker.records.sessions }));
      for (const [name, value] of visitor.cookies) other.cookies.set(name, value);
      assert.equal((await visitor.get('/console/audit')).status, 200);
      assert.equal((await other.get('/console/audit')).status, 401);
    });

    it('ends the session after twelve hours', async () => {
      await visitor.logIn();
      await broker.clock.advance(12 * 3600 * 1000);
      assert.equal((await visitor.get('/console/audit')).status, 401);
    });

    it('ends the session on log out', async () => {
      await visitor.logIn();
      const before = new Map(visitor.cookies);
      const reply = await visitor.submit('/console/logout');
      assert.match(reply.text, /You are logged out/);
      for (const [name, value] of before) visitor.cookies.set(name, value);
      assert.equal((await visitor.get('/console/audit')).status, 401);
    });

    it('comes back to the page that was asked for, but never to another site', async () => {
      const page = await visitor.get('/console/submissions?organization_id=org_x');
      assert.equal(page.status, 401);
      assert.match(page.text, /name="back" value="\/console\/submissions\?organization_id=org_x"/);
      const login = (back: string) => visitor.post('/console/login', { admin_key: ADMIN_KEY, back });
      assert.equal((await login('/console/audit')).location, '/console/audit');
      for (const back of ['//evil.example', '/\\evil.example', 'https://evil.example', '/\t/evil.example', 'x']) {
        assert.equal((await login(back)).location, '/', back);
      }
    });

    it('refuses a login form that another site sent', async () => {
      const reply = await visitor.post('/console/login', { admin_key: ADMIN_KEY }, { 'sec-fetch-site': 'cross-site' });
      assert.equal(reply.status, 403);
      assert.equal(visitor.cookies.size, 0);
    });
  });

  describe('forms', () => {
    it('are refused without the token of the session, and nothing changes', async () => {
      await visitor.logIn();
      for (const csrf_token of ['', 'x', 'A'.repeat(43)]) {
        const reply = await visitor.post('/console/organizations', { name: 'Contoso', csrf_token });
        assert.equal(reply.status, 403);
        assert.match(reply.text, /This form is out of date. Nothing was changed./);
      }
      assert.deepEqual(await broker.administration.organizations.list(), []);
    });

    it('are refused without a session, and nothing changes', async () => {
      const reply = await visitor.post('/console/organizations', { name: 'Contoso' });
      assert.equal(reply.status, 401);
      assert.match(reply.text, /You are not logged in/);
      assert.deepEqual(await broker.administration.organizations.list(), []);
    });

    it('are refused in another media type or with a field given twice', async () => {
      await visitor.logIn();
      const headers = { 'content-type': 'application/json' };
      assert.equal(
        (await visitor.request('/console/organizations', { method: 'POST', headers, body: '{}' })).status,
        415,
      );
      const twice = {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'name=a&name=b',
      };
      assert.equal((await visitor.request('/console/organizations', twice)).status, 400);
    });

    it('are refused when they are too large', async () => {
      await visitor.logIn();
      assert.equal((await visitor.post('/console/organizations', { name: 'x'.repeat(70_000) })).status, 413);
    });
  });

  describe('a walk through it', () => {
    it('makes an organization, a mailbox and a device, and assigns one to the other', async () => {
      const start = await visitor.logIn();
      assert.match(start.text, /There is no organization yet/);

      const organization = await visitor.submit('/console/organizations', { name: 'Contoso', locale: 'pl' });
      assert.match(organization.text, /The organization was created/);
      const organizationPath = organization.location.split('?')[0];

      const mailbox = await visitor.submit(`${organizationPath}/mailboxes`, {
        address: ' scan@contoso.com ',
        aliases: 'copier@contoso.com\nfax@contoso.com',
      });
      assert.match(mailbox.text, /Not acquired/);
      assert.match(mailbox.text, /Nobody has signed this mailbox in yet/);
      const mailboxId = idIn(mailbox.location);
      const made = await broker.administration.mailboxes.get(mailboxId);
      assert.ok(made.ok);
      assert.equal(made.value.mailbox.provider, 'microsoft');
      assert.deepEqual(made.value.mailbox.aliases, ['copier@contoso.com', 'fax@contoso.com']);

      const secret = await visitor.post(`${organizationPath}/devices`, { client_name: 'Copier', model: 'C360i' });
      assert.equal(secret.status, 200);
      const clientId = /href="\/console\/devices\/([a-z2-9]{12})"/.exec(secret.text)?.[1] ?? '';
      const clientSecret = /client_secret<\/dt><dd><code class="secret">([a-z2-9]{24})</.exec(secret.text)?.[1] ?? '';
      assert.match(clientSecret, /^.{24}$/);
      assert.ok(secret.text.includes(`curl -u ${clientId}:${clientSecret} -d grant_type=client_credentials`));
      assert.equal(secret.headers.get('cache-control'), 'no-store');

      const device = await visitor.submit(`/console/devices/${clientId}/bindings`, {
        slot: 'scan',
        mailbox_id: mailboxId,
      });
      assert.match(device.text, /The mailbox was assigned/);
      assert.ok(device.text.includes('scan@contoso.com'));
      assert.ok(!device.text.includes(clientSecret), 'the secret is shown once');

      const own = { slot: 'user', login: 'anna', mailbox_id: mailboxId };
      assert.match(
        (await visitor.submit(`/console/devices/${clientId}/bindings`, own)).text,
        /<code>user:anna<\/code>/,
      );
      const released = await visitor.submit(`/console/devices/${clientId}/unbind`, { slot: 'user:anna' });
      assert.ok(!released.text.includes('user:anna'));
    });

    it('lets an administrator sign a mailbox in, or send the link to its owner', async () => {
      const { fresh } = await furnished(broker);
      await visitor.logIn();
      const page = await visitor.submit(`/console/mailboxes/${fresh.id}/sign-ins`);
      const id = idIn(page.location);
      const link = `http://localhost:8787/sign-in/${id}`;
      assert.ok(page.text.includes(`<a class="button primary" href="${link}">Continue to Google</a>`));
      assert.ok(page.text.includes(`readonly value="${link}"`));
      assert.match(page.text, /2026-12-01 00:10:00 UTC<\/time> <span class="quiet">\(in 10 minutes\)/);
      assert.match((await visitor.get(`/console/mailboxes/${fresh.id}`)).text, /Waiting for authentication/);
      await broker.clock.advance(600_000);
      assert.match((await visitor.get(`/console/sign-ins/${id}`)).text, /This sign-in link has expired/);
    });

    it('tells of a failed sign-in what happened, and offers a new one', async () => {
      const { signIn } = await furnished(broker);
      await visitor.logIn();
      const { id, mailboxId, organizationId, provider, expiresAt } = signIn;
      const error = { kind: 'sign_in_wrong_account', detail: 'Signed in as eve@contoso.com.' } as const;
      await broker.records.signIns.move(signIn, {
        id,
        mailboxId,
        organizationId,
        provider,
        expiresAt,
        state: 'failed',
        error,
      });
      const { text } = await visitor.get(`/console/sign-ins/${id}`);
      assert.match(text, /The account that signed in is not the account of this mailbox/);
      assert.match(text, /eve@contoso\.com/);
      assert.match(text, /New sign-in link/);
    });

    it('shows everything that is known of a mailbox', async () => {
      const { scan, alerts } = await furnished(broker);
      await visitor.logIn();
      const good = (await visitor.get(`/console/mailboxes/${scan.id}`)).text;
      for (const fact of [
        'Acquired',
        'SMTP.Send',
        '2026-12-01 01:00:00 UTC',
        '2027-03-01 00:00:00 UTC',
        'in 90 days',
      ]) {
        assert.ok(good.includes(fact), fact);
      }
      assert.ok(!good.includes('the-access-token'));
      const bad = (await visitor.get(`/console/mailboxes/${alerts.id}`)).text;
      for (const fact of [
        'Invalid',
        'Conditional Access policy',
        'AADSTS53003',
        '0f4a7e0c-33f4-4c1e-9f1e-0d6c2b8f7a11',
      ]) {
        assert.ok(bad.includes(fact), fact);
      }
    });

    it('refreshes, and says why it could not', async () => {
      const { scan } = await furnished(broker);
      await visitor.logIn();
      assert.match((await visitor.submit(`/console/mailboxes/${scan.id}/refresh`)).text, /The token was refreshed/);
      broker.refreshes.answer = {
        outcome: 'failed',
        error: { kind: 'app_registration_refused', code: 'AADSTS7000222', correlationId: 'corr-1', detail: 'Expired.' },
      };
      const reply = await visitor.post(`/console/mailboxes/${scan.id}/refresh`);
      assert.equal(reply.status, 503);
      for (const part of ['The mail provider refuses the broker itself', 'AADSTS7000222', 'corr-1', 'Expired.']) {
        assert.ok(reply.text.includes(part), part);
      }
    });

    it('signs out only after a confirmation', async () => {
      const { scan } = await furnished(broker);
      await visitor.logIn();
      const question = await visitor.get(`/console/mailboxes/${scan.id}/sign-out`);
      assert.match(question.text, /its devices cannot send until somebody signs it in again/);
      assert.match((await visitor.get(`/console/mailboxes/${scan.id}`)).text, /Acquired/);
      assert.match((await visitor.submit(`/console/mailboxes/${scan.id}/sign-out`)).text, /Not acquired/);
    });

    it('removes what nothing depends on, and says what stands in the way of the rest', async () => {
      const { organization, scan, alerts, fresh, copier, scanner } = await furnished(broker);
      await visitor.logIn();
      const home = `/console/organizations/${organization.id}`;
      assert.match((await visitor.get(`${home}/remove`)).text, /still has devices or mailboxes/);
      assert.equal((await visitor.post(`${home}/remove`)).status, 409);
      assert.match((await visitor.get(`/console/mailboxes/${scan.id}/remove`)).text, /Devices still use this mailbox/);
      const refused = await visitor.post(`/console/mailboxes/${scan.id}/remove`);
      assert.equal(refused.status, 409);
      assert.ok(refused.text.includes(copier.clientId));
      for (const { clientId } of [copier, scanner]) await visitor.submit(`/console/devices/${clientId}/remove`);
      for (const { id } of [scan, alerts, fresh]) await visitor.submit(`/console/mailboxes/${id}/remove`);
      assert.match((await visitor.submit(`${home}/remove`)).text, /The organization was removed/);
      assert.deepEqual(await broker.administration.organizations.list(), []);
    });

    it('disables and enables a device and an organization', async () => {
      const { organization, copier } = await furnished(broker);
      await visitor.logIn();
      for (const path of [`/console/devices/${copier.clientId}`, `/console/organizations/${organization.id}`]) {
        assert.match((await visitor.submit(`${path}/enabled`, { enabled: 'false' })).text, /is disabled/);
        assert.match((await visitor.submit(`${path}/enabled`, { enabled: 'true' })).text, /is enabled/);
      }
      const found = await broker.administration.devices.get(copier.clientId);
      assert.ok(found.ok && found.value.device.enabled);
    });

    it('gives a device a new secret after a confirmation, shown once', async () => {
      const { copier } = await furnished(broker);
      await visitor.logIn();
      assert.match(
        (await visitor.get(`/console/devices/${copier.clientId}/secret`)).text,
        /<option value="7" selected>7 days</,
      );
      const reply = await visitor.post(`/console/devices/${copier.clientId}/secret`);
      assert.match(reply.text, /<code class="secret">[a-z2-9]{24}</);
      const found = await broker.administration.devices.get(copier.clientId);
      assert.ok(found.ok);
      const [current, former] = found.value.device.secretHashes;
      assert.notEqual(current, copier.secretHashes[0]);
      assert.equal(former, copier.secretHashes[0]);
      assert.match(reply.text, /Old secret good until/);
      assert.match((await visitor.get(`/console/devices/${copier.clientId}`)).text, /Old secret good until/);
      const stopped = await visitor.post(`/console/devices/${copier.clientId}/secret`, { grace_days: '0' });
      assert.match(stopped.text, /The old secret no longer works/);
    });

    it('changes what is known of a device and keeps what the form does not have', async () => {
      const { organization } = await furnished(broker);
      await visitor.logIn();
      const metadata = { clientName: 'Server', softwareId: 'backup', vendor: 'Dell' };
      const made = await broker.administration.devices.create(organization.id, metadata);
      assert.ok(made.ok);
      const { clientId } = made.value.device;
      await visitor.submit(`/console/devices/${clientId}`, { client_name: 'Backup server', vendor: '', locale: 'da' });
      const found = await broker.administration.devices.get(clientId);
      assert.ok(found.ok);
      const expected = { clientName: 'Backup server', softwareId: 'backup', locale: 'da' };
      assert.deepEqual(found.value.device.metadata, expected);
    });

    it('sets as whom a device sends, and shows it', async () => {
      const { copier } = await furnished(broker);
      await visitor.logIn();
      const page = `/console/devices/${copier.clientId}`;
      const policy = async () => {
        const found = await broker.administration.devices.get(copier.clientId);
        assert.ok(found.ok);
        return found.value.device.senderPolicy;
      };
      assert.match((await visitor.get(`${page}/edit`)).text, /<option value="user_may_change" selected>/);
      const fields = { client_name: 'Copier' };
      for (const sender_address of ['', 'nonsense']) {
        const refused = await visitor.post(page, { ...fields, sender_policy: 'configured', sender_address });
        assert.equal(refused.status, 400);
        assert.match(refused.text, /<option value="configured" selected>/);
        assert.match(refused.text, /Enter the complete mail address/);
      }
      assert.equal(await policy(), undefined);
      const sender_address = 'office@contoso.example';
      await visitor.submit(page, { ...fields, sender_policy: 'configured', sender_address });
      assert.deepEqual(await policy(), { name: 'configured', address: sender_address });
      assert.match((await visitor.get(page)).text, /Fixed sender address: <code>office@contoso\.example</);
      assert.match(
        (await visitor.get(`${page}/edit`)).text,
        /name="sender_address"[^>]* value="office@contoso\.example"/,
      );
      // What is left in the field of the address is no matter of another choice.
      await visitor.submit(page, { ...fields, sender_policy: 'administrator', sender_address });
      assert.deepEqual(await policy(), { name: 'administrator' });
      assert.match((await visitor.get(page)).text, /always the mailbox&#39;s own address/);
      assert.equal((await visitor.post(page, { ...fields, sender_policy: 'anybody' })).status, 400);
      await visitor.submit(page, fields);
      assert.deepEqual(await policy(), { name: 'administrator' });
    });

    it('sets what becomes of mail from other senders, and shows it', async () => {
      const { copier } = await furnished(broker);
      await visitor.logIn();
      const page = `/console/devices/${copier.clientId}`;
      const setting = async () => {
        const found = await broker.administration.devices.get(copier.clientId);
        return found.ok && found.value.device.rewriteSender;
      };
      assert.match((await visitor.get(page)).text, /Messages from other senders<\/dt>\s*<dd>Refuse them/);
      const fields = { client_name: 'Copier' };
      await visitor.submit(page, { ...fields, rewrite_sender: 'true' });
      assert.equal(await setting(), true);
      assert.match((await visitor.get(page)).text, /<dd>Send them from the mailbox; replies go to the original sender/);
      assert.match((await visitor.get(`${page}/edit`)).text, /<option value="true" selected>Send them from/);
      await visitor.submit(page, fields);
      await visitor.submit(page, { ...fields, rewrite_sender: 'perhaps' });
      assert.equal(await setting(), true, 'what does not say so changes nothing');
      await visitor.submit(page, { ...fields, rewrite_sender: 'false' });
      assert.equal(await setting(), false);
    });

    it('shows an enrolment token once', async () => {
      const { organization } = await furnished(broker);
      await visitor.logIn();
      const path = `/console/organizations/${organization.id}/enrolment-tokens`;
      const reply = await visitor.post(path, { uses: '20', days: '30' });
      assert.match(reply.text, /<code class="secret">[\w-]{43}</);
      assert.match(reply.text, /2026-12-31 00:00:00 UTC/);
      const list = await visitor.get(`/console/organizations/${organization.id}`);
      assert.match(list.text, /20 \/ 20/);
      const id = /name="enrolment_token_id" value="(enr_\w+)"/.exec(list.text)?.[1] ?? '';
      const revoked = await visitor.post(`${path}/revoke`, { enrolment_token_id: id });
      assert.match(revoked.location ?? '', /done=enrolment_token_revoked/);
      assert.match((await visitor.get(`/console/organizations/${organization.id}`)).text, /Revoked/);
      assert.equal((await visitor.post(`${path}/revoke`, { enrolment_token_id: 'enr_none' })).status, 404);
      const wrong = await visitor.post(path, { uses: '0', days: '30' });
      assert.equal(wrong.status, 400);
      assert.match(wrong.text, /Enter a whole number from 1 to 10000/);
      assert.match(wrong.text, /name="days"[^>]*value="30"/);
    });

    it('lists what was sent, newest first, page by page', async () => {
      const { scan, copier, organization } = await furnished(broker);
      const at = Math.floor(broker.clock.now() / 1000);
      for (let i = 0; i < 30; i++) await broker.submitted(scan, copier.clientId, { state: 'sent', at });
      await visitor.logIn();
      const first = await visitor.get(`/console/submissions?organization_id=${organization.id}`);
      assert.equal(countOf(first.text, 'badge-sent'), 25);
      const older = unescaped(/<a href="([^"]*)" rel="next">/.exec(first.text)?.[1] ?? '');
      assert.match(older, new RegExp(`organization_id=${organization.id}&cursor=sub_`));
      const second = await visitor.get(older);
      for (const state of [
        'Queued',
        'Sending',
        'Will be tried again',
        'Held',
        'Failed',
        'piotr@contoso.com (550 5.1.1 Unknown)',
      ]) {
        assert.ok(second.text.includes(state), state);
      }
      assert.match(second.text, />Newest<\/a>/);
      assert.doesNotMatch(second.text, /rel="next"/);
    });

    it('lists what was done', async () => {
      await furnished(broker);
      await visitor.logIn();
      const { text } = await visitor.get('/console/audit');
      for (const action of [
        'Organization created',
        'Mailbox added',
        'Device added',
        'Mailbox assigned',
        'Sign-in link created',
      ]) {
        assert.ok(text.includes(action), action);
      }
    });
  });

  describe('the forecast', () => {
    const DAY_MS = 86_400_000;

    /** The row of a table that says this. */
    const rowOf = (text: string, part: string): string =>
      unescaped(text.split('<tr role="row">').find((row) => row.includes(part)) ?? '');

    it('puts under what needs attention each mailbox that lapses soon, with what to do', async () => {
      await troubled(broker);
      const row = rowOf((await visitor.logIn()).text, 'old@fabrikam.com');
      assert.match(row, /badge-acquired">Acquired</);
      assert.match(row, /badge-urgent">Lapses in 5 days</);
      assert.match(row, /Choose “Refresh now”/);
    });

    it('leaves out the mailboxes that lapse later than in 60 days', async () => {
      const { scan } = await furnished(broker);
      await visitor.logIn();
      assert.ok(!(await visitor.get('/')).text.includes(scan.address));
      await broker.clock.advance(29.9 * DAY_MS);
      await visitor.logIn();
      assert.ok(!(await visitor.get('/')).text.includes(scan.address));
      await broker.clock.advance(0.2 * DAY_MS);
      await visitor.logIn();
      assert.match(rowOf((await visitor.get('/')).text, scan.address), /badge-expiring">Lapses in 59 days</);
    });

    it('puts there a mailbox that works and whose refreshes fail, with reason and remedy', async () => {
      await troubled(broker);
      const row = rowOf((await visitor.logIn()).text, 'failing@fabrikam.com');
      assert.match(row, /badge-acquired">Acquired</);
      assert.match(row, /The broker's vault for sign-ins is not available just now. Wait:/);
    });

    it('puts it there, too, while its provider is being spared, if that is not the reason', async () => {
      await troubled(broker);
      const now = broker.clock.now() / 1000;
      const pause = { since: now, until: now + 60, code: 'http_503', message: 'Busy.' };
      await broker.records.coolDowns.replace({ provider: 'microsoft' }, 0, {
        cause: 'throttled',
        failures: 1,
        ...pause,
      });
      const { text } = await visitor.logIn();
      assert.match(text, /Microsoft has asked the broker to wait/);
      assert.match(rowOf(text, 'failing@fabrikam.com'), /vault for sign-ins/);
    });

    it('puts there a mailbox that waits for its first token, and what it waits for', async () => {
      await troubled(broker);
      const row = rowOf((await visitor.logIn()).text, 'waiting@fabrikam.com');
      assert.match(row, /badge-waiting">Waiting for authentication</);
      assert.match(row, /The mail provider does not answer at present/);
      assert.doesNotMatch(row, /Finish the sign-in in the browser/);
    });

    it('tells of a provider that is spared as one incident, not as one for each mailbox', async () => {
      await troubled(broker);
      const { text } = await visitor.logIn();
      assert.equal(countOf(text, '<section class="problem incident"'), 1);
      for (const part of [
        'Google does not answer.',
        'There is nothing to repair',
        'Nobody',
        '2026-11-30 23:00:00 UTC',
        '2026-12-01 00:05:00 UTC',
        'http_500',
        'correlation-of-the-outage',
      ]) {
        assert.ok(text.includes(part), part);
      }
      assert.ok(!text.includes('spared@fabrikam.com'));
      await broker.records.coolDowns.replace({ provider: 'google' }, 1, undefined);
      const healed = (await visitor.get('/')).text;
      assert.equal(countOf(healed, '<section class="problem incident"'), 0);
      assert.match(rowOf(healed, 'spared@fabrikam.com'), /The mail provider does not answer at present/);
    });

    it('tells of a registration that is refused what the operator must do', async () => {
      const { old, spared } = await troubled(broker);
      const now = broker.clock.now() / 1000;
      const since = { since: now - 600, until: now - 1, code: 'AADSTS7000222', message: 'It has expired.' };
      await broker.records.coolDowns.replace({ provider: 'microsoft' }, 0, {
        cause: 'registration',
        failures: 1,
        ...since,
      });
      await visitor.logIn();
      const { text } = await visitor.get(`/console/mailboxes/${old.id}`);
      for (const part of ['Microsoft refuses the app registration', 'The operator of the broker', 'AADSTS7000222']) {
        assert.ok(text.includes(part), part);
      }
      assert.match(text, /At the next occasion/);
      assert.ok(!text.includes('Google does not answer'));
      assert.ok((await visitor.get(`/console/mailboxes/${spared.id}`)).text.includes('Google does not answer'));
    });

    it('shows every client secret with its date, how far away it is, and what to do', async () => {
      await troubled(broker);
      const { text } = await visitor.logIn();
      const refused = rowOf(text, '2026-12-06');
      for (const part of ['Microsoft', '11111111-2222', 'No. 1', 'badge-urgent">Expires in 5 days<']) {
        assert.ok(refused.includes(part), part);
      }
      assert.match(refused, /badge-failed">Refused<.*Compare it with the one at the provider/s);
      const second = rowOf(text, '2027-01-15');
      assert.match(second, /No\. 2.*badge-expiring">Expires in 45 days<.*Make a new client secret/s);
      const expired = rowOf(text, '2026-11-28');
      assert.ok(expired.includes(GOOGLE_CLIENT_ID));
      assert.match(expired, /3 days ago.*badge-urgent">Expired<.*Leave it out/s);
      assert.match(rowOf(text, 'Not known'), /No\. 2.*–/s);
    });

    it('asks the operator for a date that is not known, but not of a stand-in', async () => {
      const clientSecrets = [{}];
      const real = consoleOverMemory({ standIns: false });
      for (const { records } of [real, broker]) {
        await putAppRegistration(records, { provider: 'google', clientId: 'id', clientSecrets });
      }
      assert.match((await visitorOf(real).logIn()).text, /Enter it as expires_on/);
      assert.doesNotMatch((await visitor.logIn()).text, /Enter it as expires_on/);
    });

    it('says that there is nothing to do only where no secret and no provider needs anything', async () => {
      const clientSecrets = [{ expiresOn: '2027-12-01' }];
      await putAppRegistration(broker.records, { provider: 'google', clientId: 'id', clientSecrets });
      await broker.administration.organizations.create('Contoso', 'en');
      assert.match((await visitor.logIn()).text, /Every mailbox is signed in\. There is nothing to do\./);
      await broker.clock.advance(306 * DAY_MS);
      assert.doesNotMatch((await visitor.logIn()).text, /There is nothing to do/);
    });

    it('shows on the page of a mailbox when it lapses, when it was proven alive, and the last error', async () => {
      const { old, failing, waiting } = await troubled(broker);
      await visitor.logIn();
      const lapsing = (await visitor.get(`/console/mailboxes/${old.id}`)).text;
      assert.match(
        lapsing,
        /Sign-in lapses<\/dt><dd><time[^>]*>2026-12-06 00:00:00 UTC.*badge-urgent">Lapses in 5 days</,
      );
      assert.match(lapsing, /Last proven alive<\/dt><dd><time[^>]*>2026-12-01 00:00:00 UTC/);
      const { text } = await visitor.get(`/console/mailboxes/${failing.id}`);
      for (const part of [
        'The broker&#39;s vault for sign-ins is not available just now',
        'Wait: the broker tries again by itself',
        'The answer was cut off.',
        '<code>Throttled</code>',
        '<code>correlation-of-Throttled</code>',
        'Next try</dt><dd><time datetime="2026-12-01T00:04:00Z">',
      ]) {
        assert.ok(text.includes(part), part);
      }
      const unproven = (await visitor.get(`/console/mailboxes/${waiting.id}`)).text;
      assert.match(unproven, /Last proven alive<\/dt><dd>Not yet</);
    });

    it('promises no next try of a grant that has ended', async () => {
      const { alerts } = await furnished(broker);
      await broker.clock.advance(-120_000);
      await visitor.logIn();
      const { text } = await visitor.get(`/console/mailboxes/${alerts.id}`);
      const [, lastError = ''] = /<h2>Last error([\s\S]*?)<h2>/.exec(text) ?? [];
      assert.match(lastError, /Reason|Detail/);
      assert.doesNotMatch(lastError, /Next try/);
    });

    it('warns in the list of an organization, too', async () => {
      const { organization } = await troubled(broker);
      await visitor.logIn();
      const { text } = await visitor.get(`/console/organizations/${organization.id}`);
      assert.match(rowOf(text, 'old@fabrikam.com'), /2026-12-06 00:00:00 UTC.*Lapses in 5 days/s);
      assert.doesNotMatch(rowOf(text, 'failing@fabrikam.com'), /badge-(?:urgent|expiring)/);
    });
  });

  describe('bad input', () => {
    it('is answered with a clear sentence and the values kept', async () => {
      const { organization, copier, scan } = await furnished(broker);
      await visitor.logIn();
      const home = `/console/organizations/${organization.id}`;
      const cases: readonly (readonly [path: string, fields: Fields, status: number, sentence: string])[] = [
        ['/console/organizations', { name: '  ', locale: 'da' }, 400, 'Enter a name.'],
        ['/console/organizations', { name: 'x'.repeat(129) }, 400, 'Use at most 128 characters'],
        [home, { name: '' }, 400, 'Enter a name.'],
        [`${home}/devices`, { vendor: 'Kyocera' }, 400, 'Enter a name.'],
        [`${home}/devices`, { client_name: 'A', location: 'x'.repeat(200) }, 400, 'location'],
        [`${home}/mailboxes`, { address: 'not an address' }, 400, 'Enter a complete mail address'],
        [`${home}/mailboxes`, { address: 'a@b.example', aliases: 'nonsense' }, 400, 'Not a mail address: nonsense'],
        [`${home}/mailboxes`, { address: 'a@b.example', provider: 'yahoo' }, 400, 'The request is malformed'],
        [`/console/devices/${copier.clientId}/bindings`, { slot: 'attic', mailbox_id: scan.id }, 400, 'A slot is'],
        [
          `/console/devices/${copier.clientId}/bindings`,
          { slot: 'user', mailbox_id: scan.id },
          400,
          'Enter the login name',
        ],
        [
          `/console/devices/${copier.clientId}/bindings`,
          { slot: 'fax', mailbox_id: 'mbx_none' },
          404,
          'No such mailbox',
        ],
        [`/console/devices/${copier.clientId}/unbind`, { slot: 'fax' }, 404, 'Nothing is bound'],
      ];
      const stateOf = async () => [
        await broker.administration.organizations.list(),
        await broker.administration.devices.list(organization.id),
        await broker.administration.mailboxes.list(organization.id),
        await broker.records.devices.bindings(copier.clientId),
      ];
      const before = await stateOf();
      for (const [path, fields, status, sentence] of cases) {
        const reply = await visitor.post(path, fields);
        assert.equal(reply.status, status, `${path} ${JSON.stringify(fields)}`);
        assert.ok(reply.text.includes('role="alert"') && reply.text.includes(sentence), `${path}: ${sentence}`);
        assertSound(reply.text, path);
        for (const value of Object.values(fields).filter((text) => text.trim() !== '' && status === 400)) {
          if (!['attic', 'yahoo'].includes(value)) assert.ok(reply.text.includes(value), `${path} keeps ${value}`);
        }
      }
      assert.deepEqual(await stateOf(), before);
    });

    it('shows a page with status 404 for what does not exist', async () => {
      await visitor.logIn();
      const paths = [
        '/console/organizations/org_none',
        '/console/devices/nobody',
        '/console/mailboxes/mbx_none/remove',
        '/console/sign-ins/sgn_none',
        '/console/nothing',
        `/console/devices/${'x'.repeat(65)}`,
        '/console/devices/%00',
        '/console/submissions?organization_id=org_none',
      ];
      for (const path of paths) {
        const reply = await visitor.get(path);
        assert.equal(reply.status, 404, path);
        assertSound(reply.text, path);
      }
      for (const path of ['/console/devices/nobody/secret', '/console/mailboxes/mbx_none/sign-ins']) {
        assert.equal((await visitor.post(path)).status, 404, path);
      }
    });

    it('asks the table nothing about an id that no key could hold', async () => {
      await visitor.logIn();
      broker.records.devices.get = () => Promise.reject(new RangeError('the key is too long'));
      assert.equal((await visitor.get(`/console/devices/${'x'.repeat(2100)}`)).status, 404);
    });

    it('shows a page with status 405, and names what is allowed', async () => {
      await visitor.logIn();
      for (const [method, path, allow] of [
        ['DELETE', '/console/devices/x', 'GET, HEAD, POST'],
        ['GET', '/console/logout', 'POST'],
        ['PUT', '/', 'GET, HEAD'],
      ] as const) {
        const reply = await visitor.request(path, { method });
        assert.equal(reply.status, 405, path);
        assert.equal(reply.headers.get('allow'), allow);
        assert.match(reply.text, /does not accept that method/);
      }
    });

    it('does not stumble over a cursor that somebody typed', async () => {
      await visitor.logIn();
      for (const cursor of ['', '%00', 'x'.repeat(3000), '<b>']) {
        const reply = await visitor.get(`/console/audit?cursor=${encodeURIComponent(cursor)}`);
        assert.equal(reply.status, 400);
        assert.match(reply.text, /This page of the list does not exist/);
      }
      assert.equal((await visitor.get('/console/submissions?cursor=zzz')).status, 200);
    });

    it('shows hostile names as what they are', async () => {
      const hostile = `<script>alert("1")</script>'"><img src=x onerror=alert(1)>`;
      await visitor.logIn();
      const organization = await visitor.submit('/console/organizations', { name: hostile });
      const home = organization.location.split('?')[0] ?? '';
      const fields = { client_name: hostile, vendor: hostile, location: hostile };
      const secret = await visitor.post(`${home}/devices`, fields);
      const clientId = /href="\/console\/devices\/([a-z2-9]{12})"/.exec(secret.text)?.[1] ?? '';
      const pages = [
        organization,
        secret,
        await visitor.get('/'),
        await visitor.get(home),
        await visitor.get(`${home}/edit`),
        await visitor.get(`/console/devices/${clientId}`),
        await visitor.get(`/console/devices/${clientId}/edit`),
        await visitor.get(`/console/devices/${clientId}/remove`),
        await visitor.get('/console/audit'),
        await visitor.post(`${home}/mailboxes`, { address: hostile, aliases: hostile }),
      ];
      for (const { text } of pages) {
        assert.doesNotMatch(text, /<script|<img/i);
        assert.ok(text.includes('&lt;script&gt;'));
      }
    });
  });

  describe('its replies', () => {
    it('are never stored, framed or sniffed, and load nothing from elsewhere', async () => {
      await visitor.logIn();
      for (const path of ['/', '/console/style.css', '/console/icon.svg', '/console/none']) {
        const { headers } = await visitor.get(path);
        assert.equal(headers.get('cache-control'), 'no-store', path);
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        assert.equal(headers.get('referrer-policy'), 'no-referrer');
        assert.match(headers.get('x-request-id') ?? '', /^req_/);
        const policy = headers.get('content-security-policy') ?? '';
        for (const part of ["default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"]) {
          assert.ok(policy.includes(part), part);
        }
        assert.doesNotMatch(policy, /unsafe|script-src/);
      }
    });

    it('answer a bug with a request id and without its text, and log it', async () => {
      await visitor.logIn();
      broker.records.organizations.list = () => Promise.reject(new Error('table on fire'));
      const reply = await visitor.get('/');
      assert.equal(reply.status, 500);
      assert.ok(!reply.text.includes('table on fire'));
      assert.ok(reply.text.includes(reply.headers.get('x-request-id') ?? '-'));
      assert.deepEqual(broker.crashes, ['request.crashed']);
    });

    it('say so, too, when the session cannot be read', async () => {
      await visitor.logIn();
      broker.records.sessions.get = () => Promise.reject(new Error('table on fire'));
      const reply = await visitor.get('/console/audit');
      assert.equal(reply.status, 500);
      assertSound(reply.text, 'no session');
    });

    it('leave every other path to the apps beside it', async () => {
      const reply = await broker.app.request('/v1/admin/organizations');
      assert.equal(reply.headers.get('content-security-policy'), null);
    });

    it('say where stand-ins run, and only there', async () => {
      const practice = await visitor.logIn();
      assert.match(practice.text, /Practice mode/);
      const inbox = '<a href="http://localhost:8788/">Inbox of the stand-in (Microsoft and Google)</a>';
      assert.equal(countOf(practice.text, inbox), 1);
      const { organization } = await furnished(broker);
      const form = await visitor.get(`/console/organizations/${organization.id}/mailboxes/new`);
      assert.match(form.text, /use an address such as scanner@contoso\.example or scanner@gmail\.example/);
      const real = visitorOf(consoleOverMemory({ standIns: false }));
      assert.doesNotMatch((await real.logIn()).text, /Practice mode/);
    });
  });

  describe('its language', () => {
    it('is that of the browser until another is chosen', async () => {
      assert.match((await visitor.get('/', { 'accept-language': 'pl-PL,en;q=0.5' })).text, /<html lang="pl">/);
      const reply = await visitor.post('/console/language', { language: 'lt', back: '/console/audit' });
      assert.equal(reply.location, '/console/audit');
      assert.match((await visitor.get('/', { 'accept-language': 'pl' })).text, /<html lang="lt">/);
      await visitor.post('/console/language', { language: 'xx', back: '//evil.example' });
      assert.match((await visitor.get('/')).text, /<html lang="lt">/);
    });

    it('names the four states of a token in English as they are named everywhere', () => {
      assert.deepEqual(Object.values(STATUS_LABELS.en), [
        'Not acquired',
        'Waiting for authentication',
        'Acquired',
        'Invalid',
      ]);
    });
  });

  for (const language of LANGUAGES) {
    it(`renders every page in ${language}, whole, labelled and without scripts`, async () => {
      const state = await furnished(broker);
      const troubles = await troubled(broker);
      const before = await visitor.get('/', { 'accept-language': language });
      assertSound(before.text, 'login');
      await visitor.post('/console/language', { language });
      await visitor.logIn();
      for (const path of [...consolePages(state), ...troubledPages(troubles)]) {
        const { status, text } = await visitor.get(path);
        assert.equal(status, 200, path);
        assert.ok(text.includes(`<html lang="${language}">`), path);
        assertSound(text, `${language} ${path}`);
        if (language !== 'en') {
          const { navigation } = textsIn('en');
          assert.ok(!text.includes(navigation.logOut) && !text.includes(navigation.skip), path);
        }
      }
      const made = [
        await visitor.post(`/console/devices/${state.copier.clientId}/secret`),
        await visitor.post(`/console/organizations/${state.organization.id}/devices`, { client_name: 'X' }),
        await visitor.post(`/console/organizations/${state.organization.id}/enrolment-tokens`, {
          uses: '1',
          days: '1',
        }),
        await visitor.post('/console/keys', { name: 'Anna', reach: state.organization.id }),
      ];
      for (const { text } of made) assertSound(text, `${language} shown once`);
    });

    it(`ends a sign-in in ${language} with what happened and what to do`, async () => {
      const completed = String(
        await signInResultPage({
          language,
          result: 'completed',
          mailboxAddress: 'a@b.example',
          tokenStatus: 'acquired',
        }),
      );
      assertSound(completed, 'completed');
      assert.match(completed, /<main[^>]* data-result="completed"/);
      const waiting = await signInResultPage({ language, result: 'completed', tokenStatus: 'waiting' });
      const { completedText, completedWaiting } = textsIn(language).signInResult;
      assert.ok(unescaped(completed).includes(completedText));
      assert.ok(!unescaped(String(waiting)).includes(completedText));
      assert.ok(unescaped(String(waiting)).includes(completedWaiting));
      assert.ok(unescaped(completed).includes(STATUS_LABELS[language].acquired));
      const problem = { message: '<M>', remedy: 'R', detail: 'D', code: 'AADSTS1', correlationId: 'c-1' };
      const failed = String(await signInResultPage({ language, result: 'failed', ...problem }));
      assertSound(failed, 'failed');
      assert.match(failed, /<main[^>]* data-result="failed"/);
      for (const part of ['&lt;M&gt;', 'AADSTS1', 'c-1']) assert.ok(failed.includes(part), part);
      const unchanged = textsIn(language).signInResult.nothingChanged;
      assert.ok(unescaped(failed).includes(unchanged));
      const replaced = await signInResultPage({ language, result: 'failed', tookEffect: true, ...problem });
      assert.ok(!unescaped(String(replaced)).includes(unchanged));
    });
  }
});
