import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Home, makeHome, missing } from '../clients/home.ts';
import { bind, call, eventually, type Json, newDevice, newMailbox, signIn, type WireDevice } from '../support.ts';
import { DEVICE_PROGRAMS, type Job } from './device-programs.ts';
import { type GatewayOffice, gatewayOffice } from './office.ts';
import { documentIn, type Scan, scanMessage, sha256 } from './scan.ts';

/** Of a document whose message has 30 MB, and of one whose message is larger than the 35 MiB that providers take. */
const LARGE_BYTES = 22_000_000;
const TOO_LARGE_BYTES = 29_500_000;

/** One announces the size (RFC 1870), the other sends all of it. */
const SENDS_TOO_MUCH: readonly string[] = ['curl', 'swaks'];

const SECURITIES = ['plain', 'starttls', 'tls'] as const;
const MECHANISMS = ['PLAIN', 'LOGIN'] as const;

const NAMES = { plain: 'the plain port', starttls: 'STARTTLS', tls: 'TLS from the first byte' } as const;

/** All of 127.0.0.0/8 is this machine there, so that programs can be several devices. */
const severalAddresses = process.platform === 'linux' ? false : 'this machine has one address for itself';

/** What must not arrive. */
const NEVER = { subject: 'never', document: randomBytes(10) };

interface Placed {
  readonly device: WireDevice;
  /** Of its mailbox. */
  readonly address: string;
  /** Where it is listed, and where it is when it is wrong. */
  readonly listedAt: string;
  readonly wrongAt: string;
  /** Where it is without the gateway's root. */
  readonly distrustsAt: string;
}

