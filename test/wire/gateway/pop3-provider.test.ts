import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectThrough } from '../../../gateway/proxy/connect-through.ts';
import { brokerError, type ErrorKind } from '../../../shared/domain/errors.ts';
import type { MailServer } from '../../../shared/domain/provider.ts';
import { fakeDevices, servedDevice } from '../../fakes/gateway-proxy.ts';
import { startScriptedMailServer } from '../../fakes/scripted-mail-server.ts';
import { eventually } from '../support.ts';
import { PASSWORD, type Pop3Office, plain, pop3Office, TOKEN, USER } from './pop3-office.ts';

describe('a provider behind POP3 at the gateway', () => {
  let office: Pop3Office;
  before(async () => {
    office = await pop3Office();
  });
  afterEach(() => office.clear());

  describe('says who must act', () => {
    const kinds: readonly (readonly [ErrorKind, string])[] = [
      ['broker_unreachable', 'SYS/TEMP'],
      ['too_many_attempts', 'SYS/TEMP'],
      ['provider_unavailable', 'SYS/TEMP'],
      ['signed_out', 'SYS/PERM'],
      ['sign_in_lapsed', 'SYS/PERM'],
      ['slot_not_bound', 'SYS/PERM'],
      ['app_registration_refused', 'SYS/PERM'],
    ];
    for (const [kind, code] of kinds) {
      it(`where there is no token: ${kind}`, async () => {
        const gateway = await office.start({ tokens: [brokerError(kind)] });
        const device = await office.greeted(gateway.port);
        const said = (await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '';
        assert.ok(said.startsWith(`-ERR [${code}] `), said);
        assert.equal(gateway.model.sessions(), 0);
      });
    }

    it("in the device's language, in ASCII, on one line that is not too long", async () => {
      const { devices } = fakeDevices(servedDevice({ locale: 'fr-CA' }));
      const gateway = await office.start({ tokens: [brokerError('sign_in_lapsed')], deps: { devices } });
      const device = await office.greeted(gateway.port);
      const said = (await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '';
      assert.match(said, /^-ERR \[SYS\/PERM\] La connexion de cette boite a? ?[\x20-\x7e]+$/);
      assert.ok(said.length <= 510);
    });

    it('where the provider cannot be reached', async () => {
      const gateway = await office.start({ server: { host: 'localhost', port: 1, security: 'tls' } });
      const device = await office.greeted(gateway.port);
      assert.match(
        (await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '',
        /^-ERR \[SYS\/TEMP\] localhost refuses connections at port 1\. /,
      );
    });

    it('where no server is known for the mailbox', async () => {
      const gateway = await office.start({ server: undefined });
      const device = await office.greeted(gateway.port);
      assert.match((await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '', /^-ERR \[SYS\/PERM\] /);
    });

    it("where the provider's certificate is of nobody that is trusted, and shows it no token", async () => {
      const gateway = await office.start({ deps: { ca: () => undefined } });
      const device = await office.greeted(gateway.port);
      assert.match(
        (await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '',
        /^-ERR \[SYS\/PERM\] The certificate /,
      );
      assert.equal(gateway.model.signIns.length, 0);
    });

    it('where something fails that never should, and serves the next', async () => {
      let calls = 0;
      const { devices } = fakeDevices();
      const broken = {
        async signIn(attempt: Parameters<typeof devices.signIn>[0]) {
          calls += 1;
          if (calls === 1) throw new Error('a bug');
          return devices.signIn(attempt);
        },
      };
      const gateway = await office.start({ deps: { devices: broken } });
      const device = await office.greeted(gateway.port);
      assert.match((await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '', /^-ERR \[SYS\/TEMP\] /);
      assert.equal(await device.line(), undefined);
      assert.deepEqual(
        gateway.log.of('pop3.failed').map(({ level, fields }) => [level, fields.error]),
        [['error', 'a bug']],
      );
      await office.signedIn(gateway.port);
    });
  });

  describe('has one new token made', () => {
    it('where the provider refuses the first', async () => {
      const gateway = await office.start({ tokens: ['ended-before-its-time', TOKEN] });
      const device = await office.greeted(gateway.port);
      assert.match((await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '', /^\+OK/);
      assert.deepEqual(
        gateway.wishes.map(({ minTtlSeconds }) => minTtlSeconds),
        [600, Number.MAX_SAFE_INTEGER],
      );
    });

    it('and no more, where the provider refuses that too', async () => {
      const gateway = await office.start({ tokens: ['refused-1', 'refused-2', 'refused-3'] });
      const device = await office.greeted(gateway.port);
      const said = (await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '';
      assert.match(
        said,
        /^-ERR \[SYS\/PERM\] The server refuses the access token for scanner@contoso\.example\. .*POP3/,
      );
      assert.equal(gateway.wishes.length, 2);
      assert.equal(gateway.model.signIns.filter((line) => line === 'AUTH XOAUTH2').length, 2);
    });

    it('and tries no twice with the same', async () => {
      const gateway = await office.start({ tokens: ['refused'] });
      const device = await office.greeted(gateway.port);
      await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`);
      assert.equal(gateway.model.signIns.filter((line) => line === 'AUTH XOAUTH2').length, 1);
    });

    it('and none where the provider is only busy', async () => {
      const provider = await startScriptedMailServer({
        protocol: 'pop',
        security: 'tls',
        certificate: office.certificate,
        says: { blob: '-ERR [IN-USE] The mailbox is in use by another session.' },
      });
      office.keep(provider);
      const gateway = await office.start({ server: { host: 'localhost', port: provider.port, security: 'tls' } });
      const device = await office.greeted(gateway.port);
      assert.match((await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '', /^-ERR \[SYS\/TEMP\] /);
      assert.equal(gateway.wishes.length, 1);
    });
  });

  it('goes over to TLS at a provider that wants to be asked, and gives a token to none that will not', async () => {
    for (const security of ['starttls', 'plain'] as const) {
      const says = security === 'plain' ? { CAPA: '+OK\r\nSASL XOAUTH2\r\n.' } : {};
      const provider = await startScriptedMailServer({
        protocol: 'pop',
        security,
        certificate: office.certificate,
        says,
      });
      office.keep(provider);
      const gateway = await office.start({ server: { host: 'localhost', port: provider.port, security: 'starttls' } });
      const device = await office.greeted(gateway.port);
      const said = (await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '';
      assert.equal(provider.lines.includes('AUTH XOAUTH2'), security === 'starttls');
      assert.match(said, security === 'starttls' ? /^\+OK/ : /^-ERR \[SYS\/PERM\]/);
    }
  });

  describe('when the token dies', () => {
    it('goes on with a new one, and the device notices nothing', async () => {
      const next = `${TOKEN}-of-the-next-hour`;
      const gateway = await office.start({ tokens: [TOKEN, next] });
      gateway.model.cuts = [{ at: 'idle', command: 3 }];
      const device = await office.signedIn(gateway.port);
      assert.equal(await device.ask('UIDL', /^\.$/), '+OK\n1 a\n2 b\n3 c\n.');
      assert.equal(await device.say('DELE 2'), '+OK deleted');
      office.good.delete(TOKEN);
      office.good.add(next);
      await sleep(30);
      assert.equal(await device.say('UIDL 3'), '+OK 3 c');
      assert.equal(await device.say('QUIT'), '+OK bye');
      assert.deepEqual(gateway.model.removed, ['b']);
      await eventually('the session is over', () => (gateway.counts.ended.length > 0 ? true : undefined));
      assert.deepEqual(
        gateway.log.of('pop3.ended').map(({ fields }) => fields.reconnects),
        [1],
      );
      assert.deepEqual(
        gateway.wishes.map(({ audience, minTtlSeconds }) => [audience, minTtlSeconds]),
        [
          ['pop', 600],
          ['pop', 600],
        ],
      );
    });

    it('says why where there is no other', async () => {
      const gateway = await office.start({ tokens: [TOKEN, brokerError('broker_unreachable')] });
      gateway.model.cuts = [{ at: 'after', command: 2 }];
      const device = await office.signedIn(gateway.port);
      await device.say('DELE 2');
      await sleep(30);
      assert.match((await device.say('RETR 1')) ?? '', /^-ERR \[SYS\/TEMP\] The gateway cannot reach the broker\./);
      assert.equal(await device.line(), undefined);
      assert.deepEqual(gateway.model.removed, []);
    });
  });

  it('passes a mail of 30 MB as fast as the device reads, and holds little of it', async () => {
    const direct = connectThrough(undefined);
    let fromProvider: Socket | undefined;
    const connect = async ({ host, port }: MailServer): Promise<Socket> => {
      fromProvider = await direct(host, port);
      return fromProvider;
    };
    const gateway = await office.start({ deps: { connect } });
    const line = `${'x'.repeat(70)}.\r\n`;
    const text = `Subject: large\r\n\r\n${line.repeat(Math.ceil(30_000_000 / line.length))}`;
    gateway.model.mailbox = [{ uid: 'large', text }];
    const device = await office.signedIn(gateway.port);
    device.socket.write('RETR 1\r\n');
    await sleep(700);
    const readBytes = fromProvider?.bytesRead ?? 0;
    // Most of it is in the system's hands, between gateway and device.
    assert.ok(readBytes > 100_000 && readBytes < 12_000_000, `the gateway has read ${readBytes} bytes`);
    const hash = createHash('sha256');
    let [count, tail] = [0, ''];
    while (tail !== '\r\n.\r\n') {
      const chunk = await device.chunk();
      assert.ok(chunk, 'the connection ended');
      hash.update(chunk);
      count += chunk.length;
      tail = (tail + chunk.subarray(-5).toString('latin1')).slice(-5);
    }
    const expected = `+OK\r\n${text}.\r\n`;
    assert.equal(count, expected.length);
    assert.equal(hash.digest('hex'), createHash('sha256').update(expected).digest('hex'));
  });
});
