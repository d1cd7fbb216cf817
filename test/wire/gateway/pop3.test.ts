import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { ADDRESS, dial, type LineDevice } from '../../fakes/gateway-proxy.ts';
import { eventually } from '../support.ts';
import { base64, PASSWORD, type Pop3Office, plain, pop3Office, TOKEN, USER } from './pop3-office.ts';

describe('POP3 at the gateway', () => {
  let office: Pop3Office;
  before(async () => {
    office = await pop3Office();
  });
  afterEach(() => office.clear());

  describe('signs a device in', () => {
    const ways: readonly (readonly [string, (device: LineDevice) => Promise<string | undefined>])[] = [
      [
        'by USER and PASS',
        async (device) => {
          await device.say(`USER ${USER}`);
          return device.say(`PASS ${PASSWORD}`);
        },
      ],
      [
        'by names in small letters',
        async (device) => {
          await device.say(`user ${USER}`);
          return device.say(`pass ${PASSWORD}`);
        },
      ],
      ['by AUTH PLAIN on one line', (device) => device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)],
      ['by AUTH PLAIN as itself', (device) => device.say(`auth plain ${plain(USER, PASSWORD, USER)}`)],
      [
        'by AUTH PLAIN on two lines',
        async (device) => {
          assert.equal(await device.say('AUTH PLAIN'), '+ ');
          return device.say(plain(USER, PASSWORD));
        },
      ],
      [
        'by AUTH LOGIN',
        async (device) => {
          assert.equal(await device.say('AUTH LOGIN'), `+ ${base64('Username:')}`);
          assert.equal(await device.say(base64(USER)), `+ ${base64('Password:')}`);
          return device.say(base64(PASSWORD));
        },
      ],
      [
        'by AUTH LOGIN with the name on the first line',
        async (device) => {
          assert.equal(await device.say(`AUTH LOGIN ${base64(USER)}`), `+ ${base64('Password:')}`);
          return device.say(base64(PASSWORD));
        },
      ],
    ];
    for (const [name, signIn] of ways) {
      it(name, async () => {
        const gateway = await office.start();
        const device = await office.greeted(gateway.port);
        assert.match((await signIn(device)) ?? '', /^\+OK/);
        assert.equal(await device.say('STAT'), '+OK 3 0');
        assert.deepEqual(gateway.attempts, [
          { user: USER, password: PASSWORD, defaultSlot: 'receive', address: '127.0.0.1' },
        ]);
        assert.deepEqual(gateway.wishes, [{ mailboxId: 'mbx_1', audience: 'pop', minTtlSeconds: 600 }]);
        assert.equal(await device.say('QUIT'), '+OK bye');
      });
    }

    it('that ends its lines with LF alone', async () => {
      const gateway = await office.start();
      const device = await office.greeted(gateway.port);
      device.socket.write(`USER ${USER}\nPASS ${PASSWORD}\n`);
      assert.match((await device.line()) ?? '', /^\+OK/);
      assert.match((await device.line()) ?? '', /^\+OK/);
    });

    it('that sends everything at once, and closes its side', async () => {
      const gateway = await office.start();
      const device = await dial(gateway.port);
      device.socket.end(`USER ${USER}\r\nPASS ${PASSWORD}\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n`);
      const all = await device.rest();
      assert.match(all, /\+OK\r\nSubject: b\r\n\r\n\.\.This is b\.\r\n\.\r\n\+OK deleted\r\n\+OK bye\r\n$/);
      assert.deepEqual(gateway.model.removed, ['b']);
    });

    it('whose password has spaces, also at its end', async () => {
      const gateway = await office.start();
      const device = await office.greeted(gateway.port);
      await device.say(`USER ${USER}+fax`);
      await device.say('PASS two  words ');
      assert.deepEqual([gateway.attempts[0]?.user, gateway.attempts[0]?.password], [`${USER}+fax`, 'two  words ']);
    });
  });

  it('sends the provider a token and no password, and shows the token to nobody', async () => {
    const gateway = await office.start();
    const device = await office.signedIn(gateway.port);
    for (const command of ['STAT', 'CAPA', `PASS ${PASSWORD}`, `AUTH PLAIN ${plain(USER, PASSWORD)}`])
      await device.say(command);
    await device.say('QUIT');
    await eventually('the session is over', () => (gateway.counts.ended.length > 0 ? true : undefined));
    const atProvider = [...gateway.model.signIns, ...gateway.model.commands].join('\n');
    const sasl = Buffer.from(gateway.model.signIns.at(-1) ?? '', 'base64').toString();
    assert.equal(sasl, `user=${ADDRESS}\x01auth=Bearer ${TOKEN}\x01\x01`);
    for (const secret of [PASSWORD, base64(PASSWORD), plain(USER, PASSWORD)]) assert.ok(!atProvider.includes(secret));
    const told = device.heard() + JSON.stringify(gateway.log.lines);
    for (const secret of [TOKEN, gateway.model.signIns.at(-1) ?? '', PASSWORD]) assert.ok(!told.includes(secret));
  });

  it('writes down who came and how much was read, and nothing of what it was', async () => {
    const gateway = await office.start();
    const device = await office.signedIn(gateway.port);
    await device.ask('RETR 1', /^\.$/);
    await device.say('QUIT');
    await eventually('the session is over', () => (gateway.counts.ended.length > 0 ? true : undefined));
    const who = { address: '127.0.0.1', client_id: USER, slot: 'receive', mailbox_id: 'mbx_1' };
    const bytes = '+OK\r\nSubject: a\r\n\r\n..This is a.\r\n.\r\n'.length + '+OK bye\r\n'.length;
    assert.deepEqual(gateway.log.lines, [
      { level: 'info', event: 'pop3.signed_in', fields: { ...who, client_name: 'Fax at reception', tls: 'none' } },
      { level: 'info', event: 'pop3.ended', fields: { ...who, how: 'quit', bytes, reconnects: 0 } },
    ]);
    assert.deepEqual(gateway.counts, { signedIn: 1, refused: [], turnedAway: 0, ended: [{ bytes, reconnects: 0 }] });
  });

  describe('refuses', () => {
    it('a wrong password, without a word to broker or provider, and takes the right one after that', async () => {
      const gateway = await office.start();
      const device = await office.greeted(gateway.port);
      await device.say(`USER ${USER}`);
      assert.match((await device.say('PASS wrong')) ?? '', /^-ERR \[AUTH\] \S/);
      assert.deepEqual([gateway.wishes.length, gateway.model.sessions(), gateway.model.signIns.length], [0, 0, 0]);
      assert.match((await device.say(`PASS ${PASSWORD}`)) ?? '', /^-ERR Send USER first/);
      await device.say(`USER ${USER}`);
      assert.match((await device.say(`PASS ${PASSWORD}`)) ?? '', /^\+OK/);
      assert.deepEqual(
        gateway.log.of('pop3.sign_in_refused').map(({ fields }) => fields.kind),
        ['invalid_client'],
      );
      assert.deepEqual(gateway.counts.refused, ['invalid_client']);
    });

    it('all that needs a sign-in before there was one, and APOP', async () => {
      const gateway = await office.start();
      const device = await office.greeted(gateway.port);
      for (const command of [
        'STAT',
        'RETR 1',
        'DELE 1',
        'APOP mrose c4c9334bac560ecc979e58001b3e22fb',
        'PASS x',
        '',
        'STLS',
      ])
        assert.match((await device.say(command)) ?? '', /^-ERR /, command);
      assert.equal(gateway.model.sessions(), 0);
    });

    it('what is no SASL response, and lets a device cancel', async () => {
      const gateway = await office.start();
      const device = await office.greeted(gateway.port);
      const response = plain(USER, PASSWORD);
      for (const no of ['???', `${response.slice(0, 8)}!${response.slice(8)}`, base64('no zero in it'), '='])
        assert.match((await device.say(`AUTH PLAIN ${no}`)) ?? '', /^-ERR /, no);
      assert.match((await device.say(`AUTH PLAIN ${plain(USER, PASSWORD, 'somebody-else')}`)) ?? '', /^-ERR /);
      assert.match((await device.say('AUTH CRAM-MD5')) ?? '', /^-ERR /);
      await device.say('AUTH LOGIN');
      assert.match((await device.say('*')) ?? '', /^-ERR Cancelled/);
      assert.equal(gateway.attempts.length, 0);
      assert.equal(await device.ask('AUTH', /^\.$/), '+OK\nPLAIN\nLOGIN\n.');
    });

    it('more than ten commands before the sign-in', async () => {
      const gateway = await office.start();
      const device = await office.greeted(gateway.port);
      for (let time = 0; time < 9; time++) assert.match((await device.say('NOOP')) ?? '', /^\+OK/);
      assert.match(await device.ask('NOOP', /^never$/), /^\+OK\n-ERR Too many commands/);
    });

    it('a device that takes its time over several lines', async () => {
      const gateway = await office.start({ options: { limits: { signInMs: 250 } } });
      const device = await office.greeted(gateway.port);
      const drip = setInterval(() => device.socket.write('NOOP\r\n'), 60);
      assert.match(await device.rest(), /^(\+OK\r\n){2,5}-ERR \[SYS\/TEMP\] Too slow/);
      clearInterval(drip);
    });

    it('a device that takes its time, also drop by drop', async () => {
      const gateway = await office.start({ options: { limits: { signInMs: 150 } } });
      const device = await office.greeted(gateway.port);
      const drip = setInterval(() => device.socket.write('N'), 20);
      assert.match((await device.line()) ?? '', /^-ERR \[SYS\/TEMP\] Too slow/);
      assert.equal(await device.line(), undefined);
      clearInterval(drip);
    });

    it('a line without an end', async () => {
      const gateway = await office.start();
      const device = await office.greeted(gateway.port);
      device.socket.write('USER '.padEnd(5_000, 'x'));
      assert.match((await device.line()) ?? '', /^-ERR The line is too long/);
      assert.equal(await device.line(), undefined);
    });
  });
});
