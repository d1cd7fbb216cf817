import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { MAILBOX_LIMITS } from '../../shared/domain/outbox.ts';
import { SENDING_SECONDS } from '../../shared/domain/timing.ts';
import type { PaceStep } from '../../shared/ports/gateway-link.ts';
import { makeMailboxPace } from '../../shared/usecases/mail/mailbox-pace.ts';
import { type GatewayOffice, gatewayOffice, newDevice, presented, serviceOf } from './gateway-office.ts';
import { advanceSeconds, makeWorld, value, type World } from './support.ts';

const LIMITS = MAILBOX_LIMITS.microsoft;

describe("a gateway's part in a mailbox's pace", () => {
  let world: World;
  let office: GatewayOffice;

  beforeEach(async () => {
    world = makeWorld();
    office = await gatewayOffice(world);
    value(await office.link.admit(presented(office)));
  });

  const step = async (changes: Partial<PaceStep> = {}, by = office.link) =>
    value(await by.pace({ mailboxId: office.mailbox.id, owner: 'run-1', wants: 'permit', ...changes }));
  const paceNow = async () => (await office.process.records.outboxes.pace(office.mailbox.id)).pace;
  const sentSecondsAgo = async () => (await paceNow()).sentAt.map((at) => (world.clock.now() - at) / 1000);

  it('counts a message when it was taken, which no clock can put into the future, nor far back', async () => {
    for (const [told, counted] of [
      [12, 12],
      [-5, 0],
      [1e9, SENDING_SECONDS],
    ] as const) {
      await advanceSeconds(world, 120);
      await step();
      await step({ ended: { wasSent: true, secondsAgo: told }, wants: 'release' });
      const ago = await sentSecondsAgo();
      assert.equal(ago.at(-1), counted);
      await world.table.write({ delete: { pk: `outbox#${office.mailbox.id}`, sk: 'pace' } });
    }
  });

  it('counts a message once, though the gateway says it again as the answer was lost', async () => {
    await step();
    await step({ ended: { wasSent: true, secondsAgo: 1 }, wants: 'release' });
    await step({ ended: { wasSent: true, secondsAgo: 1 }, wants: 'release' });
    assert.equal((await paceNow()).sentAt.length, 1);
  });

  it('has heard of a message though there is no leave for the next', async () => {
    for (let sent = 0; sent < LIMITS.messagesPerMinute; sent++) {
      await step(sent === 0 ? {} : { ended: { wasSent: true, secondsAgo: 0 } });
    }
    const ended = { wasSent: true, secondsAgo: 0 };
    assert.equal((await step({ ended })).granted, false);
    assert.equal((await step({ ended })).granted, false);
    assert.equal((await paceNow()).sentAt.length, LIMITS.messagesPerMinute);
  });

  /** What the mail server sees of everybody together. */
  const server = () => {
    const open = new Set<string>();
    const takenAt: number[] = [];
    return {
      open,
      take(): void {
        takenAt.push(world.clock.now());
        const inMinute = takenAt.filter((at) => at > world.clock.now() - 60_000).length;
        assert.ok(inMinute <= LIMITS.messagesPerMinute, `${inMinute} messages in a minute`);
      },
      connect(who: string): void {
        open.add(who);
        assert.ok(open.size <= LIMITS.connections, `${open.size} connections`);
      },
    };
  };

  /** Somebody who sends for the mailbox, as the server and the pace see them. */
  interface Sender {
    /** Asks for leave, and says what became of the message before. True: one message is on its way. */
    ask(ended: PaceStep['ended']): Promise<boolean>;
    release(ended: PaceStep['ended']): Promise<void>;
    /** Dies and begins anew, without a word. */
    die(): void;
  }

  const relay = (holder: string): Sender => {
    let runs = 0;
    const anew = () =>
      makeMailboxPace({ outboxes: office.process.records.outboxes, clock: world.clock })(
        office.mailbox.id,
        { holder, owner: `${holder}-${runs++}` },
        LIMITS,
      );
    let pace = anew();
    const tell = (ended: PaceStep['ended']) => ended && pace.ended(ended.wasSent);
    return {
      async ask(ended) {
        tell(ended);
        return (await pace.permit()).granted;
      },
      async release(ended) {
        tell(ended);
        await pace.release();
      },
      die() {
        pace = anew();
      },
    };
  };

  const gateway = async (clientName: string): Promise<Sender> => {
    const { device } = await newDevice(office.process, office.organization.id, clientName);
    const link = serviceOf(office.process)({ ...office.gateway, gatewayId: device.clientId });
    value(await link.admit(presented(office)));
    let runs = 0;
    const told = (ended: PaceStep['ended']) => (ended === undefined ? {} : { ended });
    return {
      async ask(ended) {
        // Each answer is lost once, and asked for again.
        await step({ ...told(ended), owner: `run-${runs}` }, link);
        return (await step({ ...told(ended), owner: `run-${runs}` }, link)).granted;
      },
      async release(ended) {
        await step({ ...told(ended), owner: `run-${runs}`, wants: 'release' }, link);
      },
      die() {
        runs++;
      },
    };
  };

  const ACTIONS = fc.array(
    fc.record({
      who: fc.nat(3),
      what: fc.constantFrom('send', 'send', 'send', 'fail', 'release', 'die', 'linger'),
      thenMs: fc.constantFrom(0, 0, 0, 50, 1000, 9000),
    }),
    { minLength: 60, maxLength: 200 },
  );

  it('keeps relay, test and two gateways together to 3 connections and 30 messages a minute', async () => {
    await fc.assert(
      fc.asyncProperty(ACTIONS, async (actions) => {
        world = makeWorld();
        office = await gatewayOffice(world);
        const senders = [relay('relay'), relay('test'), await gateway('First'), await gateway('Second')];
        const seen = server();
        const endings: ((PaceStep['ended'] & { readonly at: number }) | undefined)[] = senders.map(() => undefined);
        let sent = 0;
        for (const { who, what, thenMs } of actions) {
          const sender = senders[who];
          assert.ok(sender);
          const before = endings[who];
          const ended = before && { wasSent: before.wasSent, secondsAgo: (world.clock.now() - before.at) / 1000 };
          if (what === 'release') {
            await sender.release(ended);
            seen.open.delete(String(who));
            endings[who] = undefined;
          } else if (what === 'die') {
            sender.die();
            seen.open.delete(String(who));
            endings[who] = undefined;
          } else if (await sender.ask(ended)) {
            endings[who] = undefined;
            seen.connect(String(who));
            if (what === 'linger') await world.clock.advance(2000);
            if (what !== 'fail') seen.take();
            if (what !== 'fail') sent++;
            endings[who] = { wasSent: what !== 'fail', secondsAgo: 0, at: world.clock.now() };
          }
          await world.clock.advance(thenMs);
        }
        assert.ok(sent > 0);
      }),
      { numRuns: 40 },
    );
  });
});
