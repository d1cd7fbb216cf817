import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tlsOptions } from '../../../gateway/tls/profiles.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import { dial } from '../../fakes/gateway-proxy.ts';
import { eventually } from '../support.ts';
import { PASSWORD, type Pop3Office, plain, pop3Office, USER } from './pop3-office.ts';

describe('a listener for POP3', () => {
  let office: Pop3Office;
  before(async () => {
    office = await pop3Office();
  });
  afterEach(() => office.clear());

  describe('with TLS', () => {
    let other: TestCertificate;
    before(async () => {
      other = await testCertificate({ names: ['other.example'] });
    });
    const tls = () => ({ key: office.certificate.key, cert: office.certificate.cert, ...tlsOptions('modern') });

    it('offers STLS, takes no password before it, and tells what it can do each time', async () => {
      const gateway = await office.start({ options: { security: 'starttls', cleartextSignIn: false, tls } });
      const device = await office.greeted(gateway.port);
      assert.equal(await device.ask('CAPA', /^\.$/), '+OK\nSTLS\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\n.');
      for (const command of [`USER ${USER}`, `PASS ${PASSWORD}`, 'AUTH LOGIN', `AUTH PLAIN ${plain(USER, PASSWORD)}`])
        assert.match((await device.say(command)) ?? '', /^-ERR .*TLS/);
      assert.match((await device.say('STLS')) ?? '', /^\+OK/);
      const secure = await device.startTls();
      assert.equal(
        await secure.ask('CAPA', /^\.$/),
        '+OK\nUSER\nSASL PLAIN LOGIN\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\n.',
      );
      assert.match((await secure.say('STLS')) ?? '', /^-ERR/);
      assert.match((await secure.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '', /^\+OK/);
      assert.equal(gateway.attempts.length, 1);
      assert.match(String(gateway.log.of('pop3.signed_in')[0]?.fields.tls), /^TLSv1\.[23]$/);
    });

    it('forgets what was said before it (RFC 2595 section 4)', async () => {
      const gateway = await office.start({ options: { security: 'starttls', tls } });
      const device = await office.greeted(gateway.port);
      await device.say(`USER ${USER}`);
      // Somebody in between adds a command of theirs to the last one in the clear.
      device.socket.write('STLS\r\nUSER mallory\r\nNOOP\r\n');
      assert.match((await device.line()) ?? '', /^\+OK Begin/);
      const secure = await device.startTls();
      assert.match((await secure.say(`PASS ${PASSWORD}`)) ?? '', /^-ERR Send USER first/);
      assert.equal(gateway.attempts.length, 0);
    });

    it('from the first byte, and with another certificate after a renewal', async () => {
      let now = office.certificate;
      const gateway = await office.start({
        options: { security: 'tls', cleartextSignIn: false, tls: () => ({ key: now.key, cert: now.cert }) },
      });
      const before = await office.greeted(gateway.port, {
        ca: office.certificate.cert,
        servername: 'localhost',
        rejectUnauthorized: true,
      });
      now = other;
      gateway.renew();
      await office.greeted(gateway.port, { ca: other.cert, servername: 'other.example', rejectUnauthorized: true });
      assert.match((await before.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '', /^\+OK/);
    });

    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      it(`of ${version} where the profile is legacy, and not where it is modern`, async () => {
        const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
        const profile = (name: 'legacy' | 'modern') => () => ({
          ...tlsOptions(name),
          key: office.certificate.key,
          cert: office.certificate.cert,
        });
        const legacy = await office.start({ options: { security: 'tls', tls: profile('legacy') } });
        const device = await office.greeted(legacy.port, old);
        assert.match((await device.say(`AUTH PLAIN ${plain(USER, PASSWORD)}`)) ?? '', /^\+OK/);
        assert.equal(legacy.log.of('pop3.signed_in')[0]?.fields.tls, version);
        const stls = await office.start({ options: { security: 'starttls', tls: profile('legacy') } });
        const plainDevice = await office.greeted(stls.port);
        await plainDevice.say('STLS');
        assert.match((await (await plainDevice.startTls(old)).say('NOOP')) ?? '', /^\+OK/);
        const modern = await office.start({ options: { security: 'tls', tls: profile('modern') } });
        await assert.rejects(dial(modern.port, old));
        const [line] = await eventually('the log tells', () =>
          modern.log.of('pop3.tls_failed').length > 0 ? modern.log.of('pop3.tls_failed') : undefined,
        );
        assert.match(String(line?.fields.reason), /no version of TLS/);
      });
    }
  });

  describe('has room for so many', () => {
    it('from one address', async () => {
      const gateway = await office.start({ options: { connections: { overall: 10, perAddress: 2 } } });
      const [first] = [await office.greeted(gateway.port), await office.greeted(gateway.port)];
      const third = await dial(gateway.port);
      assert.match(await third.rest(), /^-ERR \[SYS\/TEMP\] Too many connections/);
      assert.equal(gateway.counts.turnedAway, 1);
      await first.say('QUIT');
      first.socket.end();
      await eventually('there is room again', async () => {
        const device = await dial(gateway.port);
        return (await device.line())?.startsWith('+OK') || undefined;
      });
    });

    it('over all', async () => {
      const gateway = await office.start({ options: { connections: { overall: 1, perAddress: 5 } } });
      await office.greeted(gateway.port);
      assert.match(await (await dial(gateway.port)).rest(), /^-ERR/);
    });
  });

  describe('when it closes', () => {
    it('lets who is signed in finish, tells the others, and takes no more', async () => {
      const gateway = await office.start();
      const [waiting, working] = [await office.greeted(gateway.port), await office.signedIn(gateway.port)];
      await working.say('DELE 1');
      const closed = gateway.close(5);
      assert.match((await waiting.line()) ?? '', /^-ERR \[SYS\/TEMP\] .*restarted/);
      await assert.rejects(dial(gateway.port));
      await sleep(50);
      assert.equal(await working.say('QUIT'), '+OK bye');
      working.socket.end();
      await closed;
      assert.deepEqual(gateway.model.removed, ['a']);
    });

    it('ends who does not finish, and deletes nothing for them', async () => {
      const gateway = await office.start();
      const device = await office.signedIn(gateway.port);
      await device.say('DELE 1');
      await gateway.close(0.05);
      assert.equal(await device.line(), undefined);
      assert.deepEqual(gateway.model.removed, []);
    });
  });
});
