import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type StandIns, startStandIns } from '../../local/stand-ins/start.ts';
import { testCertificate } from '../fakes/certificate.ts';
import { missing } from './clients/home.ts';
import { type MailSystem, startMailSystem } from './postfix/mail-system.ts';
import {
  ADDRESSES,
  type Bound,
  call,
  eventually,
  freePort,
  type Json,
  postMessage,
  signedInDevice,
  smallMessage,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

const ANN = 'ann@archive.example';
const BOB = 'bob@archive.example';
const UNKNOWN = 'nobody@archive.example';

/** Its queue, its delivery and its users are root's matter. */
const skip = missing('postfix', 'dovecot') || (process.getuid?.() !== 0 && 'Postfix is started by root alone');

describe('Postfix, with Dovecot to check the token', { skip }, () => {
  let mail: MailSystem;
  let standIns: StandIns;
  let broker: WireBroker;
  let scanner: Bound;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-broker-postfix-test-'));
    const port = await freePort();
    const callback = (provider: string) => [`http://localhost:${port}/oauth/callback/${provider}`];
    standIns = await startStandIns({
      ...{ providers: ['microsoft', 'google'], host: '127.0.0.1', httpPort: 0, smtpPort: 0 },
      folder: join(folder, 'stand-ins'),
      redirectUris: { microsoft: callback('microsoft'), google: callback('google') },
    });
    const certificate = await testCertificate();
    const { identity } = standIns;
    mail = await startMailSystem({
      certificate,
      // It knows Microsoft's tokens alone: to it, Google's are wrong ones.
      verifyToken: async (accessToken) =>
        (await identity.microsoft?.verifyToken(accessToken, 'smtp')) ?? { outcome: 'refused', why: 'unknown' },
      recipients: [ANN, BOB],
    });
    const authority = join(folder, 'authority.pem');
    await writeFile(authority, certificate.cert);
    const smtp = { host: '127.0.0.1', port: mail.port, security: 'starttls', ca_file: authority };
    const providers = Object.fromEntries(
      Object.entries(standIns.providers).map(([name, { client_id, client_secret, endpoints }]) => [
        name,
        { client_id, client_secret, endpoints, smtp },
      ]),
    );
    const config = join(folder, 'broker.json');
    await writeFile(config, JSON.stringify({ providers }));
    broker = await wireBroker({ BROKER_PORT: port, BROKER_CONFIG: config });
    scanner = await signedInDevice(broker, 'microsoft');
  });
  after(async () => {
    await broker?.close();
    await mail?.close();
    await standIns?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const handIn = async ({ device }: Bound, message: string, headers: Readonly<Record<string, string>> = {}) => {
    const reply = await postMessage(broker, device, message, headers);
    assert.equal(reply.status, 202, reply.text);
    return reply.body;
  };

  const deliveredTo = (recipient: string, messageId: string): Promise<string> =>
    eventually(`${messageId} is delivered to ${recipient}`, async () =>
      (await mail.delivered(recipient)).find((text) => text.includes(messageId)),
    );

  /** Postfix writes lines as Unix does. */
  const bodyOf = (text: string): string => text.replaceAll('\r\n', '\n').split('\n\n').slice(1).join('\n\n');

  test('takes a small message, with XOAUTH2 over TLS', async () => {
    const message = smallMessage(scanner.address, '<small@printer.example>', ANN);
    const { submission_id } = await handIn(scanner, message);
    const told = await submissionIn(broker, scanner.device, submission_id, 'sent');
    assert.match(String(told.last_response), /^250 2\.0\.0 Ok: queued as/);
    const delivered = await deliveredTo(ANN, '<small@printer.example>');
    assert.equal(bodyOf(delivered), bodyOf(message));
    assert.match(await mail.log(), /sasl_method=XOAUTH2, sasl_username=scanner@contoso\.example/);
  });

  test('takes five megabytes, by way of an upload', async () => {
    const lines = `${'A document was scanned. '.repeat(3).trim()}\r\n`.repeat(75_000);
    const message = smallMessage(scanner.address, '<large@printer.example>', ANN) + lines;
    assert.ok(message.length > 5_000_000);
    const authorization = scanner.device.basic;
    const begun = await call(`${broker.url}/v1/uploads`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ size_bytes: message.length }),
    });
    assert.equal(begun.status, 201, begun.text);
    const { upload_id, url, method, headers } = begun.body as { headers: Record<string, string> } & Json;
    assert.ok((await call(String(url), { method: String(method), headers, body: message })).status < 300);
    const accepted = await call(`${broker.url}/v1/messages`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ upload_id }),
    });
    assert.equal(accepted.status, 202, accepted.text);
    await submissionIn(broker, scanner.device, accepted.body.submission_id, 'sent');
    const delivered = await deliveredTo(ANN, '<large@printer.example>');
    assert.ok(bodyOf(delivered) === bodyOf(message), 'what was delivered is not what was handed in');
  });

  test('refuses one recipient of three: the others get it once, and the record names the one', async () => {
    const message = smallMessage(scanner.address, '<partly@printer.example>', `${ANN}, ${UNKNOWN}, ${BOB}`);
    const { submission_id } = await handIn(scanner, message);
    const told = await submissionIn(broker, scanner.device, submission_id, 'sent');
    const [rejected, ...none] = told.rejected_recipients as readonly Json[];
    assert.deepEqual([rejected?.address, none, told.attempts], [UNKNOWN, [], 1]);
    assert.match(String(rejected?.response), /^550 5\.1\.1 .*User unknown/);
    for (const recipient of [ANN, BOB]) {
      await deliveredTo(recipient, '<partly@printer.example>');
      const copies = (await mail.delivered(recipient)).filter((text) => text.includes('<partly@printer.example>'));
      assert.equal(copies.length, 1);
    }
  });

  test('refuses every recipient: that has failed, and nothing is delivered', async () => {
    const { submission_id } = await handIn(scanner, smallMessage(scanner.address, '<no@printer.example>', UNKNOWN));
    const told = await submissionIn(broker, scanner.device, submission_id, 'failed');
    assert.equal(told.reason, 'invalid_recipient');
  });

  test('refuses a wrong token: the mail is held after one more try with a new one, and said to be', async () => {
    const other = await signedInDevice(broker, 'google', ADDRESSES.google);
    const { submission_id } = await handIn(other, smallMessage(other.address, '<held@printer.example>', ANN));
    const told = await submissionIn(broker, other.device, submission_id, 'held');
    assert.deepEqual([told.reason, told.attempts], ['mail_server_refused_sign_in', 2]);
    assert.match(String(told.last_response), /^535 5\.7\.8 /);
    const delivered = await mail.delivered(ANN);
    assert.ok(!delivered.some((text) => text.includes('<held@printer.example>')));
  });
});
