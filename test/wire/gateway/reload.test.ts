import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';
import { testCertificate } from '../../fakes/certificate.ts';
import { eventually, type Json } from '../support.ts';
import { authPlain, beginMessage, type Call, callGateway, openCall } from './device.ts';
import { spawnGateway } from './gateway-process.ts';
import { lastingPort, type Site, type SiteDevice, startSite } from './site.ts';
import { arrives, type SiteGateway, shownAs, startSiteGateway } from './site-gateway.ts';

let site: Site;

before(async () => {
  site = await startSite();
});
after(() => site.close());

const LINE = 'A page of a long document that comes slowly, line by line, from an old device.\r\n';

/** Half of it. */
const HALF = `${LINE.repeat(5_000_000 / LINE.length)}`;

/** A device in the middle of a large message. */
const slowly = async (port: number, device: SiteDevice, subject: string): Promise<Call> => {
  const call = await openCall(port);
  assert.equal(await beginMessage(call, device), undefined);
  assert.ok(await call.send(`Subject: ${subject}\r\n\r\n${HALF}`));
  return call;
};

const finish = async (call: Call): Promise<string | undefined> => {
  assert.ok(await call.send(HALF));
  return call.say('.');
};

const isOpen = async (port: number): Promise<boolean> => {
  const call = await callGateway(port);
  call?.close();
  return call !== undefined;
};

/** The fingerprint that a device sees on a port with TLS from the first byte. */
const fingerprintOn = async (port: number): Promise<string> => {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
};

const said = (gateway: SiteGateway, event: string, count = 1): Promise<string> =>
  eventually(`${event} in the log`, () => {
    const lines = gateway
      .output()
      .split('\n')
      .filter((line) => line.includes(`"${event}"`));
    return lines.length >= count ? lines.at(-1) : undefined;
  });

const reload = async (gateway: SiteGateway, count = 1): Promise<string> => {
  gateway.process.signal('SIGHUP');
  return said(gateway, 'gateway.reloaded', count);
};

