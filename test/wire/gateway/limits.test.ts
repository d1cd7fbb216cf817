import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAILBOX_LIMITS } from '../../../shared/domain/outbox.ts';
import { basicOf, eventually, postMessage } from '../support.ts';
import { scanNamed } from './device.ts';
import { type Site, type SiteDevice, startSite } from './site.ts';
import { type SiteGateway, startSiteGateway } from './site-gateway.ts';

/** What each hands in at once: together twice what may be sent within a minute. */
const EACH = 20;

/** Long enough for several more to slip through, were there nothing to hold them; and well within the minute. */
const QUIET_MS = 6_000;

/** What one gateway takes of a mailbox while nobody can tell it of the others. */
const ALONE = 10;

describe('the limits of a mailbox that the relay and two gateways use at the same time', () => {
  let site: Site;
  let gateways: readonly SiteGateway[];
  const limits = MAILBOX_LIMITS.microsoft;

  before(async () => {
    site = await startSite();
    gateways = await Promise.all(['north', 'south'].map((name) => startSiteGateway(site, name)));
  });
  after(async () => {
    await Promise.all((gateways ?? []).map((gateway) => gateway.close()));
    await site?.close();
  });

  const arrivedOf = async (prefix: string) => site.copies((subject) => subject.startsWith(prefix));
  const connectionsOf = ({ from }: SiteDevice) => site.world.standIns.mail.counters().atMostByUser[from] ?? 0;

  /** As many as a device may; then how many have arrived, and none more since. */
  const untilQuiet = async (prefix: string, atLeast: number): Promise<number> => {
    await eventually(`${atLeast} arrive`, async () => ((await arrivedOf(prefix)).length >= atLeast ? true : undefined));
    await sleep(QUIET_MS);
    return (await arrivedOf(prefix)).length;
  };

  const handInAll = async (gateway: SiteGateway, device: SiteDevice, prefix: string, count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      await gateway.accept(device, `${prefix}${String(index).padStart(2, '0')}`);
    }
  };

  it('hold over all of them together, and each keeps its order', async (t) => {
    const device = await site.addDevice('shared');
    // A mail takes a while, so that they meet.
    const slow = { kind: 'delay', milliseconds: 60 } as const;
    site.line.at('.', slow, { user: device.from, times: Number.POSITIVE_INFINITY });
    const basic = basicOf(device.clientId, device.clientSecret);
    const byRelay = async (): Promise<void> => {
      for (let index = 0; index < EACH; index++) {
        const message = scanNamed(`shared-relay-${String(index).padStart(2, '0')}`);
        const { status } = await postMessage(site.broker, { ...device, basic } as never, message);
        assert.equal(status, 202);
      }
    };
    await Promise.all([
      byRelay(),
      ...gateways.map((gateway, index) => handInAll(gateway, device, `shared-${index}-`, EACH)),
    ]);
    const arrived = await untilQuiet('shared-', limits.messagesPerMinute);
    assert.equal(arrived, limits.messagesPerMinute);
    const copies = await arrivedOf('shared-');
    for (const who of ['relay', '0', '1']) {
      const mine = copies.map(({ subject }) => subject).filter((subject) => subject.startsWith(`shared-${who}-`));
      assert.deepEqual(mine, mine.toSorted(), 'the order was not kept');
      assert.ok(mine.length > 0, `${who} had no share`);
    }
    const connections = connectionsOf(device);
    assert.ok(connections > 1 && connections <= limits.connections, `${connections} connections at once`);
    t.diagnostic(`${arrived} of ${3 * EACH} within the minute, by at most ${connections} connections at once`);
  });

  it('hold over two gateways that nobody tells of each other, as the broker is away', async (t) => {
    const device = await site.addDevice('alone');
    // Both have a token.
    for (const [index, gateway] of gateways.entries()) await handInAll(gateway, device, `alone-${index}-first-`, 1);
    await eventually('both are warm', async () => ((await arrivedOf('alone-')).length === 2 ? true : undefined));
    await site.broker.kill();
    await Promise.all(gateways.map((gateway, index) => handInAll(gateway, device, `alone-${index}-then-`, EACH)));
    const arrived = await untilQuiet('alone-', 2 * ALONE);
    assert.equal(arrived, 2 * ALONE);
    assert.ok(connectionsOf(device) <= gateways.length);
    t.diagnostic(`${arrived} of ${2 * EACH + 2} within the minute`);
  });
});
