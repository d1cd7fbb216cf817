import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startImapListener } from '../../../gateway/imap/listener.ts';
import { startPop3Listener } from '../../../gateway/pop3/listener.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import {
  countingMetrics,
  DEVICE,
  dial,
  fakeDevices,
  fakeTokens,
  type LineDevice,
  proxyOptions,
  servedDevice,
} from '../../fakes/gateway-proxy.ts';
import { missing } from '../clients/home.ts';
import { eventually } from '../support.ts';
import { type Dovecot, lacksDovecot, startDovecot } from './dovecot.ts';

const { user: USER, password: PASSWORD } = DEVICE;
const mail = (subject: string): string =>
  `From: fax@contoso.example\r\nSubject: ${subject}\r\nDate: Thu, 05 Nov 2026 10:00:00 +0000\r\n\r\n.This is ${subject}.\r\n`;

describe('the gateway before Dovecot', { skip: lacksDovecot() || missing('dovecot') }, () => {
  const accounts = new Map<string, string>();
  let certificate: TestCertificate;
  let dovecot: Dovecot;
  let boxes = 0;
  const open: { close(deadlineSeconds?: number): Promise<void> }[] = [];

  before(async () => {
    certificate = await testCertificate();
    dovecot = await startDovecot(certificate, accounts);
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close(0);
  });
  after(() => dovecot?.close());

  const start = async (protocol: 'pop3' | 'pop3s' | 'imap' | 'imaps', subjects: readonly string[]) => {
    boxes += 1;
    const address = `box${boxes}@contoso.example`;
    const tokens = [1, 2, 3].map((hour) => `${address} of hour ${hour}`);
    for (const token of tokens) accounts.set(token, address);
    await dovecot.deliver(address, subjects.map(mail));
    const security = protocol.endsWith('s') ? 'tls' : 'starttls';
    const server = { host: 'localhost', port: dovecot.ports[protocol], security } as const;
    const { token, wishes } = fakeTokens(server, tokens);
    const { metrics, counts } = countingMetrics();
    const { devices } = fakeDevices(servedDevice({ address }));
    const options = proxyOptions({ devices, token, metrics, ca: () => certificate.cert });
    const listener = await (protocol.startsWith('pop3') ? startPop3Listener : startImapListener)(options);
    open.push(listener);
    const device = await dial(listener.port);
    await device.line();
    return { device, address, tokens, wishes, counts, log: options.log };
  };

  const popSignedIn = async (device: LineDevice): Promise<void> => {
    await device.say(`USER ${USER}`);
    const said = await device.say(`PASS ${PASSWORD}`);
    assert.ok(said?.startsWith('+OK'), `${said}\n${await dovecot.log()}`);
  };

  for (const protocol of ['pop3', 'pop3s'] as const) {
    it(`reads and deletes by ${protocol}`, async () => {
      const { device, address } = await start(protocol, ['one', 'two', 'three']);
      await popSignedIn(device);
      assert.match(await device.ask('RETR 2', /^\.$/), /\nSubject: two\n[\s\S]*\n\.\.This is two\.\n\.$/);
      assert.match((await device.say('DELE 2')) ?? '', /^\+OK/);
      assert.match((await device.say('QUIT')) ?? '', /^\+OK/);
      const left = (await dovecot.mails(address)).map((text) => /Subject: (.*)/.exec(text)?.[1]);
      assert.deepEqual(left.toSorted(), ['one', 'three']);
    });
  }

  it('goes on where Dovecot has ended the session, and deletes what was to be deleted', async () => {
    const { device, address, tokens, wishes, counts } = await start('pop3s', ['one', 'two', 'three']);
    await popSignedIn(device);
    const before = await device.ask('UIDL', /^\.$/);
    await device.say('DELE 1');
    await device.say('DELE 3');
    dovecot.kick(address);
    accounts.delete(tokens[0] ?? '');
    await dovecot.deliver(address, [mail('four')]);
    await sleep(100);
    const after = await device.ask('UIDL', /^\.$/);
    assert.equal(after.split('\n')[1], before.split('\n')[2], after);
    assert.match(after, /^4 /m);
    assert.match((await device.say('QUIT')) ?? '', /^\+OK/);
    const left = (await dovecot.mails(address)).map((text) => /Subject: (.*)/.exec(text)?.[1]);
    assert.deepEqual(left.toSorted(), ['four', 'two']);
    assert.equal(wishes.length, 2);
    await eventually('the session is over', () => (counts.ended.length > 0 ? true : undefined));
    assert.equal(counts.ended[0]?.reconnects, 1);
  });

  it('deletes nothing where a device goes without QUIT', async () => {
    const { device, address, counts } = await start('pop3s', ['one', 'two']);
    await popSignedIn(device);
    await device.say('DELE 1');
    device.socket.destroy();
    await eventually('the session is over', () => (counts.ended.length > 0 ? true : undefined));
    assert.equal((await dovecot.mails(address)).length, 2);
  });

  it('has a new token made where Dovecot refuses the first', async () => {
    const { device, tokens, wishes } = await start('pop3s', ['one']);
    accounts.delete(tokens[0] ?? '');
    await popSignedIn(device);
    assert.deepEqual(
      wishes.map(({ minTtlSeconds }) => minTtlSeconds),
      [600, Number.MAX_SAFE_INTEGER],
    );
  });

  it('says so where Dovecot refuses every token', async () => {
    const { device, tokens } = await start('imaps', ['one']);
    for (const token of tokens) accounts.delete(token);
    assert.match(
      (await device.say(`a1 LOGIN ${USER} ${PASSWORD}`)) ?? '',
      /^a1 NO \[CONTACTADMIN\] The server refuses/,
    );
  });

  for (const protocol of ['imap', 'imaps'] as const) {
    it(`reads, moves and idles by ${protocol}`, async () => {
      const { device, address, counts } = await start(protocol, ['one', 'two', 'three']);
      const login = (await device.say(`A1 LOGIN ${USER} "${PASSWORD}"`)) ?? '';
      assert.match(login, /^A1 OK \[CAPABILITY IMAP4REV1 .*\bIDLE\b.*\] /);
      assert.match(await device.ask('A1 SELECT INBOX', /^A1 /), /^\* 3 EXISTS$/m);
      assert.match(await device.ask('A2 FETCH 2 BODY.PEEK[]', /^A2 /), /Subject: two\n[\s\S]*\n\.This is two\.\n/);
      await device.ask('A3 STORE 1 +FLAGS (\\Deleted)', /^A3 OK/);
      await device.ask('A4 EXPUNGE', /^A4 OK/);
      assert.match((await device.say('A5 IDLE')) ?? '', /^\+ /);
      await dovecot.deliver(address, [mail('four')]);
      assert.match((await device.line()) ?? '', /^\* 3 EXISTS/);
      dovecot.kick(address);
      assert.match(await device.rest(), /\* BYE /);
      await eventually('the session is over', () => (counts.ended.length > 0 ? true : undefined));
      assert.equal((await dovecot.mails(address)).length, 3);
    });
  }
});
