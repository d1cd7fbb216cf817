import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { type StandIns, type StandInsOptions, startStandIns } from '../../local/stand-ins/start.ts';
import { refreshFor, signInFor } from '../fakes/sign-in.ts';

const REDIRECT_URI = 'http://localhost:1/back';
const SCANNER = 'scanner@contoso.example';
const GMAIL_SCANNER = 'scanner@gmail.example';

const optionsFor = (folder: string, more: Partial<StandInsOptions> = {}): StandInsOptions => ({
  providers: ['microsoft', 'google'],
  host: '127.0.0.1',
  httpPort: 0,
  smtpPort: 0,
  folder,
  redirectUris: { microsoft: [REDIRECT_URI], google: [REDIRECT_URI] },
  ...more,
});

const configOf = (standIns: Pick<StandIns, 'providers'>, provider: 'microsoft' | 'google') => {
  const config = standIns.providers[provider];
  assert.ok(config);
  return config;
};

interface Sending {
  readonly user: string;
  readonly accessToken: string;
  readonly from?: string;
  readonly raw?: string | Buffer;
}

const MESSAGE = 'From: Scanner <scanner@contoso.example>\r\nTo: x@example.org\r\nSubject: Scan\r\n\r\nHello\r\n';

const send = (standIns: Pick<StandIns, 'providers'>, { user, accessToken, from = user, raw = MESSAGE }: Sending) => {
  const { smtp, ca } = configOf(standIns, 'microsoft');
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    requireTLS: true,
    forceAuth: true,
    tls: { ca },
    auth: { type: 'OAuth2', user, accessToken },
  });
  return transport.sendMail({ raw, envelope: { from, to: ['x@example.org', 'y@example.org'] } });
};

const refusedWith = (pattern: RegExp) => (error: Error & { response?: string }) => {
  assert.match(error.response ?? error.message, pattern);
  return true;
};

const temporaryFolder = () => mkdtemp(join(tmpdir(), 'stand-ins-'));

