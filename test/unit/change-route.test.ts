import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { mailWayOf } from '../../shared/domain/mail-way.ts';
import type { Detour, Outbox } from '../../shared/domain/outbox.ts';
import { mailboxReply } from '../../shared/protocol/administration.ts';
import { makeWorld, type Office, openOffice, type Process, startProcess, value, type World } from './support.ts';

const DETOUR: Detour = { since: 100, until: 1000, reason: 'smtp_switched_off', response: '535 5.7.139 is disabled' };

describe('the way of mail', () => {
  it('is SMTP, unless an administrator or the mail server says otherwise', () => {
    const way = (route: 'auto' | 'smtp' | 'api' | undefined, outbox: Outbox, now: number) => {
      const { choice, route: inEffect, detour } = mailWayOf(route === undefined ? {} : { route }, outbox, now);
      return [choice, inEffect, detour];
    };
    assert.deepEqual(way(undefined, {}, 500), ['auto', 'smtp', undefined]);
    assert.deepEqual(way('auto', { detour: DETOUR }, 500), ['auto', 'api', DETOUR]);
    assert.deepEqual(way('auto', { detour: DETOUR }, 1000), ['auto', 'smtp', undefined]);
    assert.deepEqual(way('smtp', { detour: DETOUR }, 500), ['smtp', 'smtp', undefined]);
    assert.deepEqual(way('api', {}, 500), ['api', 'api', undefined]);
  });
});

describe('changing the way of mail', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
  });

  const now = (): number => Math.floor(world.clock.now() / 1000);
  const outboxOf = () => process.records.outboxes.get(office.mailbox.id);
  const setRoute = async (route: 'auto' | 'smtp' | 'api') =>
    value(await process.administration.mailboxes.setRoute(office.mailbox.id, route));

  /** Something waits there, whatever keeps it. */
  const waiting = async (outbox: Outbox, dueAt: number | undefined): Promise<void> => {
    assert.ok(await process.records.outboxes.replace(office.mailbox.id, await outboxOf(), outbox, dueAt));
  };

  it('is kept, shown, and noted down', async () => {
    const changed = await setRoute('api');
    assert.deepEqual([changed.way.choice, changed.way.route], ['api', 'api']);
    const reply = mailboxReply(value(await process.administration.mailboxes.get(office.mailbox.id)));
    assert.deepEqual([reply.route, reply.route_in_effect, reply.detour], ['api', 'api', null]);
    assert.equal((await process.records.mailboxes.get(office.mailbox.id))?.route, 'api');
    const query = { organizationId: office.organization.id, cursor: undefined, limit: 50 };
    const { entries } = await process.administration.history.audit(query);
    const noted = entries.filter(({ action }) => action === 'mailbox.route-changed');
    assert.deepEqual(
      noted.map(({ subject, detail }) => [subject, detail]),
      [[office.mailbox.id, `${office.mailbox.address}: auto to api`]],
    );
    await setRoute('api');
    assert.equal((await process.administration.history.audit(query)).entries.length, entries.length);
  });

  it('wakes what waits, and forgets the detour', async () => {
    const until = now() + 5000;
    const stop = { cause: 'hold', since: 1, until, reason: 'smtp_switched_off', response: '535' } as const;
    await waiting({ stop, detour: { ...DETOUR, until } }, until);
    await setRoute('api');
    const { outbox, dueAt } = await outboxOf();
    assert.deepEqual(outbox, { stop: { ...stop, until: now() } });
    assert.equal(dueAt, now());
  });

  it('calls nobody where nothing waits', async () => {
    await waiting({ detour: { ...DETOUR, until: now() + 5000 } }, undefined);
    await setRoute('smtp');
    assert.deepEqual(await outboxOf().then(({ outbox, dueAt }) => [outbox, dueAt]), [{}, undefined]);
  });

  it('says why the API is used while nobody chose it', async () => {
    await waiting({ detour: { ...DETOUR, since: now(), until: now() + 5000 } }, undefined);
    const { mailboxes } = process.administration;
    const [listed] = await mailboxes.list(office.organization.id);
    assert.ok(listed);
    const reply = mailboxReply(listed);
    assert.deepEqual([reply.route, reply.route_in_effect], ['auto', 'api']);
    assert.equal(reply.detour?.kind, 'smtp_switched_off');
    assert.equal(reply.detour?.message, DETOUR.response);
    assert.match(reply.detour?.text ?? '', /SMTP/);
  });

  it('finds no mailbox that was removed', async () => {
    const result = await process.administration.mailboxes.setRoute('mbx_none', 'api');
    assert.ok(!result.ok && result.error.kind === 'not_found');
  });
});
