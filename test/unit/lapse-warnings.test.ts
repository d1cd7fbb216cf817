import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { isLive, lapsesAt } from '../../shared/domain/grant.ts';
import { unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  makeWorld,
  now,
  type Office,
  type Process,
  settle,
  signedInOffice,
  startProcess,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('the warnings before a grant lapses', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const warnings = () => world.log.of('grant.expiring');

  const lapse = async (): Promise<number> => {
    const { grant } = await process.records.grants.get(office.mailbox.id);
    assert.ok(isLive(grant));
    return lapsesAt(grant) ?? 0;
  };

  /** Lets sweep and workers run every six hours; each warning comes with the days that are left when it is given. */
  const letPass = async (seconds: number): Promise<(readonly [days: unknown, left: number])[]> => {
    const given: (readonly [unknown, number])[] = [];
    for (let passed = 0; passed < seconds; passed += 6 * HOUR) {
      await advanceSeconds(world, 6 * HOUR);
      const before = warnings().length;
      const lapses = await lapse();
      // Another process each time: what was said already is known from the table alone.
      const worker = startProcess(world);
      await worker.sweepGrants();
      await settle(world, worker.workGrants());
      for (const { fields } of warnings().slice(before)) given.push([fields.days, (lapses - now(world)) / DAY]);
    }
    return given;
  };

  const enable = async (enabled: boolean) =>
    value(await process.administration.organizations.update(office.organization.id, { enabled }));

  const audited = async () => {
    const query = { organizationId: office.organization.id, cursor: undefined, limit: 200 };
    const { entries } = await process.administration.history.audit(query);
    return entries.filter(({ action }) => action === 'grant.expiring').reverse();
  };

  /** Once each, and within the day in which it is reached: idle grants are looked at daily. */
  const assertOnceEach = (given: Awaited<ReturnType<typeof letPass>>): void => {
    assert.deepEqual(
      given.map(([days]) => days),
      [60, 30, 7, 1],
    );
    for (const [days, left] of given) assert.ok(left <= Number(days) && left > Number(days) - 1.3, `${days}: ${left}`);
  };

  it('come once each, 60, 30, 7 and 1 days before, for a grant of a disabled organization', async () => {
    await enable(false);
    assertOnceEach(await letPass(93 * DAY));
    const entries = await audited();
    assert.deepEqual(
      entries.map(({ by, subject, detail = '' }) => [by, subject, /within (\d+) days/.exec(detail)?.[1]]),
      ['60', '30', '7', '1'].map((days) => ['broker', office.mailbox.id, days]),
    );
  });

  it('come once each while the provider is down for long, with the reason', async () => {
    world.microsoft.failAlways(unavailable());
    assertOnceEach(await letPass(93 * DAY));
    for (const { fields } of warnings()) {
      assert.deepEqual([fields.mailbox_id, fields.reason], [office.mailbox.id, 'provider_unavailable']);
    }
    assert.equal((await audited()).length, 4);
  });

  it('do not come for a grant that is used', async () => {
    assert.deepEqual(await letPass(95 * DAY), []);
  });

  it('begin anew after a refresh has succeeded', async () => {
    await enable(false);
    const days = async (seconds: number) => (await letPass(seconds)).map(([warned]) => warned);
    assert.deepEqual(await days(62 * DAY), [60, 30]);
    await enable(true);
    assert.deepEqual(await days(3 * DAY), []);
    assert.equal((await process.describeMailbox(office.mailbox)).lapseWarningDays, undefined);
    await enable(false);
    assert.deepEqual(await days(62 * DAY), [60, 30]);
  });
});