describe('SIGHUP', { concurrency: true }, () => {
  const ports = async () => ({
    stays: await lastingPort(),
    goes: await lastingPort(),
    comes: await lastingPort(),
    tls: await lastingPort(),
  });
  const smtp = (port: string, security = 'plain'): Json => ({ protocol: 'smtp', port: Number(port), security });

  it('has every change take effect, and ends no session', async (t) => {
    const { stays, goes, comes, tls } = await ports();
    const device = await site.addDevice('reloading');
    const own = { certificate_file: join(site.world.folder, 'own.pem'), key_file: join(site.world.folder, 'own.key') };
    const useCertificate = async (): Promise<void> => {
      const { cert, key } = await testCertificate();
      await writeFile(own.certificate_file, cert);
      await writeFile(own.key_file, key, { mode: 0o600 });
    };
    await useCertificate();
    const first = { certificate: own, listeners: [smtp(stays), smtp(goes), smtp(tls, 'tls')] };
    const gateway = await startSiteGateway(site, 'reloading', { settings: first });
    t.after(() => gateway.close());
    const [staying, going] = [Number(stays), Number(goes)];
    const before = await fingerprintOn(Number(tls));
    const calls = [await slowly(staying, device, 'stays'), await slowly(going, device, 'goes')];
    const idle = await openCall(staying);
    assert.match((await idle.reply()) ?? '', /^220 /);

    await useCertificate();
    await gateway.configure({
      certificate: own,
      way: 'relay',
      listeners: [smtp(stays), smtp(comes), smtp(tls, 'tls')],
      limits: { recipients: 2 },
      listed_devices: [{ network: '127.0.0.1', client_id: device.clientId, client_secret: device.clientSecret }],
    });
    await reload(gateway);

    assert.deepEqual([await isOpen(staying), await isOpen(going), await isOpen(Number(comes))], [true, false, true]);
    assert.notEqual(await fingerprintOn(Number(tls)), before, 'the certificate of before');
    // Listed by its address, it need not sign in; and it is limited.
    const listed = await openCall(Number(comes));
    const to = (name: string): string => `RCPT TO:<${name}@example.org>`;
    for (const line of [undefined, 'EHLO x', `MAIL FROM:<${device.from}>`, to('a'), to('b')]) {
      assert.match((await (line === undefined ? listed.reply() : listed.say(line))) ?? '', /^2/, line);
    }
    assert.match((await listed.say(to('c'))) ?? '', /^452 4\.5\.3 /);
    listed.close();
    assert.match((await idle.say('EHLO still-there')) ?? '', /^250 /);
    idle.close();

    for (const call of calls) assert.match((await finish(call)) ?? '', /^250 2\.0\.0 Accepted /);
    for (const subject of ['stays', 'goes']) assert.equal((await arrives(site, subject)).length, 1);
    const page = await gateway.page();
    assert.match(page, /through the broker|relay/i);
    const accepted = gateway
      .output()
      .split('\n')
      .filter((line) => line.includes('"submission.sent"'));
    assert.ok(
      accepted.every((line) => line.includes('Handed over to the relay')),
      accepted.join('\n'),
    );
  });

  it('leaves all as it was where the settings do not fit, and says what is wrong', async (t) => {
    const { stays, goes, comes } = await ports();
    const device = await site.addDevice('misled');
    const settings = { listeners: [smtp(stays), smtp(goes)] };
    const gateway = await startSiteGateway(site, 'misled', { settings });
    t.after(() => gateway.close());
    const call = await slowly(Number(goes), device, 'misled');
    const wrong: readonly (readonly [change: Json | string, says: RegExp])[] = [
      ['{ "way": ', /JSON/],
      [{ ...settings, wey: 'relay' }, /wey/],
      [{ ...settings, way: 'pigeon' }, /way/],
      [{ way: 'relay', listeners: [smtp(comes), smtp(new URL(site.broker.url).port)] }, /another program has it/],
      // Of TEST-NET-3 (RFC 5737), which no machine has: only the port's present listener has to go before that shows.
      [{ listeners: [smtp(stays), { ...smtp(goes), host: '203.0.113.9' }] }, /check host and port/],
      [{ listeners: [smtp(stays, 'tls'), { ...smtp(goes), host: '203.0.113.9' }] }, /check host and port/],
    ];
    for (const [index, [change, says]] of wrong.entries()) {
      if (typeof change === 'string') await writeFile(String(gateway.env.GATEWAY_CONFIG), change);
      else await gateway.configure(change);
      gateway.process.signal('SIGHUP');
      assert.match(await said(gateway, 'gateway.not_reloaded', index + 1), says);
      const open = [await isOpen(Number(stays)), await isOpen(Number(goes)), await isOpen(Number(comes))];
      assert.deepEqual(open, [true, true, false], `after ${JSON.stringify(change)}`);
    }
    assert.match((await finish(call)) ?? '', /^250 2\.0\.0 Accepted /);
    await arrives(site, 'misled');
    assert.ok(!gateway.output().includes('Handed over to the relay'));
    assert.match(await (await fetch(`http://127.0.0.1:${gateway.env.GATEWAY_STATUS_PORT}/health`)).text(), /"ok"/);
    // And a right one is taken up after that, but for what takes a restart.
    await gateway.configure({ listeners: [smtp(stays), smtp(comes)], names: ['printers.example'] });
    await reload(gateway);
    assert.match(await said(gateway, 'gateway.restart_needed'), /change of names take effect/);
    assert.deepEqual([await isOpen(Number(goes)), await isOpen(Number(comes))], [false, true]);
  });

  it('changes the kind of a listener on the port that it has', async (t) => {
    const { stays } = await ports();
    const gateway = await startSiteGateway(site, 'turned', { settings: { listeners: [smtp(stays)] } });
    t.after(() => gateway.close());
    const device = await site.addDevice('turned');
    const call = await slowly(Number(stays), device, 'turned');
    await gateway.configure({ listeners: [smtp(stays, 'tls')] });
    await reload(gateway);
    assert.match(await fingerprintOn(Number(stays)), /^[0-9A-F:]{95}$/);
    assert.match((await finish(call)) ?? '', /^250 2\.0\.0 Accepted /);
    await arrives(site, 'turned');
  });
});