describe('the mail stand-in', () => {
  let folder: string;
  let standIns: StandIns;
  let outlook: string;
  let gmail: string;

  before(async () => {
    folder = await temporaryFolder();
    standIns = await startStandIns(optionsFor(folder));
    const at = { redirectUri: REDIRECT_URI };
    outlook = (await signInFor('microsoft', configOf(standIns, 'microsoft'), SCANNER, at)).access_token;
    gmail = (await signInFor('google', configOf(standIns, 'google'), GMAIL_SCANNER, at)).access_token;
  });
  afterEach(() => standIns.mail.clearFaults());
  after(async () => {
    await standIns.close();
    await rm(folder, { recursive: true });
  });

  test('takes a message from the account that the token belongs to, and keeps how it came', async () => {
    const info = await send(standIns, { user: SCANNER, accessToken: outlook });
    assert.match(info.response, /^250 2\.0\.0 OK </);
    const [newest] = standIns.mail.list();
    assert.equal(newest?.provider, 'microsoft');
    assert.equal(newest.user, SCANNER);
    assert.equal(newest.envelopeFrom, SCANNER);
    assert.deepEqual(newest.envelopeTo, ['x@example.org', 'y@example.org']);
    assert.equal(newest.tlsVersion, 'TLSv1.3');
    assert.equal(newest.mechanism, 'XOAUTH2');
    await send(standIns, { user: GMAIL_SCANNER, accessToken: gmail });
    assert.equal(standIns.mail.list()[0]?.provider, 'google');
  });

  test('refuses a token of another user, in the words of the provider', async () => {
    const office = { user: 'office@contoso.example', accessToken: outlook };
    await assert.rejects(send(standIns, office), refusedWith(/^535 5\.7\.3 Authentication unsuccessful/));
    const gmailOffice = { user: 'office@gmail.example', accessToken: gmail };
    await assert.rejects(send(standIns, gmailOffice), refusedWith(/^535 5\.7\.8 Username and Password not accepted/));
  });

  test('sends a Gmail user the JSON challenge before the 535', async () => {
    const { smtp, ca } = configOf(standIns, 'google');
    const lines: string[] = [];
    const log = (entry: unknown, text?: string, ...values: unknown[]) =>
      lines.push(`${text ?? ''} ${values.join(' ')} ${JSON.stringify(entry)}`);
    const logger = { level: () => undefined, trace: log, debug: log, info: log, warn: log, error: log, fatal: log };
    const transport = createTransport({
      host: smtp.host,
      port: smtp.port,
      requireTLS: true,
      tls: { ca },
      auth: { type: 'OAuth2', user: GMAIL_SCANNER, accessToken: 'made-up' },
      logger,
      debug: true,
    });
    await assert.rejects(transport.verify(), refusedWith(/^535 5\.7\.8/));
    const challenge = /334 ([A-Za-z0-9+/=]+)/.exec(lines.join('\n'))?.[1] ?? '';
    assert.deepEqual(JSON.parse(Buffer.from(challenge, 'base64').toString()), {
      status: '401',
      schemes: 'bearer mac',
      scope: 'https://mail.google.com/',
    });
  });

  test('refuses an expired token, one for another resource, and one it never saw', async () => {
    for (const [provider, user] of [
      ['microsoft', SCANNER],
      ['google', GMAIL_SCANNER],
    ] as const) {
      standIns.identity[provider]?.setAccessTokenTtl(1);
      const config = configOf(standIns, provider);
      const { access_token: brief } = await signInFor(provider, config, user, { redirectUri: REDIRECT_URI });
      standIns.identity[provider]?.setAccessTokenTtl(3600);
      await sleep(1100);
      await assert.rejects(send(standIns, { user, accessToken: brief }), refusedWith(/^535/));
    }
    const scope = 'openid offline_access https://graph.microsoft.com/Mail.Send';
    const config = configOf(standIns, 'microsoft');
    const graph = await signInFor('microsoft', config, SCANNER, { redirectUri: REDIRECT_URI, scope });
    await assert.rejects(
      send(standIns, { user: SCANNER, accessToken: graph.access_token }),
      refusedWith(/^535 5\.7\.3/),
    );
    const forged = `${outlook.slice(0, outlook.lastIndexOf('.'))}.${Buffer.from('forged').toString('base64url')}`;
    await assert.rejects(send(standIns, { user: SCANNER, accessToken: forged }), refusedWith(/^535 5\.7\.3/));
    const { refusedSignIns } = standIns.mail.counters();
    // nodemailer asks for a new token and tries once more after Gmail's challenge.
    assert.ok((refusedSignIns.expired ?? 0) >= 2);
    assert.equal(refusedSignIns.wrong_audience, 1);
    assert.ok((refusedSignIns.unknown ?? 0) >= 1);
  });

  test('offers no sign-in before STARTTLS, and takes no sender without a sign-in', async () => {
    const socket = connect(configOf(standIns, 'microsoft').smtp.port, '127.0.0.1');
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const reply = async () => {
      const text: string[] = [];
      for (;;) {
        const { value } = await lines.next();
        text.push(String(value));
        if (/^\d{3} /.test(String(value))) return text.join('\n');
      }
    };
    assert.match(await reply(), /^220 /);
    socket.write('EHLO printer.example\r\n');
    const capabilities = await reply();
    assert.match(capabilities, /250.STARTTLS/);
    assert.match(capabilities, /250.SIZE 36700160/);
    assert.doesNotMatch(capabilities, /AUTH/);
    socket.write('AUTH XOAUTH2 dXNlcj1h\r\n');
    assert.match(await reply(), /^500 /);
    socket.write('MAIL FROM:<scanner@contoso.example>\r\n');
    assert.match(await reply(), /^530 5\.7\.57/);
    socket.destroy();
  });

  test('refuses another sender than the one signed in, after the message', async () => {
    const boss = { user: SCANNER, accessToken: outlook, from: 'boss@contoso.example' };
    await assert.rejects(send(standIns, boss), refusedWith(/^554 5\.2\.252 SendAsDenied; scanner@contoso\.example/));
  });

  test('keeps every byte of a message, dots, 8-bit and long lines included', async () => {
    const body = Array.from({ length: 40_000 }, (_, line) =>
      line % 10 === 0 ? '.' : `.${randomBytes(45).toString('base64')}\u00e9`,
    ).join('\r\n');
    const raw = Buffer.from(`${MESSAGE}${body}\r\n${'x'.repeat(900)}\r\n`);
    await send(standIns, { user: SCANNER, accessToken: outlook, raw });
    const [newest] = standIns.mail.list();
    assert.equal(newest?.sizeBytes, raw.length);
    assert.equal(newest.sha256, createHash('sha256').update(raw).digest('hex'));
    const response = await fetch(`${standIns.inboxUrl}messages/${newest.id}/raw`);
    assert.equal(response.headers.get('content-type'), 'message/rfc822');
    assert.ok(raw.equals(Buffer.from(await response.arrayBuffer())));
  });

  test('takes 34 MB and refuses 36 MB with 552', async () => {
    const line = `${'A'.repeat(76)}\r\n`;
    const sized = (megabytes: number) => Buffer.from(MESSAGE + line.repeat((megabytes * 1024 * 1024) / line.length));
    await send(standIns, { user: SCANNER, accessToken: outlook, raw: sized(34) });
    const tooLarge = { user: SCANNER, accessToken: outlook, raw: sized(36) };
    await assert.rejects(send(standIns, tooLarge), refusedWith(/^552 5\.3\.4/));
  });

  test('says what a test tells it to say at each step, as often as told', async () => {
    const sending = { user: SCANNER, accessToken: outlook };
    const before = standIns.mail.list().length;
    const text = '4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded';
    for (const place of ['AUTH', 'MAIL', 'RCPT', 'DATA'] as const) {
      standIns.mail.setFault(place, { kind: 'reply', code: 432, text }, place === 'RCPT' ? 2 : 1);
      await assert.rejects(send(standIns, sending), refusedWith(/432 4\.3\.2 STOREDRV/));
    }
    standIns.mail.setFault('CONNECT', { kind: 'reply', code: 421, text: '4.7.66 TLS 1.0 and 1.1 are not supported' });
    await assert.rejects(send(standIns, sending), refusedWith(/421 4\.7\.66/));
    assert.equal(standIns.mail.list().length, before);
    await send(standIns, sending);
    assert.equal(standIns.mail.list().length, before + 1);
  });

  test('drops the connection after the message, having kept or lost it', async () => {
    const sending = { user: SCANNER, accessToken: outlook };
    const before = standIns.mail.list().length;
    standIns.mail.setFault('DATA', { kind: 'drop', message: 'lost' });
    await assert.rejects(send(standIns, sending));
    assert.equal(standIns.mail.list().length, before);
    standIns.mail.setFault('DATA', { kind: 'drop', message: 'kept' });
    await assert.rejects(send(standIns, sending));
    assert.equal(standIns.mail.list().length, before + 1);
  });

  test('counts connections, now and at most, over all and by user', async () => {
    const folder2 = await temporaryFolder();
    const fresh = await startStandIns(optionsFor(folder2));
    try {
      const config = configOf(fresh, 'microsoft');
      const { access_token: accessToken } = await signInFor('microsoft', config, SCANNER, {
        redirectUri: REDIRECT_URI,
      });
      await Promise.all([1, 2, 3].map(() => send(fresh, { user: SCANNER, accessToken })));
      const { connectionsAtMost, atMostByUser, messages, signIns } = fresh.mail.counters();
      assert.deepEqual({ messages, signIns }, { messages: 3, signIns: 3 });
      assert.equal(connectionsAtMost, 3);
      assert.ok((atMostByUser[SCANNER] ?? 0) >= 1);
      for (let tries = 0; fresh.mail.counters().connectionsNow > 0; tries++) {
        assert.ok(tries < 100, 'connections stay open');
        await sleep(10);
      }
    } finally {
      await fresh.close();
      await rm(folder2, { recursive: true });
    }
  });

  test('shows what arrived, newest first, escaped, without script, to people and to scripts', async () => {
    const raw =
      'From: Evil <scanner@contoso.example>\r\nTo: x@example.org\r\nSubject: =?utf-8?q?=C5=BB_<script>alert(1)</script>?=\r\n' +
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n<b>hi</b>\r\n' +
      '--b\r\nContent-Type: application/pdf; name="a<i>.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n';
    await send(standIns, { user: SCANNER, accessToken: outlook, raw });
    const json = (await (await fetch(`${standIns.inboxUrl}messages.json`)).json()) as {
      messages: { id: string; subject: string; received_at: string }[];
    };
    assert.equal(json.messages[0]?.subject, 'Ż <script>alert(1)</script>');
    const times = json.messages.map(({ received_at }) => received_at);
    assert.deepEqual(times, [...times].sort().reverse());

    const list = await fetch(standIns.inboxUrl);
    const listText = await list.text();
    assert.match(list.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.match(listText, /Ż &lt;script&gt;/);
    assert.doesNotMatch(listText, /<script/);
    assert.ok(listText.indexOf(json.messages[0].id) < listText.indexOf(json.messages[1]?.id ?? ''));

    const page = await (await fetch(`${standIns.inboxUrl}messages/${json.messages[0].id}`)).text();
    assert.match(page, /<pre>&lt;b&gt;hi&lt;\/b&gt;<\/pre>/);
    assert.match(page, /application\/pdf, a&lt;i&gt;\.pdf/);
    assert.match(page, /3 bytes, sent as base64/);
    assert.equal((await fetch(`${standIns.inboxUrl}messages/nothing`)).status, 404);
    assert.equal((await fetch(`${standIns.inboxUrl}messages/..%2f..%2fstand-in.key`)).status, 404);
    assert.equal((await fetch(`${standIns.inboxUrl}_test/mail/counters`)).status, 404);
  });
});

describe('state', () => {
  test('survives a restart: refresh tokens, signing keys, messages and the certificate', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true }));
    const first = await startStandIns(optionsFor(folder));
    const at = { redirectUri: REDIRECT_URI };
    const outlook = await signInFor('microsoft', configOf(first, 'microsoft'), SCANNER, at);
    const gmail = await signInFor('google', configOf(first, 'google'), GMAIL_SCANNER, at);
    await send(first, { user: SCANNER, accessToken: outlook.access_token });
    const messages = first.mail.list();
    await first.close();

    const second = await startStandIns(optionsFor(folder));
    t.after(() => second.close());
    assert.equal((await refreshFor(configOf(second, 'microsoft'), outlook.refresh_token)).status, 200);
    assert.equal((await refreshFor(configOf(second, 'google'), gmail.refresh_token)).status, 200);
    assert.equal(configOf(second, 'microsoft').ca, configOf(first, 'microsoft').ca);
    assert.deepEqual(second.mail.list(), messages);
    await send(second, { user: SCANNER, accessToken: outlook.access_token });
    await send(second, { user: GMAIL_SCANNER, accessToken: gmail.access_token });
    assert.equal(second.mail.list().length, 3);
  });

  test('survives kill -9, the message that was just accepted included', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true }));
    const child = spawn(
      process.execPath,
      [new URL('../fakes/stand-ins-process.ts', import.meta.url).pathname, JSON.stringify(optionsFor(folder))],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const victim = JSON.parse(line) as Pick<StandIns, 'providers' | 'inboxUrl'>;
    const config = configOf(victim, 'microsoft');
    const { refresh_token: first } = await signInFor('microsoft', config, SCANNER, { redirectUri: REDIRECT_URI });
    const { body } = await refreshFor(config, first);
    await send(victim, { user: SCANNER, accessToken: body.access_token ?? '' });
    child.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL']);

    const survivor = await startStandIns(optionsFor(folder));
    t.after(() => survivor.close());
    for (const refreshToken of [first, body.refresh_token ?? '']) {
      assert.equal((await refreshFor(configOf(survivor, 'microsoft'), refreshToken)).status, 200);
    }
    const [message, ...others] = survivor.mail.list();
    assert.equal(others.length, 0);
    const stored = await readFile(join(folder, 'messages', `${message?.id}.eml`), 'utf8');
    assert.equal(stored, MESSAGE);
  });

  test('keeps the key and the messages from other users of the machine', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true }));
    const standIns = await startStandIns(optionsFor(folder));
    t.after(() => standIns.close());
    for (const name of ['stand-in.key', 'stand-ins.db']) {
      assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
    }
  });

  test('moves to a free port where the wanted one is taken, and says so', async (t) => {
    const folder = await temporaryFolder();
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    const standIns = await startStandIns(optionsFor(folder, { httpPort: port, providers: ['google'] }));
    t.after(async () => {
      await standIns.close();
      blocker.close();
      await rm(folder, { recursive: true });
    });
    assert.notEqual(standIns.httpPort, port);
    assert.deepEqual(standIns.portsTaken, [port]);
    assert.equal(standIns.providers.microsoft, undefined);
    assert.match(
      standIns.providers.google?.endpoints.token_endpoint ?? '',
      new RegExp(`:${standIns.httpPort}/google/`),
    );
  });
});