describe('a device behind the gateway', () => {
  let office: GatewayOffice;
  let home: Home;
  let ports: Readonly<Record<Job['security'], number>>;
  let trust: string;
  const placed = new Map<string, Placed>();

  const place = async (name: string, number: number): Promise<void> => {
    const { broker, organizationId, mailboxId } = office;
    const address = `${name}@contoso.example`;
    const own = await newMailbox(broker, organizationId, 'microsoft', address);
    await signIn(broker, own, { username: address });
    const device = await newDevice(broker, organizationId);
    await bind(broker, device.clientId, 'scan', own);
    await bind(broker, device.clientId, 'alerts', mailboxId);
    const [listedAt, wrongAt, distrustsAt] = [`127.0.1.${number}`, `127.0.2.${number}`, `127.0.3.${number}`] as const;
    placed.set(name, { device, address, listedAt, wrongAt, distrustsAt });
  };

  before(async () => {
    const listeners = SECURITIES.map((security) => ({
      ...{ protocol: 'smtp', port: 0, security },
      cleartext_sign_in: security === 'plain',
    }));
    const settings = { names: ['127.0.0.1'], listeners, limits: { messages_per_minute: 600 } };
    office = await gatewayOffice({ settings });
    home = await makeHome();
    await home.write({ 'ca.pem': await (await office.page('/ca.pem')).text() });
    trust = join(home.path, 'ca.pem');
    const { listeners: running } = office.gateway.ready;
    const portOf = (wanted: string) => running.find(({ security }) => security === wanted)?.port ?? 0;
    ports = { plain: portOf('plain'), starttls: portOf('starttls'), tls: portOf('tls') };
    const names = Object.keys(DEVICE_PROGRAMS);
    for (const [index, name] of names.entries()) await place(name, index + 1);
    const listed = [...placed.values()].map(({ device, listedAt }) => ({
      network: `${listedAt}/32`,
      client_id: device.clientId,
      client_secret: device.clientSecret,
    }));
    // On the ports that they have got.
    const same = listeners.map((one) => ({ ...one, port: ports[one.security] }));
    await office.configure({ ...settings, listeners: same, listed_devices: listed });
    office.gateway.signal('SIGHUP');
    await eventually('the settings are taken', () => office.gateway.output().includes('gateway.reloaded') || undefined);
  });
  after(async () => {
    await office?.close();
    await home?.remove();
  });

  const inbox = async (): Promise<readonly Json[]> =>
    (await call(new URL('messages.json', office.broker.inbox).href)).body.messages as readonly Json[];

  /** The message of this mailbox with the subject, as the provider has it. */
  const arrivedAs = async (user: string, subject: string): Promise<Json & { readonly raw: string }> => {
    const isIt = (one: Json): boolean => one.user === user && one.subject === subject;
    const found = await eventually(`"${subject}" of ${user} arrives`, async () => (await inbox()).find(isIt));
    const { text } = await call(new URL(`messages/${found.id}/raw`, office.broker.inbox).href);
    return { ...found, raw: text };
  };

  const logged = (event: string, clientId: string): number =>
    office.gateway
      .output()
      .split('\n')
      .filter((line) => line.includes(`"event":"${event}"`) && line.includes(clientId)).length;

  // Most of the time is theirs, to start.
  describe('by a program', { concurrency: 3 }, () => {
    for (const [name, program] of Object.entries(DEVICE_PROGRAMS)) {
      describe(name, { concurrency: 1, skip: missing(...program.needs) }, () => {
        const mine = (): Placed => placed.get(name) ?? assert.fail(`${name} has no place`);

        const jobOf = (more: Partial<Job> = {}): Job => {
          const { device, address: from } = mine();
          const signIn = { user: device.clientId, password: device.clientSecret, mechanism: 'PLAIN' } as const;
          const { security = 'starttls' } = more;
          const checked = security === 'plain' ? {} : { trust };
          return {
            port: ports[security],
            security,
            ...checked,
            signIn,
            from,
            to: ['ann@example.org'],
            files: [],
            ...more,
          };
        };

        const run = async (scan: Omit<Scan, 'from'> & { readonly from?: string }, more: Partial<Job> = {}) => {
          const message = scanMessage({ from: mine().address, ...scan });
          const file = `${name}.eml`;
          await home.write({ [file]: message });
          const { code, stdout, stderr } = await program.run(home, jobOf({ files: [file], ...more }));
          return { message, code, said: `${stdout}\n${stderr}` };
        };

        /** The whole message is compared: swaks ends its own with one line more. */
        const assertArrives = async (subject: string, message: string, user = mine().address) => {
          const arrived = await arrivedAs(user, subject);
          assert.equal(arrived.mechanism, 'XOAUTH2');
          assert.equal(sha256(documentIn(arrived.raw)), sha256(documentIn(message)));
          assert.ok(arrived.raw.trimEnd() === message.trimEnd(), `"${subject}" arrives as something else`);
          return arrived;
        };

        const sends = async (scan: Omit<Scan, 'from'> & { readonly from?: string }, more: Partial<Job> = {}) => {
          const { message, code, said } = await run(scan, more);
          assert.equal(code, 0, said.slice(-2000));
          return message;
        };

        for (const security of SECURITIES) {
          for (const mechanism of MECHANISMS) {
            it(`sends by AUTH ${mechanism} over ${NAMES[security]}, and what arrives is what it sent`, async () => {
              const subject = `${mechanism} ${security}`;
              const { signIn } = jobOf();
              assert.ok(signIn);
              const document = randomBytes(3000);
              const message = await sends({ subject, document }, { security, signIn: { ...signIn, mechanism } });
              const { envelope_from, envelope_to } = await assertArrives(subject, message);
              assert.deepEqual([envelope_from, envelope_to], [mine().address, ['ann@example.org']]);
            });
          }
        }

        for (const security of ['starttls', 'tls'] as const) {
          const what = `does not send over ${NAMES[security]} without the gateway's root, and the log says why`;
          it(what, { skip: severalAddresses }, async () => {
            const { distrustsAt: address } = mine();
            const ofIt = (line: string): boolean =>
              line.includes('"event":"smtp.tls_failed"') && line.includes(`"${address}"`);
            const told = () => office.gateway.output().split('\n').filter(ofIt);
            const before = told().length;
            const { code, said } = await run(NEVER, { security, address, trust: undefined });
            assert.notEqual(code, 0);
            assert.match(said, program.untrusted);
            const line = await eventually('the log tells of it', () => told()[before]);
            assert.match(line, /does not trust the gateway's certificate/);
          });
        }

        it('sends a scan of 30 MB, which arrives as it is', async () => {
          const subject = '30 MB';
          const message = await sends({ subject, document: randomBytes(LARGE_BYTES) });
          assert.ok(message.length > 30_000_000);
          await assertArrives(subject, message);
        });

        if (SENDS_TOO_MUCH.includes(name)) {
          it('is told that 40 MB are too much', async () => {
            const { code, said } = await run({ ...NEVER, document: randomBytes(TOO_LARGE_BYTES) });
            assert.notEqual(code, 0);
            assert.match(said, /552\b.{0,4}5\.3\.4 The message is too large/);
          });
        }

        it('sends five messages on one connection', {
          skip: !program.several && 'it sends one at a time',
        }, async () => {
          const { clientId } = mine().device;
          const before = logged('smtp.signed_in', clientId);
          const scans = [1, 2, 3, 4, 5].map((number) => ({ subject: `Page ${number}`, document: randomBytes(500) }));
          const messages = scans.map((scan) => scanMessage({ from: mine().address, ...scan }));
          const files = messages.map((_, index) => `${name}-${index}.eml`);
          await home.write(Object.fromEntries(files.map((file, index) => [file, messages[index] ?? ''])));
          const { code, stdout, stderr } = await program.run(home, jobOf({ files }));
          assert.equal(code, 0, `${stdout}\n${stderr}`);
          for (const [index, { subject }] of scans.entries()) await assertArrives(subject, messages[index] ?? '');
          assert.equal(logged('smtp.signed_in', clientId) - before, 1);
          const pages = (await inbox()).filter(
            (one) => one.user === mine().address && /^Page /.test(String(one.subject)),
          );
          assert.equal(pages.length, 5);
        });

        it('sends to everybody in the envelope, and nobody reads who had a blind copy', async () => {
          const to = ['ann@example.org', 'bob@example.org', 'carol@example.org'];
          const subject = 'Blind copy';
          const blind = 'Bcc: Carol <carol@example.org>, dave@example.org';
          const message = await sends(
            { subject, document: randomBytes(10), fields: ['Cc: bob@example.org', blind] },
            { to },
          );
          const { envelope_to } = await assertArrives(subject, message.replace(`${blind}\r\n`, ''));
          // Not Dave: the envelope decides.
          assert.deepEqual(envelope_to, to);
        });

        it('sends from the mailbox of the slot in its user name', async () => {
          const { clientId, clientSecret: password } = mine().device;
          const from = office.address;
          const subject = `Alert of ${name}`;
          const signIn = { user: `${clientId}+alerts`, password, mechanism: 'PLAIN' } as const;
          const message = await sends({ subject, from, document: randomBytes(10) }, { from, signIn });
          await assertArrives(subject, message, from);
        });

        it('sends a subject and an address beyond ASCII', async () => {
          const subject = 'Übergröße: 寸法';
          const to = ['jörg@example.org', 'ann@bücher.example'];
          await sends({ subject, document: randomBytes(10) }, { to });
          const { envelope_to, raw } = await arrivedAs(mine().address, subject);
          assert.deepEqual(envelope_to, ['jörg@example.org', 'ann@bücher.example']);
          assert.match(raw, /\r\nSubject: (=\?utf-8\?|Übergröße)/i);
        });

        it('is told of a wrong password', { skip: severalAddresses }, async () => {
          const { device, wrongAt: address } = mine();
          const signIn = { user: device.clientId, password: 'not-its-password', mechanism: 'LOGIN' } as const;
          const { code, said } = await run(NEVER, { signIn, address });
          assert.notEqual(code, 0);
          assert.match(said, program.refused.signIn);
          assert.match(said, /\b535\b.{0,4}5\.7\.8 The device is unknown or disabled, or its password is wrong\./);
        });

        it('is told that it may not send as somebody else', async () => {
          const from = 'manager@contoso.example';
          const { code, said } = await run({ ...NEVER, from }, { from });
          assert.notEqual(code, 0);
          assert.match(said, program.refused.message);
          assert.match(said, /\b550\b.{0,4}5\.7\.1 This device may not send as the sender in the message\./);
        });

        it('is told of an address that is none', async () => {
          const { code, said } = await run(
            { subject: 'never', document: randomBytes(10) },
            { to: ['ann@@example..org'] },
          );
          assert.notEqual(code, 0);
          assert.match(said, program.refused.recipient);
          assert.match(said, /\b501\b.{0,4}5\.1\.3 The address of the recipient is not valid/);
        });

        it('sends without a sign-in where its address is listed, and nowhere else', {
          skip: severalAddresses,
        }, async () => {
          const subject = 'By address';
          const unsigned = { security: 'plain', signIn: undefined } as const;
          const scan = { subject, document: randomBytes(10) };
          const message = await sends(scan, { ...unsigned, address: mine().listedAt });
          await assertArrives(subject, message);
          const elsewhere = await run(scan, unsigned);
          assert.notEqual(elsewhere.code, 0);
          assert.match(elsewhere.said, /\b530\b.{0,4}5\.7\.0 Sign in first/);
        });
      });
    }
  });

  it('leaves nothing of what was refused, and nothing arrives twice', async () => {
    const subjects = (await inbox()).map(({ user, subject }) => `${user} ${subject}`);
    assert.ok(!subjects.some((one) => one.endsWith('never')), subjects.join('\n'));
    assert.equal(new Set(subjects).size, subjects.length);
  });
});
