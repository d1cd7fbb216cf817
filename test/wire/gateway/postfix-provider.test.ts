import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { testCertificate } from '../../fakes/certificate.ts';
import { missing } from '../clients/home.ts';
import { type MailSystem, startMailSystem } from '../postfix/mail-system.ts';
import { eventually, type Json, smallMessage } from '../support.ts';
import { handIn, tryNow } from './hand-in.ts';
import { type GatewayOffice, gatewayOffice, listed } from './office.ts';
import { type Provider, startProvider } from './provider.ts';

const ANN = 'ann@archive.example';
const BOB = 'bob@archive.example';
const GREY = 'grey@archive.example';
const UNKNOWN = 'nobody@archive.example';

/** Of Postfix. */
const SIZE_LIMIT_BYTES = 2_000_000;
const CONNECTION_LIMIT = 3;

/** More than the first back-off of a message, or of a mailbox. */
const LATER_MS = 90_000;

/** Its queue, its delivery and its users are root's matter. */
const skip = missing('postfix', 'dovecot') || (process.getuid?.() !== 0 && 'Postfix is started by root alone');

/** Postfix's policy protocol (SMTPD_POLICY_README): what is for Grey it asks to come again, once. */
const startGreylisting = async () => {
  let isKnown = false;
  const server = createServer((socket) => {
    let asked = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      asked += chunk.toString();
      if (!asked.endsWith('\n\n')) return;
      const isNew = asked.includes(`\nrecipient=${GREY}\n`) && !isKnown;
      isKnown ||= isNew;
      asked = '';
      socket.write(`action=${isNew ? 'defer_if_permit Greylisted, come again later' : 'dunno'}\n\n`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
};

/** Somebody else who keeps the server busy. */
const holdConnection = async (port: number) => {
  const socket = connect(port, '127.0.0.1');
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  assert.match(greeting.toString(), /^220 /);
  return socket;
};

describe('a gateway that sends straight to Postfix, with Dovecot to check the token', { skip }, () => {
  let provider: Provider;
  let greylisting: Awaited<ReturnType<typeof startGreylisting>>;
  let mail: MailSystem;
  let office: GatewayOffice;
  let authorities: { readonly right: string; readonly wrong: string };
  let clockFile: string;
  let aheadMs = 0;

  before(async () => {
    provider = await startProvider();
    greylisting = await startGreylisting();
    const certificate = await testCertificate();
    const policy = `check_policy_service inet:127.0.0.1:${greylisting.port}`;
    mail = await startMailSystem({
      certificate,
      verifyToken: provider.verifyToken,
      recipients: [ANN, BOB, GREY],
      settings: {
        message_size_limit: String(SIZE_LIMIT_BYTES),
        smtpd_client_connection_count_limit: String(CONNECTION_LIMIT),
        smtpd_recipient_restrictions: `reject_unlisted_recipient, ${policy}, permit_sasl_authenticated, reject`,
      },
    });
    authorities = { right: join(provider.folder, 'right.pem'), wrong: join(provider.folder, 'wrong.pem') };
    clockFile = join(provider.folder, 'ahead');
    await writeFile(authorities.right, certificate.cert);
    await writeFile(authorities.wrong, (await testCertificate()).cert);
    await writeFile(clockFile, '0');
    const movedClock = new URL('../../fakes/moved-clock.ts', import.meta.url);
    office = await gatewayOffice({
      brokerEnv: await provider.brokerEnv({ host: '127.0.0.1', port: mail.port, ca: certificate.cert }),
      settings: { provider_ca_file: authorities.right },
      gatewayEnv: { NODE_OPTIONS: `--import=${movedClock.href}`, MOVED_CLOCK_FILE: clockFile },
    });
  });
  after(async () => {
    await office?.close();
    await mail?.close();
    greylisting?.close();
    await provider?.close();
  });

  /** The back-off is over, as far as the gateway knows. */
  const passTime = (): Promise<void> => {
    aheadMs += LATER_MS;
    return writeFile(clockFile, String(aheadMs));
  };

  const told = async (id: string, state: string): Promise<Json> => {
    const isIt = (one: Json): boolean => one.submission_id === id && one.state === state;
    const all = await listed(office, `${id} is ${state}`, (submissions) => submissions.some(isIt));
    return all.find(isIt) ?? {};
  };

  const copiesFor = async (recipient: string, messageId: string): Promise<readonly string[]> =>
    (await mail.delivered(recipient)).filter((text) => text.includes(messageId));

  const deliveredTo = (recipient: string, messageId: string): Promise<string> =>
    eventually(`${messageId} is delivered to ${recipient}`, async () => (await copiesFor(recipient, messageId))[0]);

  const message = (messageId: string): string => smallMessage(office.address, messageId, ANN);

  /** Postfix writes lines as Unix does. */
  const bodyOf = (text: string): string => text.replaceAll('\r\n', '\n').split('\n\n').slice(1).join('\n\n');

  const reload = async (settings: Json): Promise<void> => {
    const from = office.gateway.output().length;
    await office.configure(settings);
    office.gateway.signal('SIGHUP');
    await eventually(
      'the settings are taken',
      () => office.gateway.output().slice(from).includes('gateway.reloaded') || undefined,
    );
  };

  it('delivers with XOAUTH2 over TLS what a device hands in, and the console has the reply', async () => {
    const id = await handIn(office, message('<first@printer.example>'), [ANN]);
    const { last_response } = await told(id, 'sent');
    assert.match(String(last_response), /^250 2\.0\.0 Ok: queued as/);
    const delivered = await deliveredTo(ANN, '<first@printer.example>');
    assert.equal(bodyOf(delivered), bodyOf(message('<first@printer.example>')));
    assert.match(await mail.log(), /sasl_method=XOAUTH2, sasl_username=scanner@contoso\.example/);
  });

  it('is refused one recipient of three: the others get it once, and the console names the one', async () => {
    const messageId = '<partly@printer.example>';
    const id = await handIn(office, message(messageId), [ANN, UNKNOWN, BOB]);
    const { rejected_recipients, attempts } = await told(id, 'sent');
    const [rejected, ...none] = rejected_recipients as readonly Json[];
    assert.deepEqual([rejected?.address, none, attempts], [UNKNOWN, [], 1]);
    assert.match(String(rejected?.response), /^550 5\.1\.1 .*User unknown/);
    for (const recipient of [ANN, BOB]) {
      await deliveredTo(recipient, messageId);
      assert.equal((await copiesFor(recipient, messageId)).length, 1);
    }
  });

  it('is told that a message is larger than the server takes: that has failed, and nothing else waits for it', async () => {
    const large = message('<large@printer.example>') + 'A document was scanned.\r\n'.repeat(90_000);
    assert.ok(large.length > SIZE_LIMIT_BYTES);
    const { reason } = await told(await handIn(office, large, [ANN]), 'failed');
    assert.equal(reason, 'message_too_large');
    await told(await handIn(office, message('<small@printer.example>'), [ANN]), 'sent');
    assert.deepEqual(await copiesFor(ANN, '<large@printer.example>'), []);
  });

  it('is greylisted: that message waits, others do not, and later it is delivered once', async () => {
    const messageId = '<grey@printer.example>';
    const id = await handIn(office, message(messageId), [GREY]);
    const { reason, last_response } = await told(id, 'deferred');
    assert.equal(reason, 'mail_server_unavailable');
    assert.match(String(last_response), /^450 4\.7\.1 .*Greylisted/);
    await told(await handIn(office, message('<meanwhile@printer.example>'), [ANN]), 'sent');
    await passTime();
    await told(await handIn(office, message('<after@printer.example>'), [ANN]), 'sent');
    const { attempts } = await told(id, 'sent');
    assert.equal(attempts, 2);
    await deliveredTo(GREY, messageId);
    assert.equal((await copiesFor(GREY, messageId)).length, 1);
  });

  it('meets 421, as too many others are there: all mail waits, and goes once they have left', async () => {
    const others = await Promise.all(Array.from({ length: CONNECTION_LIMIT }, () => holdConnection(mail.port)));
    const ids = [
      await handIn(office, message('<crowded-1@printer.example>'), [ANN]),
      await handIn(office, message('<crowded-2@printer.example>'), [BOB]),
    ];
    const { reason, last_response } = await told(ids[0] ?? '', 'deferred');
    assert.equal(reason, 'mail_server_unavailable');
    assert.match(String(last_response), /^421 4\.7\.0 .*too many connections/i);
    for (const other of others) other.destroy();
    await eventually('they have left', async () => {
      const socket = await holdConnection(mail.port).catch(() => undefined);
      socket?.destroy();
      return socket && true;
    });
    await tryNow(office);
    for (const id of ids) await told(id, 'sent');
    await deliveredTo(BOB, '<crowded-2@printer.example>');
  });

  it('does not trust the server: mail waits and says why, and goes once the right authority is set', async () => {
    await reload({ provider_ca_file: authorities.wrong });
    const id = await handIn(office, message('<distrusted@printer.example>'), [ANN]);
    const { reason, last_response } = await told(id, 'deferred');
    assert.equal(reason, 'mail_server_misconfigured');
    assert.match(String(last_response), /^The certificate of the mail server is not trusted/);
    assert.deepEqual(await copiesFor(ANN, '<distrusted@printer.example>'), []);
    await reload({ provider_ca_file: authorities.right });
    await tryNow(office);
    await told(id, 'sent');
    await deliveredTo(ANN, '<distrusted@printer.example>');
  });
});