describe('SIGTERM', { concurrency: true }, () => {
  it('lets a message end with its 250, sends idle sessions away, and takes nobody in', async (t) => {
    const gateway = await startSiteGateway(site, 'stopping');
    t.after(() => gateway.close());
    const device = await site.addDevice('stopping');
    const call = await slowly(gateway.port, device, 'in the middle');
    const idle = await openCall(gateway.port);
    assert.match((await idle.reply()) ?? '', /^220 /);
    const signedIn = await openCall(gateway.port);
    await signedIn.reply();
    await signedIn.say('EHLO printer');
    assert.match((await signedIn.say(authPlain(device))) ?? '', /^235 /);
    const stopped = gateway.process.stop();
    for (const one of [idle, signedIn]) {
      assert.match((await one.reply()) ?? '', /^421 4\.3\.2 The gateway is being stopped/);
      assert.equal(await one.reply(), undefined);
    }
    assert.equal(await isOpen(gateway.port), false);
    await sleep(500);
    assert.match((await finish(call)) ?? '', /^250 2\.0\.0 Accepted /);
    assert.equal(await stopped, 0, gateway.output());
    await gateway.start();
    assert.equal((await arrives(site, 'in the middle')).length, 1);
    await eventually('nothing is left', async () =>
      (await readdir(join(String(gateway.env.GATEWAY_DATA_DIR), 'spool', 'submissions'))).length === 0
        ? true
        : undefined,
    );
    assert.equal((await site.copies((subject) => subject === 'in the middle')).length, 1);
  });

  it('ends the message on its way to the provider, begins none, and leaves the others to the next start', async (t) => {
    const gateway = await startSiteGateway(site, 'busy');
    t.after(() => gateway.close());
    const device = await site.addDevice('busy');
    const slow = { kind: 'delay', milliseconds: 700 } as const;
    site.line.at('.', slow, { user: device.from, times: Number.POSITIVE_INFINITY });
    const subjects = Array.from({ length: 8 }, (_, index) => `busy-${index}`);
    const ids: string[] = [];
    for (const subject of subjects) ids.push(await gateway.accept(device, subject));
    const from = performance.now();
    assert.equal(await gateway.process.stop(), 0, gateway.output());
    assert.ok(performance.now() - from < 5_000, 'it has sent the others too');
    const early = (await site.copies((subject) => subjects.includes(subject))).length;
    assert.ok(early < subjects.length);
    await gateway.start();
    for (const id of ids) assert.equal((await shownAs(site, id, 'sent')).unknown_outcomes, 0);
    const copies = await site.copies((subject) => subjects.includes(subject));
    assert.deepEqual(
      copies.map(({ subject }) => subject),
      subjects,
    );
  });
});

describe('the start of a gateway', { concurrency: true }, () => {
  let starts = 0;
  const startsWith = async (
    changes: Readonly<Record<string, string>>,
  ): Promise<{ code: number | null; says: string }> => {
    const env = await site.gatewayEnv(`start-${++starts}`);
    const gateway = spawnGateway({ ...env, ...changes });
    const code = await gateway.ended;
    return { code, says: gateway.output().trim() };
  };

  it('is refused in words where another has the folder, which goes on', async (t) => {
    const gateway = await startSiteGateway(site, 'first');
    t.after(() => gateway.close());
    const second = await startsWith({ GATEWAY_DATA_DIR: String(gateway.env.GATEWAY_DATA_DIR) });
    assert.equal(second.code, 1);
    assert.match(second.says, /^error: Another gateway is running on .*; stop it, or set GATEWAY_DATA_DIR/);
    assert.equal(await isOpen(gateway.port), true);
  });

  it('is refused in words without an enrolment, with a wrong token, and where there is no broker', async () => {
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ GATEWAY_ENROLMENT_TOKEN: '' }, /^error: This gateway is not enrolled yet\. Make an enrolment token/],
      [{ GATEWAY_BROKER_URL: '' }, /^error: This gateway is not enrolled yet/],
      [
        { GATEWAY_ENROLMENT_TOKEN: 'not-a-token-of-this-broker' },
        /^error: The broker did not enrol this gateway: .*token/i,
      ],
      [
        { GATEWAY_BROKER_URL: `http://127.0.0.1:${await lastingPort()}` },
        /^error: .*cannot be reached \(ECONNREFUSED\)/,
      ],
      [{ GATEWAY_BROKER_URL: site.world.standIns.inboxUrl }, /^error: .*Something else than the broker answered/],
      [{ GATEWAY_BROKER_URL: 'http://broker.example' }, /^error: GATEWAY_BROKER_URL must be https:\/\//],
    ];
    const found = await Promise.all(cases.map(([changes]) => startsWith(changes)));
    for (const [index, { code, says }] of found.entries()) {
      const [changes, words] = cases[index] ?? [];
      assert.equal(code, 1, says);
      assert.match(says, words ?? /never/, JSON.stringify(changes));
      assert.ok(!says.includes('\n    at '), says);
    }
  });
});
