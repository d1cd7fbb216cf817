import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { startImapListener } from '../../../gateway/imap/listener.ts';
import type { ProxyOptions } from '../../../gateway/proxy/options.ts';
import { tlsOptions } from '../../../gateway/tls/profiles.ts';
import { startImapStandIn } from '../../../local/stand-ins/mail/imap-server.ts';
import { standInInboxes } from '../../../local/stand-ins/mail/inboxes.ts';
import type { ReceiveStandIn } from '../../../local/stand-ins/mail/receiving.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import type { MailServer } from '../../../shared/domain/provider.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import {
  ADDRESS,
  countingMetrics,
  DEVICE,
  dial,
  fakeDevices,
  fakeTokens,
  type LineDevice,
  proxyOptions,
} from '../../fakes/gateway-proxy.ts';
import { type Says, startScriptedMailServer } from '../../fakes/scripted-mail-server.ts';
import { eventually } from '../support.ts';

const TOKEN = 'made-up-access-token-of-a-provider';
const { user: USER, password: PASSWORD } = DEVICE;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const PLAIN = base64(`\0${USER}\0${PASSWORD}`);

describe('IMAP at the gateway', () => {
  let certificate: TestCertificate;
  let good: Set<string>;
  let standIn: ReceiveStandIn;
  const open: { close(): Promise<void> }[] = [];

  before(async () => {
    certificate = await testCertificate();
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  const startProvider = async (): Promise<MailServer> => {
    good = new Set([TOKEN]);
    standIn = await startImapStandIn({
      host: '127.0.0.1',
      port: 0,
      security: 'tls',
      certificate: { key: certificate.key, certificate: certificate.cert },
      inboxes: standInInboxes(),
      verifyToken: async (token) =>
        good.has(token)
          ? { outcome: 'valid', provider: 'microsoft', address: ADDRESS }
          : { outcome: 'refused', why: 'expired' },
    });
    open.push(standIn);
    return { host: 'localhost', port: standIn.port, security: 'tls' };
  };

  const scripted = async (says: Says) => {
    const provider = await startScriptedMailServer({ protocol: 'imap', security: 'tls', certificate, says });
    open.push(provider);
    const server: MailServer = { host: 'localhost', port: provider.port, security: 'tls' };
    return { provider, server };
  };

  const startGateway = async (
    options: Partial<Omit<ProxyOptions, 'deps'>> = {},
    server?: MailServer,
    tokens: Parameters<typeof fakeTokens>[1] = [TOKEN],
  ) => {
    const { token, wishes } = fakeTokens(server ?? (await startProvider()), tokens);
    const { devices, attempts } = fakeDevices();
    const { metrics, counts } = countingMetrics();
    const whole = proxyOptions({ devices, token, metrics, ca: () => certificate.cert }, options);
    const listener = await startImapListener(whole);
    open.unshift({ close: () => listener.close(0) });
    return { ...listener, log: whole.log, wishes, attempts, counts };
  };

  const greeted = async (port: number): Promise<LineDevice> => {
    const device = await dial(port);
    assert.match((await device.line()) ?? '', /^\* OK \[CAPABILITY IMAP4rev1 /);
    return device;
  };

  const DONE = /^a\d+ OK \[CAPABILITY IMAP4REV1 SASL-IR AUTH=XOAUTH2\] /;

  describe('signs a device in', () => {
    const literal = (text: string, mark = ''): string => `{${text.length}${mark}}`;
    const ways: readonly (readonly [string, (device: LineDevice) => Promise<string | undefined>])[] = [
      ['by LOGIN', (device) => device.say(`a1 LOGIN ${USER} ${PASSWORD}`)],
      ['by LOGIN in small letters', (device) => device.say(`a1 login ${USER} "${PASSWORD}"`)],
      ['by LOGIN with quotation marks', (device) => device.say(`a1 LOGIN "${USER}" "${PASSWORD.replace('-', '\\-')}"`)],
      [
        'by LOGIN with literals',
        async (device) => {
          assert.match((await device.say(`a1 LOGIN ${literal(USER)}`)) ?? '', /^\+ /);
          assert.match((await device.say(`${USER} ${literal(PASSWORD)}`)) ?? '', /^\+ /);
          return device.say(PASSWORD);
        },
      ],
      [
        'by LOGIN with literals that do not wait',
        (device) => device.say(`a1 LOGIN ${literal(USER, '+')}\r\n${USER} ${literal(PASSWORD, '+')}\r\n${PASSWORD}`),
      ],
      ['by AUTHENTICATE PLAIN on one line', (device) => device.say(`a1 AUTHENTICATE PLAIN ${PLAIN}`)],
      [
        'by AUTHENTICATE PLAIN on two lines',
        async (device) => {
          assert.equal(await device.say('a1 authenticate plain'), '+ ');
          return device.say(PLAIN);
        },
      ],
      [
        'by AUTHENTICATE LOGIN',
        async (device) => {
          assert.equal(await device.say('a1 AUTHENTICATE LOGIN'), `+ ${base64('Username:')}`);
          assert.equal(await device.say(base64(USER)), `+ ${base64('Password:')}`);
          return device.say(base64(PASSWORD));
        },
      ],
    ];
    for (const [name, signIn] of ways) {
      it(name, async () => {
        const gateway = await startGateway();
        const device = await greeted(gateway.port);
        assert.match((await signIn(device)) ?? '', DONE);
        assert.deepEqual(gateway.attempts, [
          { user: USER, password: PASSWORD, defaultSlot: 'receive', address: '127.0.0.1' },
        ]);
        assert.deepEqual(gateway.wishes, [{ mailboxId: 'mbx_1', audience: 'imap', minTtlSeconds: 600 }]);
        assert.match(await device.ask('A1 SELECT INBOX', /^A1 /), /^\* 3 EXISTS$[\s\S]*^A1 OK/m);
        assert.match(await device.ask('a9 LOGOUT', /^a9 /), /^\* BYE .*\na9 OK/);
      });
    }
  });

  it('passes everything unchanged from then on, also what came with the sign-in', async () => {
    const gateway = await startGateway();
    const device = await greeted(gateway.port);
    device.socket.write(`a1 LOGIN ${USER} ${PASSWORD}\r\na2 SELECT INBOX\r\na3 UID FETCH 2 (RFC822)\r\na4 LOGOUT\r\n`);
    const all = await device.rest();
    assert.match(all, /^a2 OK/m);
    assert.match(
      all,
      /BODY\[\] \{\d+\}\r\nFrom: Notifications [\s\S]*Toner is low[\s\S]*a3 OK done\r\n\* BYE [\s\S]*a4 OK bye\r\n$/,
    );
    await eventually('the session is over', () => (gateway.counts.ended.length > 0 ? true : undefined));
    const bytes = all.length - all.indexOf('\r\n') - 2;
    const who = { address: '127.0.0.1', client_id: USER, slot: 'receive', mailbox_id: 'mbx_1' };
    assert.deepEqual(gateway.log.lines, [
      { level: 'info', event: 'imap.signed_in', fields: { ...who, client_name: 'Fax at reception', tls: 'none' } },
      { level: 'info', event: 'imap.ended', fields: { ...who, how: 'ended', bytes, reconnects: 0 } },
    ]);
  });

  it('lets the BYE of a provider whose token died pass, and ends the connection', async () => {
    const { server } = await scripted({ NOOP: '* BYE Session expired, please login again.', SELECT: 'drop' });
    const gateway = await startGateway({}, server);
    const device = await greeted(gateway.port);
    await device.say(`a1 LOGIN ${USER} ${PASSWORD}`);
    assert.equal(await device.say('a2 NOOP'), '* BYE Session expired, please login again.');
    device.socket.write('a3 SELECT INBOX\r\n');
    assert.equal(await device.line(), undefined);
    assert.equal(gateway.wishes.length, 1);
  });

  it('ends the session at the provider when the device goes', async () => {
    const { provider, server } = await scripted({});
    const gateway = await startGateway({}, server);
    const device = await greeted(gateway.port);
    await device.say(`a1 LOGIN ${USER} ${PASSWORD}`);
    assert.equal(provider.open(), 1);
    device.socket.destroy();
    await eventually('nobody is there', () => (provider.open() === 0 ? true : undefined), 2_000);
  });

  it('sends the provider a token and no password, and shows the token to nobody', async () => {
    const { provider, server } = await scripted({ '': '{tag} BAD what? {tag}' });
    const gateway = await startGateway({}, server);
    const device = await greeted(gateway.port);
    await device.say(`a1 LOGIN ${USER} ${PASSWORD}`);
    await device.say('a2 NOOP');
    const sasl = base64(`user=${ADDRESS}\x01auth=Bearer ${TOKEN}\x01\x01`);
    assert.ok(provider.lines.some((line) => line.endsWith(` AUTHENTICATE XOAUTH2 ${sasl}`)));
    for (const secret of [PASSWORD, PLAIN]) assert.ok(!provider.lines.join('\n').includes(secret));
    const told = device.heard() + JSON.stringify(gateway.log.lines);
    for (const secret of [TOKEN, sasl, PASSWORD]) assert.ok(!told.includes(secret));
  });

  describe('refuses', () => {
    it('a wrong password, without a word to broker or provider, and takes the right one after that', async () => {
      const gateway = await startGateway();
      const device = await greeted(gateway.port);
      assert.match((await device.say(`a1 LOGIN ${USER} wrong`)) ?? '', /^a1 NO \[AUTHENTICATIONFAILED\] \S/);
      assert.deepEqual([gateway.wishes.length, standIn.counters().signIns], [0, 0]);
      assert.match((await device.say(`a2 LOGIN ${USER} ${PASSWORD}`)) ?? '', DONE);
      assert.deepEqual(
        gateway.log.of('imap.sign_in_refused').map(({ fields }) => fields.kind),
        ['invalid_client'],
      );
    });

    const wrong: readonly (readonly [string, RegExp])[] = [
      ['a1 SELECT INBOX', /^a1 BAD /],
      ['a1 LOGIN x', /^a1 BAD /],
      ['a1 LOGIN x y z', /^a1 BAD /],
      ['a1 LOGIN "x y', /^a1 BAD /],
      ['a1 AUTHENTICATE PLAIN ???', /^a1 BAD /],
      ['a1 AUTHENTICATE XOAUTH2', /^a1 NO /],
      ['a1 STARTTLS', /^a1 BAD /],
      ['+ LOGIN x y', /^\* BAD /],
      ['', /^\* BAD /],
      ['a1 LOGIN {2000}', /^\* BYE /],
      ['a1 LOGIN {2000+}', /^\* BYE /],
    ];
    for (const [line, reply] of wrong) {
      it(`"${line}" before the sign-in`, async () => {
        const gateway = await startGateway();
        const device = await greeted(gateway.port);
        assert.match((await device.say(line)) ?? '', reply);
        assert.deepEqual([gateway.attempts.length, standIn.counters().signIns], [0, 0]);
      });
    }

    it('a device that cancels', async () => {
      const gateway = await startGateway();
      const device = await greeted(gateway.port);
      await device.say('a1 AUTHENTICATE LOGIN');
      assert.match((await device.say('*')) ?? '', /^a1 BAD Cancelled/);
    });

    it('more than ten commands before the sign-in, and a device that takes its time', async () => {
      const gateway = await startGateway({ limits: { signInMs: 200 } });
      const [device, slow] = [await greeted(gateway.port), await greeted(gateway.port)];
      for (let time = 0; time < 9; time++) await device.say(`a${time} NOOP`);
      assert.match(await device.ask('a9 NOOP', /^never$/), /^a9 OK Done\n\* BYE Too many/);
      slow.socket.write('a1 LOGIN {5}\r\n');
      assert.match((await slow.rest()) ?? '', /^\+ Go on\r\n/);
    });
  });

  it('tells what it can do, who it is not, and goodbye', async () => {
    const gateway = await startGateway();
    const device = await greeted(gateway.port);
    assert.equal(
      await device.ask('a1 CAPABILITY', /^a1 /),
      '* CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID AUTH=PLAIN AUTH=LOGIN\na1 OK Done',
    );
    assert.equal(await device.ask('a2 ID ("name" "printer" "version" NIL)', /^a2 /), '* ID NIL\na2 OK Done');
    assert.equal(await device.ask('a3 LOGOUT', /^a3 /), '* BYE Bye\na3 OK Done');
    assert.equal(await device.line(), undefined);
  });

  it('says who must act', async () => {
    for (const [kind, code] of [
      ['broker_unreachable', 'UNAVAILABLE'],
      ['signed_out', 'CONTACTADMIN'],
    ] as const) {
      const gateway = await startGateway({}, undefined, [brokerError(kind)]);
      const device = await greeted(gateway.port);
      const said = (await device.say(`a1 LOGIN ${USER} ${PASSWORD}`)) ?? '';
      assert.ok(said.startsWith(`a1 NO [${code}] `), said);
    }
  });

  it('has one new token made where the provider refuses the first, and no third', async () => {
    const gateway = await startGateway({}, undefined, ['refused', TOKEN]);
    assert.match((await (await greeted(gateway.port)).say(`a1 LOGIN ${USER} ${PASSWORD}`)) ?? '', DONE);
    assert.deepEqual(
      gateway.wishes.map(({ minTtlSeconds }) => minTtlSeconds),
      [600, Number.MAX_SAFE_INTEGER],
    );
    const other = await startGateway({}, undefined, ['refused-1', 'refused-2', TOKEN]);
    const said = await (await greeted(other.port)).say(`a1 LOGIN ${USER} ${PASSWORD}`);
    assert.match(said ?? '', /^a1 NO \[CONTACTADMIN\] The server refuses the access token .*IMAP/);
    assert.equal(other.wishes.length, 2);
  });

  it('offers STARTTLS, takes no password before it, and forgets what came in the clear', async () => {
    const tls = () => ({ key: certificate.key, cert: certificate.cert, ...tlsOptions('modern') });
    const gateway = await startGateway({ security: 'starttls', cleartextSignIn: false, tls });
    const device = await greeted(gateway.port);
    assert.match(await device.ask('a1 CAPABILITY', /^a1 /), /STARTTLS LOGINDISABLED\n/);
    for (const command of [`LOGIN ${USER} ${PASSWORD}`, `AUTHENTICATE PLAIN ${PLAIN}`])
      assert.match((await device.say(`a2 ${command}`)) ?? '', /^a2 NO \[PRIVACYREQUIRED\]/);
    device.socket.write('a3 STARTTLS\r\na4 NOOP\r\n');
    assert.match((await device.line()) ?? '', /^a3 OK/);
    const secure = await device.startTls();
    assert.match(await secure.ask('a5 CAPABILITY', /^a5 /), /^\* CAPABILITY [^\n]* AUTH=PLAIN AUTH=LOGIN\na5 OK/);
    assert.match((await secure.say('a6 STARTTLS')) ?? '', /^a6 BAD/);
    assert.match((await secure.say(`a7 LOGIN ${USER} ${PASSWORD}`)) ?? '', DONE);
    assert.equal(gateway.attempts.length, 1);
  });
});
