import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Organization } from '../../shared/domain/entities.ts';
import {
  type ConsoleOverMemory,
  consoleOverMemory,
  consolePages,
  type Furnished,
  furnished,
} from '../fakes/console.ts';
import { assertSound, unescaped, visitorOf } from '../fakes/console-visitor.ts';
import { value } from './support.ts';

describe('the console', () => {
  let broker: ConsoleOverMemory;
  let visitor: ReturnType<typeof visitorOf>;
  let state: Furnished;

  beforeEach(async () => {
    broker = consoleOverMemory();
    visitor = visitorOf(broker);
    state = await furnished(broker);
  });

  describe('of who has a key for all', () => {
    beforeEach(() => visitor.logIn());

    const keyIn = (text: string): string => /<code class="secret">([\w-]{43})</.exec(text)?.[1] ?? '';
    const logsIn = async (adminKey: string) =>
      (await visitorOf(broker).post('/console/login', { admin_key: adminKey })).status;

    it('makes a key, shows it once, and it opens the console', async () => {
      const { text, headers } = await visitor.post('/console/keys', { name: 'Carol', reach: state.organization.id });
      const adminKey = keyIn(text);
      assert.equal(await logsIn(adminKey), 303);
      assert.equal(headers.get('cache-control'), 'no-store');
      const list = await visitor.get('/console/keys');
      assert.ok(list.text.includes('Carol') && list.text.includes('Contoso') && !list.text.includes(adminKey));
      const made = await visitor.post('/console/keys', { name: 'Fleet', reach: 'all' });
      assert.match(made.text, /All organizations/);
      const reaches = new Map(
        (await broker.administration.adminKeys.list()).map((key) => [key.name, key.organizationId]),
      );
      assert.deepEqual([reaches.get('Carol'), reaches.get('Fleet')], [state.organization.id, undefined]);
    });

    it('asks what a key is for, and takes no answer for no choice at all', async () => {
      const before = await broker.administration.adminKeys.list();
      for (const [fields, status, sentence] of [
        [{ name: '', reach: 'all' }, 400, 'Enter a name.'],
        [{ name: 'Bob' }, 400, 'Choose what the key is for.'],
        [{ name: 'Bob', reach: '' }, 400, 'Choose what the key is for.'],
        [{ name: 'Bob', reach: 'org_none' }, 404, 'No such organization.'],
      ] as const) {
        const reply = await visitor.post('/console/keys', fields);
        assert.equal(reply.status, status);
        assert.ok(reply.text.includes(sentence), sentence);
        assertSound(reply.text, sentence);
      }
      assert.deepEqual(await broker.administration.adminKeys.list(), before);
    });

    it('revokes a key after a question, and with it goes whoever is logged in with it', async () => {
      const { key, adminKey } = state.adminKey;
      const anna = visitorOf(broker);
      await anna.logIn(adminKey);
      const question = await visitor.get(`/console/keys/${key.id}/revoke`);
      assert.match(question.text, /Revoke: Anna.*The key stops at once/s);
      const list = await visitor.submit(`/console/keys/${key.id}/revoke`);
      assert.match(list.text, /The admin key was revoked/);
      assert.equal(await logsIn(adminKey), 401);
      assert.equal((await anna.get('/console/audit')).status, 401);
      assert.equal((await anna.post(`/console/mailboxes/${state.scan.id}/sign-out`)).status, 401);
      assert.equal((await visitor.get('/console/keys/key_none/revoke')).status, 404);
      assert.equal((await visitor.post('/console/keys/key_none/revoke')).status, 404);
    });

    it('names in the audit log which key did it', async () => {
      const anna = visitorOf(broker);
      await anna.logIn(state.adminKey.adminKey);
      await anna.post(`/console/devices/${state.copier.clientId}/enabled`, { enabled: 'false' });
      const { text } = await visitor.get('/console/audit');
      assert.match(text, new RegExp(`Device changed.*Administrator <code>${state.adminKey.key.id}</code>`, 's'));
    });
  });

  describe('of who has a key of one organization', () => {
    let other: Organization;

    beforeEach(async () => {
      other = await broker.administration.organizations.create('Fabrikam', 'en');
      const address = 'scan@fabrikam.com';
      value(await broker.administration.mailboxes.create(other.id, { provider: 'google', address, aliases: [] }));
      await visitor.logIn(state.adminKey.adminKey);
    });

    const isForAll = (path: string) =>
      /\/console\/(?:keys|notifications)|organizations\/new|organizations\/\w+\/(?:remove|enabled)/.test(path);

    it('shows this organization and no other, and offers nothing that is refused', async () => {
      for (const path of consolePages(state).filter((page) => !isForAll(page))) {
        const { status, text } = await visitor.get(path);
        assert.equal(status, 200, path);
        assertSound(text, path);
        assert.ok(!/fabrikam/i.test(text) && !text.includes(other.id), path);
        const links = [...text.matchAll(/(?:href|action)="([^"]*)"/g)].map(([, link = '']) => unescaped(link));
        assert.deepEqual(links.filter(isForAll), [], path);
        assert.ok(!links.includes('/console/organizations'), path);
        assert.doesNotMatch(text, /App registrations/, path);
      }
      const { text } = await visitor.get('/');
      assert.match(text, /Contoso/);
      assert.match(text, /Mailboxes signed in: 1 of 3/);
    });

    it('offers all of it with a key for all', async () => {
      const all = visitorOf(broker);
      await all.logIn();
      const [overview, organization] = [
        await all.get('/'),
        await all.get(`/console/organizations/${state.organization.id}`),
      ];
      for (const path of ['/console/keys', '/console/organizations/new']) {
        assert.ok(overview.text.includes(`href="${path}"`), path);
      }
      assert.ok(organization.text.includes(`href="/console/organizations/${state.organization.id}/remove"`));
      assert.ok(organization.text.includes(`action="/console/organizations/${state.organization.id}/enabled"`));
    });

    it('says that the key is for one organization where somebody types an address', async () => {
      const before = await broker.administration.organizations.list();
      for (const path of consolePages(state).filter(isForAll)) {
        const { status, text } = await visitor.get(path);
        assert.equal(status, 401, path);
        assert.match(text, /Your admin key is for one organization/);
        assertSound(text, path);
      }
      for (const path of [
        '/console/organizations',
        `/console/organizations/${state.organization.id}/remove`,
        `/console/organizations/${state.organization.id}/enabled`,
        '/console/keys',
        `/console/keys/${state.adminKey.key.id}/revoke`,
      ]) {
        assert.equal((await visitor.post(path, { name: 'X', reach: 'all' })).status, 401, path);
      }
      assert.deepEqual(await broker.administration.organizations.list(), before);
      assert.equal((await broker.administration.adminKeys.list()).length, 3);
    });
  });
});
