import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { ERROR_TEXTS } from '../../../shared/protocol/texts/index.ts';
import { eventually, type Json } from '../support.ts';
import { type BrokerLine, type LineState, startBrokerLine } from './broker-line.ts';
import { type Site, startSite } from './site.ts';
import {
  arrives,
  type SiteGateway,
  SPEED,
  shownAs,
  startSiteGateway,
  submissionOf,
  withinSeconds,
} from './site-gateway.ts';

let site: Site;

before(async () => {
  site = await startSite();
});
after(() => site.close());

/** Of the status page's queue. */
const rowOf = async (gateway: SiteGateway, id: string): Promise<string> =>
  (await gateway.page()).split('<tr').find((row) => row.includes(id)) ?? '';

const UNREACHABLE: readonly LineState[] = ['status 500', 'status 502', 'garbage', 'redirect', 'reset', 'hang'];

describe('a gateway whose broker does not answer as it should', { concurrency: 3 }, () => {
  const open = async (
    name: string,
    t: TestContext,
    isQuick = true,
  ): Promise<{ line: BrokerLine; gateway: SiteGateway }> => {
    const line = await startBrokerLine(site.broker.url);
    t.after(() => line.close());
    const env = { GATEWAY_BROKER_URL: line.url, ...(name === 'hang' ? { QUICK_PATIENCE_MS: '5000' } : {}) };
    const gateway = await startSiteGateway(site, name, { isQuick, env });
    t.after(() => gateway.close());
    return { line, gateway };
  };

  for (const state of UNREACHABLE) {
    it(`takes mail from whom it knows, keeps it, and sends it soon after: ${state}`, async (t) => {
      const name = String(state).replace(' ', '-');
      const { line, gateway } = await open(name, t);
      const device = await site.addDevice(name);
      assert.match(await gateway.signIn(device), /^235 /);
      line.state = state;
      const id = await gateway.accept(device, name);
      await eventually('the page says why it waits', async () =>
        (await rowOf(gateway, id)).includes(ERROR_TEXTS.en.broker_unreachable[0]) ? true : undefined,
      );
      assert.deepEqual(await site.copies((subject) => subject === name), []);
      line.state = 'up';
      const { length } = await arrives(site, name, 1, withinSeconds(60));
      assert.equal(length, 1);
      await shownAs(site, id, 'sent');
    });
  }

  it('waits for a slow one', async (t) => {
    const { line, gateway } = await open('slow', t, false);
    const device = await site.addDevice('slow');
    line.state = { slowMs: 700 };
    const id = await gateway.accept(device, 'slow');
    const { attempts } = await shownAs(site, id, 'sent');
    assert.equal(attempts, 1);
    assert.ok(!gateway.output().includes('broker.unreachable'));
  });

  it('says that it was disabled, keeps its mail, and sends it once it is enabled', async (t) => {
    const gateway = await startSiteGateway(site, 'barred', { isQuick: true });
    t.after(() => gateway.close());
    const [known, unknown] = [await site.addDevice('barred-known'), await site.addDevice('barred-unknown')];
    assert.match(await gateway.signIn(known), /^235 /);
    const own = `/devices/${gateway.process.ready.client_id}`;
    await site.broker.administer('PATCH', own, { enabled: false });
    const id = await gateway.accept(known, 'barred');
    assert.match(await gateway.signIn(unknown), /^454 4\.4\.1 The gateway cannot reach the broker/);
    const detail = 'The broker refused the gateway itself: enable it in the console';
    await eventually('the log says so', () => (gateway.output().includes(detail) ? true : undefined));
    await eventually('the page says so', async () => ((await gateway.page()).includes(detail) ? true : undefined));
    assert.equal(await submissionOf(site, id), undefined);
    await site.broker.administer('PATCH', own, { enabled: true });
    await arrives(site, 'barred', 1, withinSeconds(60));
    await shownAs(site, id, 'sent');
  });
});

describe('a gateway whose broker was killed', () => {
  /** Shorter than what a mail session is to have, so it is asked for anew each time, and used to its end while nobody answers. */
  const TOKEN_SECONDS = 150;

  it('serves whom it knows, over a restart too, and has told and sent all soon after the broker is back', async (t) => {
    site.world.standIns.identity.microsoft?.setAccessTokenTtl(TOKEN_SECONDS);
    const gateway = await startSiteGateway(site, 'orphan', { isQuick: true });
    t.after(() => gateway.close());
    const ann = await site.addDevice('ann');
    const bob = await site.addDevice('bob');
    const stranger = await site.addDevice('stranger');
    assert.match(await gateway.signIn(bob), /^235 /);
    const ids = [await gateway.accept(ann, 'orphan: with a new token')];
    await arrives(site, 'orphan: with a new token');
    const tokenLapsesAtMs = Date.now() + (TOKEN_SECONDS * 1000) / SPEED;

    await site.broker.kill();
    ids.push(await gateway.accept(ann, 'orphan: with the cached token'));
    await arrives(site, 'orphan: with the cached token');
    ids.push(await gateway.accept(bob, 'orphan: without a token'));
    assert.match(await gateway.signIn(stranger), /^454 4\.4\.1 The gateway cannot reach the broker/);
    await eventually('the log says so', () => (gateway.output().includes('"broker.unreachable"') ? true : undefined));

    await new Promise((resolve) => setTimeout(resolve, tokenLapsesAtMs - Date.now()));
    ids.push(await gateway.accept(ann, 'orphan: with a token that lapsed'));
    await gateway.process.kill();
    await gateway.start();
    assert.match(await gateway.signIn(stranger), /^454 4\.4\.1 The gateway cannot reach the broker/);
    ids.push(await gateway.accept(ann, 'orphan: after a restart'));
    const page = await gateway.page();
    for (const id of ids.slice(2)) assert.ok(page.includes(id), `${id} is not on the status page`);
    const early = await site.copies((subject) => subject.startsWith('orphan: '));
    assert.equal(early.length, 2);

    await site.broker.start();
    for (const subject of ['orphan: without a token', 'orphan: with a token that lapsed', 'orphan: after a restart']) {
      const { length } = await arrives(site, subject, 1, withinSeconds(60));
      assert.equal(length, 1, subject);
    }
    const shown: Json[] = [];
    for (const id of ids) shown.push(await shownAs(site, id, 'sent'));
    assert.ok(shown.every(({ gateway_id }) => gateway_id === gateway.process.ready.client_id));
    await eventually('the stranger is let in', async () =>
      (await gateway.signIn(stranger)).startsWith('235 ') ? true : undefined,
    );
  });
});
