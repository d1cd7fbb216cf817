import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { isLive, type LiveGrant } from '../../shared/domain/grant.ts';
import { dueShards } from '../../shared/domain/timing.ts';
import { makeFuse } from '../fakes/fuse.ts';
import { REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  meanwhile,
  now,
  type Office,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('the upkeep of grants', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const fetch = (changes = {}) => process.fetchToken(tokenRequest(office.credential, changes));

  /** Lets the sweep run at its times, every minute or coarser, with the workers behind it. */
  const letPass = async (seconds: number, everySeconds = 60, each: () => Promise<unknown> = async () => undefined) => {
    for (let passed = 0; passed < seconds; passed += everySeconds) {
      await advanceSeconds(world, everySeconds);
      await process.sweepGrants();
      await settle(world, process.workGrants());
      await each();
    }
  };

  const dueAt = async (): Promise<number | undefined> => {
    const item = await world.table.get({ pk: `mailbox#${office.mailbox.id}`, sk: 'grant' });
    return item?.dueAt as number | undefined;
  };

  const liveGrant = async (): Promise<LiveGrant> => {
    const { grant } = await process.records.grants.get(office.mailbox.id);
    assert.ok(isLive(grant));
    return grant;
  };

  it('keeps the token of a grant in use warm, so that no device ever waits for the provider', async () => {
    value(await fetch());
    const before = world.microsoft.refreshCalls;
    let byDevices = 0;
    await letPass(12 * HOUR, 60, async () => {
      const calls = world.microsoft.refreshCalls;
      const { expiresInSeconds } = value(await fetch());
      byDevices += world.microsoft.refreshCalls - calls;
      assert.ok(expiresInSeconds >= 840, `${expiresInSeconds} s left`);
    });
    assert.equal(byDevices, 0);
    // A token of an hour is renewed a quarter of an hour before its end, or up to ten minutes sooner.
    const calls = world.microsoft.refreshCalls - before;
    assert.ok(calls >= 16 && calls <= 20, `${calls} calls`);
  });

  it('keeps every audience in use warm', async () => {
    value(await fetch());
    await advanceSeconds(world, 700);
    value(await fetch({ audience: 'imap' }));
    await letPass(HOUR);
    for (const audience of ['smtp', 'imap']) {
      const calls = world.microsoft.refreshCalls;
      assert.ok(value(await fetch({ audience })).expiresInSeconds > 900);
      assert.equal(world.microsoft.refreshCalls, calls);
    }
  });

  it('asks nothing for an audience that was used under an earlier sign-in and is not part of this one', async () => {
    value(await fetch({ audience: 'imap' }));
    const scopes = ['https://outlook.office.com/SMTP.Send'];
    value(await signIn(world, process, office.mailbox, { scopes }));
    await letPass(HOUR);
    assert.ok(((await dueAt()) ?? 0) > now(world), 'the sweep is not kept busy with it');
    assert.ok(value(await fetch()).expiresInSeconds > 0);
  });

  it('uses the refresh token of an idle grant once a day, and no more', async () => {
    await letPass(2 * DAY, 600);
    const before = world.microsoft.refreshCalls;
    await letPass(30 * DAY, 600);
    assert.equal(world.microsoft.refreshCalls - before, 30);
    value(await fetch());
  });

  it('finds a dead idle grant within 36 hours, before a device asks', async () => {
    world.microsoft.revoke('subject-of-scan@contoso.example');
    await letPass(36 * HOUR, 600);
    assert.equal((await process.records.grants.get(office.mailbox.id)).grant.state, 'invalid');
    assert.equal(await dueAt(), undefined);
    assert.equal(world.log.of('grant.invalid').length, 1);
  });

  it('lets a grant that is no longer used cool down to the daily use', async () => {
    await letPass(6 * HOUR, 300, fetch);
    await letPass(4 * DAY, 300);
    const before = world.microsoft.refreshCalls;
    await letPass(4 * DAY, 300);
    assert.equal(world.microsoft.refreshCalls - before, 4);
  });

  it('leaves the grants of a disabled organization alone, and takes them up again when it is enabled', async () => {
    value(await fetch());
    const { organizations } = process.administration;
    value(await organizations.update(office.organization.id, { enabled: false }));
    const before = world.microsoft.refreshCalls;
    await letPass(5 * DAY, 600);
    assert.equal(world.microsoft.refreshCalls, before);
    assert.ok(isLive((await process.records.grants.get(office.mailbox.id)).grant));
    value(await organizations.update(office.organization.id, { enabled: true }));
    await letPass(3 * DAY, 600);
    assert.ok(world.microsoft.refreshCalls > before);
    assert.ok(now(world) - ((await liveGrant()) as { provenAt: number }).provenAt < 36 * HOUR);
  });

  it('obeys the back-off of a provider that is down, and catches up when it is back', async () => {
    value(await fetch());
    await advanceSeconds(world, 2800);
    world.microsoft.failAlways(unavailable(1200));
    const before = world.microsoft.refreshCalls;
    await letPass(HOUR);
    assert.ok(world.microsoft.refreshCalls - before <= 4, `${world.microsoft.refreshCalls - before} calls`);
    world.microsoft.failAlways(undefined);
    await letPass(21 * 60);
    const calls = world.microsoft.refreshCalls;
    value(await fetch());
    assert.equal(world.microsoft.refreshCalls, calls);
  });

  it('does not look every minute at an idle grant that may not be asked for yet', async () => {
    await advanceSeconds(world, 2 * DAY);
    world.microsoft.failNext(unavailable(4 * HOUR));
    await process.maintainGrant({ mailboxId: office.mailbox.id });
    // A device still wants it; that must not bring it to the front of every sweep.
    await process.records.grants.recordUse(office.mailbox.id, 'smtp', now(world), now(world));
    await process.maintainGrant({ mailboxId: office.mailbox.id });
    assert.ok(((await dueAt()) ?? 0) > now(world));
  });

  it('forgets nothing when a worker dies: the grant is still due', async () => {
    world.microsoft.rotation = 'lenient';
    for (const write of [1, 2]) {
      value(await fetch());
      await advanceSeconds(world, 2800);
      const dying = startProcess(world, { fuse: makeFuse(write, 'before') });
      await settle(
        world,
        dying.maintainGrant({ mailboxId: office.mailbox.id }).catch(() => undefined),
      );
      await advanceSeconds(world, 31);
      assert.equal(await process.sweepGrants(), 1);
      await settle(world, process.workGrants());
      assert.ok(((await dueAt()) ?? 0) > now(world));
    }
  });

  it('does no work twice for a grant that stands in the queue twice', async () => {
    value(await fetch());
    await advanceSeconds(world, 2800);
    const before = world.microsoft.refreshCalls;
    await process.sweepGrants();
    await process.sweepGrants();
    const others = [process, startProcess(world), startProcess(world)].map((one) => one.workGrants());
    await settle(world, Promise.all(others));
    assert.equal(world.microsoft.refreshCalls - before, 1);
  });

  it('passes over a grant that is gone', async () => {
    await process.maintainGrant({ mailboxId: 'mbx_none' });
    value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
    value(await process.administration.mailboxes.remove(office.mailbox.id));
    await process.maintainGrant({ mailboxId: office.mailbox.id });
    assert.deepEqual(await allDue(world), []);
  });

  it('finds a fleet of grants due at all hours, not at one', async () => {
    const hours = new Set<number>();
    for (let index = 0; index < 60; index++) {
      const { mailbox } = value(
        await process.administration.mailboxes.create(office.organization.id, {
          provider: 'microsoft',
          address: `scan${index}@contoso.example`,
          aliases: [],
        }),
      );
      value(await signIn(world, process, mailbox));
    }
    for (const { dueAt: at } of await allDue(world)) hours.add(Math.floor((at % DAY) / HOUR));
    assert.ok(hours.size > 15, `${hours.size} hours`);
  });

  it('serves the token at hand while a renewal hangs', async () => {
    value(await fetch());
    await advanceSeconds(world, 2800);
    world.microsoft.requestGate.close();
    const hanging = process.maintainGrant({ mailboxId: office.mailbox.id });
    await meanwhile(world);
    assert.equal(value(await fetch()).expiresInSeconds, 800);
    world.microsoft.requestGate.open();
    await settle(world, hanging);
  });

  it('asks again once the wait after a fault is over, though nothing else is due', async () => {
    world.microsoft.failNext(REGISTRATION_REFUSED);
    failure(await fetch({ audience: 'imap' }));
    await letPass(10 * 60);
    assert.equal((await liveGrant()).trouble, undefined);
  });
});

const allDue = async ({ table }: World) => {
  const lists = await Promise.all(
    dueShards('grant-microsoft').map((shard) => table.due(shard, Number.MAX_SAFE_INTEGER, 1000)),
  );
  return lists.flat();
};
