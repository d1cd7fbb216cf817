import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { CutAt } from '../../fakes/pop3-model.ts';
import { DOOR_LIMITS, mailOf, type Pop3Door, startPop3Door } from './pop3-door.ts';

describe('a provider that ends POP3 sessions anywhere while mail comes and goes', () => {
  let door: Pop3Door;
  before(async () => {
    door = await startPop3Door();
  });
  afterEach(() => {
    door.settings.onCut = () => undefined;
    door.settings.limits = DOOR_LIMITS;
  });
  after(() => door.close());

  const COMMANDS = [
    'STAT',
    'LIST',
    'UIDL',
    'RETR 1',
    'RETR 2',
    'RETR 4',
    'DELE 1',
    'DELE 2',
    'DELE 3',
    'DELE 4',
    'RSET',
    'NOOP',
    'TOP 1 0',
    'UIDL 3',
  ];
  const cut = fc.record({
    at: fc.constantFrom<CutAt>('idle', 'before', 'refused', 'middle', 'after'),
    command: fc.integer({ min: 2, max: 7 }),
  });
  const change = fc.constantFrom('none', 'none', 'none', 'append', 'append', 'insert', 'remove_first', 'remove_last');
  const story = fc.record({
    size: fc.integer({ min: 0, max: 4 }),
    cuts: fc.array(fc.option(cut, { nil: undefined, freq: 8 }), { maxLength: 4 }),
    changes: fc.array(change, { minLength: 4, maxLength: 4 }),
    commands: fc.array(fc.constantFrom(...COMMANDS), { maxLength: 10 }),
    pauses: fc.boolean(),
  });

  it('loses no deletion, and deletes no other message', async () => {
    let [quits, resumed] = [0, 0];
    door.settings.limits = { ...DOOR_LIMITS, hangUpMs: 5 };
    await fc.assert(
      fc.asyncProperty(story, async ({ size, cuts, changes: planned, commands, pauses }) => {
        let made = size;
        const left = [...planned];
        door.settings.onCut = () => {
          made += 1;
          const what = left.shift();
          if (what === 'append') door.model.mailbox.push(mailOf(`m${made}`));
          if (what === 'insert') door.model.mailbox.unshift(mailOf(`m${made}`));
          if (what === 'remove_first') door.model.mailbox.shift();
          if (what === 'remove_last') door.model.mailbox.pop();
        };
        const pop = await door.begin(
          Array.from({ length: size }, (_, index) => mailOf(`m${index + 1}`)),
          ...cuts,
        );
        /** What the device takes each number for: the first that it hears of it. */
        const known = new Map<number, string>();
        const learn = (number: number, uid: string): void => {
          assert.equal(known.get(number) ?? uid, uid, `message ${number} has become another`);
          known.set(number, uid);
        };
        const wanted = new Set<number>();
        const asked = new Set<number>();
        let isOver = false;
        for (const command of [...commands, 'QUIT']) {
          if (pauses) await sleep(2);
          const [verb, argument = ''] = command.split(' ');
          // Whatever becomes of it, the device has asked for it.
          if (verb === 'DELE') asked.add(Number(argument));
          const reply = await pop.say(command);
          if (reply === undefined) {
            isOver = true;
            break;
          }
          if (!reply.startsWith('+OK')) continue;
          if (verb === 'UIDL' && argument === '')
            for (const [, number, uid = ''] of reply.matchAll(/^(\d+) (\S+)\r$/gm)) learn(Number(number), uid);
          if (verb === 'UIDL' && argument !== '') learn(Number(argument), reply.trim().split(' ')[2] ?? '');
          if (verb === 'RETR' || verb === 'TOP')
            learn(Number(argument.split(' ')[0]), /Subject: (\S+)/.exec(reply)?.[1] ?? '');
          if (verb === 'DELE') wanted.add(Number(argument));
          if (verb === 'RSET') wanted.clear();
          if (verb === 'QUIT') {
            quits += 1;
            // Which message a number stood for that the device never looked at, the mailbox of then tells.
            const meant = [...wanted].map((number) => known.get(number) ?? `m${number}`);
            if ([...wanted].every((number) => known.has(number) || number <= size))
              assert.deepEqual(pop.removed().toSorted(), meant.toSorted());
            isOver = true;
          }
        }
        assert.ok(isOver || (await pop.say('NOOP')) === undefined);
        pop.socket.destroy();
        resumed += (await door.ended()).reconnects;
        for (const uid of pop.removed())
          assert.ok(
            [...asked].some((number) => (known.get(number) ?? `m${number}`) === uid || number > size),
            `${uid} was removed, and nobody asked for it`,
          );
      }),
      { numRuns: 200 },
    );
    assert.ok(quits > 50 && resumed > 50, `only ${quits} ended well, and ${resumed} went on`);
  });
});
