import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { gatewayTextsIn } from '../../console/texts/gateways.ts';
import { textsIn } from '../../console/texts/index.ts';
import { adminApi } from '../../functions/admin/api.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { type ConsoleOverMemory, consoleOverMemory, type Furnished, furnished } from '../fakes/console.ts';
import { assertSound, unescaped, visitorOf } from '../fakes/console-visitor.ts';
import { value } from './support.ts';

const STATE = { version: '1.2.3', startedAt: 1, way: 'direct', queued: 4, oldestSeconds: 7200 } as const;

describe('the console, of gateways', () => {
  let broker: ConsoleOverMemory;
  let visitor: ReturnType<typeof visitorOf>;
  let state: Furnished;
  let gatewayId: string;
  let page: string;

  const now = (): number => Math.floor(broker.clock.now() / 1000);
  const seen = (changes = {}) =>
    broker.records.gateways.noteState(
      { gatewayId, organizationId: state.organization.id },
      { ...STATE, ...changes },
      now(),
    );
  const shown = async (path = page, language = 'en') =>
    unescaped((await visitor.get(path, { 'accept-language': language })).text);

  beforeEach(async () => {
    broker = consoleOverMemory();
    visitor = visitorOf(broker);
    state = await furnished(broker);
    page = `/console/organizations/${state.organization.id}`;
    const made = value(
      await broker.administration.devices.create(state.organization.id, { clientName: 'In the office' }),
    );
    gatewayId = made.device.clientId;
    await visitor.logIn();
  });

  it('says nothing where an organization has none', async () => {
    assert.ok(!(await shown()).includes('<h2>Gateways'));
    assert.ok(!(await shown('/')).includes('Gateways'));
  });

  it('shows those of an organization, and how they fare, in every language', async () => {
    await seen();
    await broker.clock.advance(300_000);
    for (const language of LANGUAGES) {
      const words = gatewayTextsIn(language);
      const text = await shown(page, language);
      assertSound(text, language);
      const cells = [words.gateways, words.lastSeen, words.ways.direct, '1.2.3', '<span>4</span>'];
      for (const part of [...cells, `href="/console/devices/${gatewayId}">In the office`]) {
        assert.ok(text.includes(part), `${language}: ${part}`);
      }
      assert.ok(!text.includes(words.silent), language);
      assert.ok(
        text.includes(new Intl.NumberFormat(language, { style: 'unit', unit: 'hour', unitDisplay: 'long' }).format(2)),
      );
    }
  });

  it('calls one silent that had mail, and of which nothing was heard for more than a quarter of an hour', async () => {
    await seen();
    await broker.clock.advance(900_000);
    assert.ok(!(await shown('/')).includes('badge-urgent'));
    await broker.clock.advance(1000);
    for (const language of LANGUAGES) {
      const words = gatewayTextsIn(language);
      const overview = await shown('/', language);
      assertSound(overview, language);
      const { attention } = textsIn(language).overview;
      const [, troubles = ''] = overview.split(`<h2>${attention}</h2>`);
      for (const part of [words.silentTitle, words.silentWhat('4'), words.silentRemedy, 'In the office', 'Contoso']) {
        assert.ok(troubles.includes(part), `${language}: ${part}`);
      }
      assert.ok((await shown(page, language)).includes(`badge-urgent">${words.silent}<`), language);
    }
    await seen();
    assert.ok(!(await shown('/')).includes('badge-urgent'));
    await seen({ queued: 0 });
    await broker.clock.advance(901_000);
    const quiet = await shown('/');
    assert.ok(quiet.includes('Contoso') && !quiet.includes('badge-urgent'), 'nothing waits there');
  });

  it('shows that of a broker on one machine to who has a key for all, and to nobody else', async () => {
    const local = { gatewayId: 'local', organizationId: undefined };
    await broker.records.gateways.noteState(local, STATE, now());
    await broker.clock.advance(1_000_000);
    const { ofBroker } = gatewayTextsIn('en');
    assert.ok((await shown()).includes(ofBroker) && (await shown('/')).includes(ofBroker));
    assert.ok(!(await shown()).includes('/console/devices/local'));
    await visitor.post('/console/logout');
    await visitor.logIn(state.adminKey.adminKey);
    assert.ok((await shown()).includes('Contoso'));
    assert.ok(!(await shown()).includes(ofBroker) && !(await shown('/')).includes(ofBroker));
  });

  it('shows no gateway whose device was removed', async () => {
    await seen();
    value(await broker.administration.devices.remove(gatewayId));
    assert.ok(!(await shown()).includes('<h2>Gateways'));
  });

  it('names the gateway of a message, and offers what can be done with it', async () => {
    const [first] = state.submissions;
    assert.ok(first);
    const failed = { state: 'failed', at: now(), reason: 'mail_server_refused_message' } as const;
    const submission = { ...first, id: 'sub_of_a_gateway', gatewayId, status: failed };
    await broker.records.submissions.tell(submission, undefined);
    await broker.records.audit.add({
      organizationId: submission.organizationId,
      by: `gateway:${gatewayId}`,
      action: 'submission.failed',
      subject: submission.id,
    });
    for (const language of LANGUAGES) {
      const text = await shown(`/console/submissions/${submission.id}`, language);
      assertSound(text, language);
      assert.ok(text.includes(`<dt>${gatewayTextsIn(language).gateway}</dt>`), language);
      assert.ok(text.includes(textsIn(language).submission.noResend.at_gateway), language);
      assert.ok(!text.includes('/resend"') && text.includes('/remove"'), language);
      const audit = await shown('/console/audit', language);
      assert.match(audit, new RegExp(`${gatewayTextsIn(language).gateway} <a href="/console/devices/${gatewayId}"`));
    }
    const refused = await visitor.post(`/console/submissions/${submission.id}/resend`);
    assert.equal(refused.status, 409);
    assert.ok(unescaped(refused.text).includes(textsIn('en').submission.noResend.at_gateway));
  });

  it('lists them by the admin API, in its spelling', async () => {
    await seen();
    await broker.clock.advance(901_000);
    const authority = { scope: 'all', by: 'admin' } as const;
    const api = adminApi({
      administrationFor: (() => broker.administration) as never,
      checkAdminKey: async () => ({ ok: true, value: { authority } }) as never,
      publicUrl: 'https://broker.example',
      clock: broker.clock,
    });
    const headers = { authorization: 'Bearer made-up' };
    const reply = await api.request(`/organizations/${state.organization.id}/gateways`, { headers });
    const at = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
    assert.deepEqual(await reply.json(), {
      gateways: [
        {
          gateway_id: gatewayId,
          organization_id: state.organization.id,
          name: 'In the office',
          version: '1.2.3',
          way: 'direct',
          started_at: at(1),
          last_seen_at: at(now() - 901),
          silent: true,
          queued: 4,
          oldest_seconds: 7200,
        },
      ],
    });
    assert.equal((await api.request('/organizations/org_of_nobody/gateways', { headers })).status, 404);
  });
});
