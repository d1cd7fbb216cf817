import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cut, CutAt, ModelMail } from '../../fakes/pop3-model.ts';
import { DOOR_LIMITS, mailOf, type Pop3Door, startPop3Door } from './pop3-door.ts';

describe('a POP3 session through the gateway', () => {
  let door: Pop3Door;
  before(async () => {
    door = await startPop3Door();
  });
  afterEach(() => {
    door.settings.onCut = () => undefined;
    door.settings.limits = DOOR_LIMITS;
  });
  after(() => door.close());

  const THREE = ['a', 'b', 'c'].map(mailOf);
  const at = (place: CutAt, command: number): Cut => ({ at: place, command });

  it('passes every answer as the provider has it', async () => {
    const pop = await door.begin(THREE);
    assert.equal(await pop.say('STAT'), '+OK 3 0\r\n');
    assert.equal(await pop.say('uidl'), '+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n');
    assert.equal(await pop.say('LIST 2'), `+OK 2 ${mailOf('b').text.length}\r\n`);
    assert.equal(await pop.say('RETR 2'), '+OK\r\nSubject: b\r\n\r\nThis is b.\r\n..\r\n...twice\r\n.\r\n');
    assert.equal(await pop.say('RETR 9'), '-ERR no such message\r\n');
    assert.equal(await pop.say('QUIT'), '+OK bye\r\n');
    assert.equal((await door.ended()).how, 'quit');
  });

  it('goes on in a new session when the provider has ended the first, and deletes there what was deleted', async () => {
    // The first command is the gateway's own UIDL.
    const pop = await door.begin(THREE, at('idle', 3));
    await pop.say('DELE 1');
    assert.equal(await pop.say('DELE 3'), '+OK deleted\r\n');
    await sleep(30);
    assert.equal(await pop.say('UIDL 2'), '+OK 2 b\r\n');
    assert.equal(await pop.say('QUIT'), '+OK bye\r\n');
    assert.deepEqual(pop.heard(), ['1 DELE 1', '1 DELE 3', '2 DELE 1', '2 DELE 3', '2 UIDL 2', '2 QUIT']);
    assert.deepEqual(pop.removed(), ['a', 'c']);
    assert.deepEqual({ ...(await door.ended()), bytes: 0 }, { how: 'quit', bytes: 0, reconnects: 1 });
  });

  it('deletes nothing anew that was taken back', async () => {
    const pop = await door.begin(THREE, at('idle', 4));
    await pop.say('DELE 1');
    await pop.say('RSET');
    await pop.say('DELE 2');
    await sleep(30);
    assert.equal(await pop.say('QUIT'), '+OK bye\r\n');
    assert.deepEqual(pop.removed(), ['b']);
  });

  for (const place of ['before', 'refused'] as const) {
    it(`asks once more what was not answered: ${place}`, async () => {
      const pop = await door.begin(THREE, at(place, 3));
      await pop.say('DELE 2');
      assert.match((await pop.say('RETR 1')) ?? '', /^\+OK\r\nSubject: a\r\n/);
      assert.equal(await pop.say('QUIT'), '+OK bye\r\n');
      assert.deepEqual(pop.heard(), ['1 DELE 2', '1 RETR 1', '2 DELE 2', '2 RETR 1', '2 QUIT']);
    });
  }

  it('asks no third time', async () => {
    const pop = await door.begin(THREE, at('before', 2), at('before', 2));
    assert.match((await pop.say('RETR 1')) ?? '', /^-ERR \[SYS\/TEMP\] /);
    assert.equal(await pop.say('NOOP'), undefined);
    assert.equal(door.reopens(), 1);
  });

  it('hangs up where an answer breaks off', async () => {
    const pop = await door.begin(THREE, at('middle', 2));
    assert.equal(await pop.say('RETR 1'), undefined);
    assert.equal((await door.ended()).how, 'provider_ended');
    assert.equal(door.reopens(), 0);
  });

  it('says that nothing may have been deleted when QUIT is not answered, and asks it of nobody again', async () => {
    const pop = await door.begin(THREE, at('before', 3));
    await pop.say('DELE 2');
    assert.match((await pop.say('QUIT')) ?? '', /^-ERR \[SYS\/TEMP\] /);
    assert.deepEqual(pop.heard(), ['1 DELE 2', '1 QUIT']);
    assert.deepEqual(pop.removed(), []);
  });

  it('needs no new session to end one in which nothing was deleted', async () => {
    const pop = await door.begin(THREE, at('idle', 2));
    await pop.say('NOOP');
    await sleep(30);
    assert.match((await pop.say('QUIT')) ?? '', /^\+OK/);
    assert.equal(door.reopens(), 0);
  });

  it('goes on where mail has come at the end, and takes that for its own from then on', async () => {
    const pop = await door.begin(THREE, at('idle', 2), at('idle', 4));
    door.settings.onCut = () => door.model.mailbox.push(mailOf(`new-${door.model.mailbox.length}`));
    await pop.say('DELE 1');
    await sleep(30);
    // UIDL and DELE of the gateway come first.
    assert.equal(await pop.say('UIDL 4'), '+OK 4 new-3\r\n');
    assert.equal(await pop.say('DELE 4'), '+OK deleted\r\n');
    await sleep(30);
    assert.equal(await pop.say('QUIT'), '+OK bye\r\n');
    assert.deepEqual(pop.removed(), ['a', 'new-3']);
  });

  it('deletes none that came in the place of one that was seen after a reconnection', async () => {
    const pop = await door.begin(THREE, at('idle', 2), at('idle', 4));
    const arrivals = ['four', 'five'].map(mailOf);
    door.settings.onCut = () => {
      door.model.mailbox = [...door.model.mailbox.slice(0, 3), ...arrivals.splice(0, 1)];
    };
    await pop.say('NOOP');
    await sleep(30);
    assert.equal(await pop.say('UIDL 4'), '+OK 4 four\r\n');
    await pop.say('NOOP');
    assert.equal(await pop.say('DELE 4'), '+OK deleted\r\n');
    await sleep(30);
    assert.match((await pop.say('QUIT')) ?? '', /^-ERR \[SYS\/TEMP\] The mailbox has changed/);
    assert.deepEqual(pop.removed(), []);
  });

  const changes: readonly (readonly [string, (mailbox: ModelMail[]) => ModelMail[]])[] = [
    ['has lost one', (mailbox) => mailbox.slice(1)],
    ['has lost the last', (mailbox) => mailbox.slice(0, -1)],
    ['has a new one among them', (mailbox) => [mailOf('new'), ...mailbox]],
    ['has another in the place of one', (mailbox) => mailbox.with(1, mailOf('other'))],
  ];
  for (const [name, change] of changes) {
    it(`deletes nothing where the mailbox ${name}`, async () => {
      const pop = await door.begin(THREE, at('idle', 2));
      door.settings.onCut = () => {
        door.model.mailbox = change(door.model.mailbox);
      };
      await pop.say('DELE 2');
      await sleep(30);
      assert.match((await pop.say('RETR 1')) ?? '', /^-ERR \[SYS\/TEMP\] The mailbox has changed/);
      assert.equal(await pop.say('QUIT'), undefined);
      assert.deepEqual(pop.removed(), []);
      assert.equal((await door.ended()).how, 'not_resumed');
    });
  }

  it('sends no QUIT for a device that goes without one', async () => {
    const pop = await door.begin(THREE);
    await pop.say('DELE 1');
    pop.socket.destroy();
    assert.equal((await door.ended()).how, 'device_ended');
    assert.deepEqual(pop.heard(), ['1 DELE 1']);
    assert.deepEqual(pop.removed(), []);
  });

  it('answers one after the other what a device sends at once', async () => {
    const pop = await door.begin(THREE);
    pop.socket.write('STAT\r\nRETR 1\r\n');
    assert.equal(await pop.say('UIDL 1'), '+OK 3 0\r\n');
    assert.deepEqual(pop.heard().slice(0, 1), ['1 STAT']);
    pop.socket.destroy();
    await door.ended();
  });

  it('ends a line for the provider as the standard wants it', async () => {
    const pop = await door.begin(THREE);
    pop.socket.write('STAT\n');
    assert.equal(await pop.say('QUIT'), '+OK 3 0\r\n');
    await door.ended();
    assert.deepEqual(pop.heard(), ['1 STAT', '1 QUIT']);
  });

  it('keeps a password, and what could be two commands, from the provider', async () => {
    const pop = await door.begin(THREE);
    assert.match((await pop.say('PASS secret')) ?? '', /^-ERR/);
    assert.match((await pop.say('AUTH PLAIN AGEAYg==')) ?? '', /^-ERR/);
    assert.match((await pop.say('NOOP\rDELE 1')) ?? '', /^-ERR/);
    assert.match((await pop.say('')) ?? '', /^-ERR/);
    await pop.say('QUIT');
    assert.deepEqual(pop.heard(), ['1 QUIT']);
  });

  it('lets pass what it does not know, and goes on no more after that', async () => {
    const pop = await door.begin(THREE, at('idle', 3));
    assert.equal(await pop.say('XTND XLST'), '+OK\r\n');
    assert.equal(await pop.say('NOOP'), 'whatever\r\n');
    pop.socket.resume();
    assert.equal((await door.ended()).how, 'unwatched');
    assert.equal(door.reopens(), 0);
  });

  it('does not go on without end with a provider that ends every session', async () => {
    door.settings.limits = { ...DOOR_LIMITS, reconnects: 2 };
    const pop = await door.begin(THREE, at('after', 2), at('after', 2), at('after', 2), at('after', 2));
    const replies: (string | undefined)[] = [];
    for (let time = 0; time < 4; time++) {
      replies.push((await pop.say('NOOP'))?.slice(0, 4));
      await sleep(30);
    }
    assert.deepEqual(replies, ['+OK\r', '+OK\r', '+OK\r', '-ERR']);
    assert.equal(door.reopens(), 2);
  });

  it('does not wait for ever for a provider that says nothing', async () => {
    door.settings.limits = { ...DOOR_LIMITS, silenceMs: 100 };
    const pop = await door.begin(THREE);
    assert.match((await pop.say('XTND MUTE')) ?? '', /^-ERR \[SYS\/TEMP\]/);
    assert.equal((await door.ended()).how, 'provider_ended');
  });
});
