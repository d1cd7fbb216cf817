import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import {
  nodemailerTransport,
  SMTP_TIMEOUTS,
  type SmtpTimeouts,
} from '../../shared/adapters/nodemailer/nodemailer-transport.ts';
import type { MailServer } from '../../shared/domain/provider.ts';
import type { AttemptOutcome } from '../../shared/domain/submission.ts';
import { LEASE_SECONDS, SENDING_SECONDS } from '../../shared/domain/timing.ts';
import type { MailSession, OutgoingMessage } from '../../shared/ports/mail-transport.ts';
import { type TestCertificate, testCertificate } from '../fakes/certificate.ts';
import { type Says, type ScriptedServer, startScriptedMailServer } from '../fakes/scripted-mail-server.ts';

const USER = 'scan@contoso.example';
const ACCESS_TOKEN = 'made-up-access-token';
const FROM = 'scan@contoso.example';
const TO = ['ann@a.example', 'bob@b.example'];
const MESSAGE = Buffer.from('From: scan@contoso.example\r\nSubject: x\r\n\r\nhello\r\n');

const SHORT: Partial<SmtpTimeouts> = { openingMs: 500, silenceMs: 300, replyMs: 300 };

interface Attempt {
  readonly content?: Buffer | Readable;
  readonly to?: readonly string[];
  readonly sizeBytes?: number;
  readonly accessToken?: string;
  readonly timeouts?: Partial<SmtpTimeouts>;
  readonly trusted?: boolean;
  readonly eightBit?: boolean;
}

/** What a server without 8BITMIME shall get, made plain to see. */
const toSevenBit = (content: Readable): Readable => {
  content.destroy();
  return Readable.from(['Subject: seven bits\r\n\r\nconverted\r\n']);
};

describe('nodemailerTransport as MailTransport', () => {
  let certificate: TestCertificate;
  before(async () => {
    certificate = await testCertificate();
  });

  const open = (port: number, security: MailServer['security'], attempt: Attempt = {}) => {
    const { accessToken = ACCESS_TOKEN, timeouts = {}, trusted = true } = attempt;
    const transport = nodemailerTransport({
      serverFor: () => ({ host: '127.0.0.1', port, security }),
      ca: () => (trusted ? certificate.cert : undefined),
      toSevenBit,
      timeouts,
    });
    return transport.open({ provider: 'microsoft', address: USER, accessToken });
  };

  const messageOf = ({ content = MESSAGE, to = TO, eightBit = false, sizeBytes }: Attempt): OutgoingMessage => ({
    envelope: { from: FROM, to },
    content: Buffer.isBuffer(content) ? Readable.from([content]) : content,
    sizeBytes: sizeBytes ?? MESSAGE.length,
    eightBit,
  });

  /** One message over a session of its own. */
  const send = async (
    port: number,
    security: MailServer['security'],
    attempt: Attempt = {},
  ): Promise<AttemptOutcome> => {
    const opened = await open(port, security, attempt);
    if (!opened.ok) return opened.error;
    const outcome = await opened.value.send(messageOf(attempt));
    await opened.value.close();
    return outcome;
  };

  describe('with a real SMTP server', () => {
    interface Received {
      readonly from: string;
      readonly to: readonly string[];
      readonly content: Buffer;
      readonly secure: boolean;
      readonly token: string;
    }
    const received: Received[] = [];
    const servers: SMTPServer[] = [];

    const start = async (options: SMTPServerOptions = {}): Promise<number> => {
      let token = 'none';
      const server = new SMTPServer({
        ...certificate,
        authMethods: ['XOAUTH2'],
        onAuth: ({ method, username, accessToken }, _, done) => {
          token = `${method} ${username} ${accessToken}`;
          if (accessToken === ACCESS_TOKEN) return done(null, { user: username });
          // Google's way: the reason as base64 JSON in a 334, and the verdict after an empty line.
          done(null, { message: 'Username and Password not accepted', responseCode: 535, data: { status: '401' } });
        },
        onRcptTo: ({ address }, _, done) => {
          if (!address.includes('bob')) return done();
          done(Object.assign(new Error('No such user'), { responseCode: 550 }));
        },
        onData: (stream, { envelope, secure }, done) => {
          const chunks: Buffer[] = [];
          stream.on('data', (chunk: Buffer) => chunks.push(chunk));
          stream.on('end', () => {
            const { mailFrom, rcptTo } = envelope;
            received.push({
              from: mailFrom ? mailFrom.address : '',
              to: rcptTo.map(({ address }) => address),
              content: Buffer.concat(chunks),
              secure,
              token,
            });
            done();
          });
        },
        ...options,
      });
      server.on('error', () => undefined);
      servers.push(server);
      const listener = server.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      return (listener.address() as AddressInfo).port;
    };
    after(() => Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))));

    for (const security of ['starttls', 'tls'] as const) {
      it(`signs in by XOAUTH2 and sends over ${security}, byte for byte`, async () => {
        const port = await start({ secure: security === 'tls', onRcptTo: (_, __, done) => done() });
        received.length = 0;
        const content = Buffer.concat([
          Buffer.from(
            'From: someone@else.example\r\nBcc: kept@as.it.is\r\nSubject: dots\r\n\r\n.\r\n..\r\n.leading\r\n\r\n',
          ),
          Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10 && byte !== 13)),
          Buffer.from(`\r\n${'long '.repeat(50_000)}\r\n.\r\n`),
        ]);
        const pieces = Readable.from([content.subarray(0, 85), content.subarray(85, 87), content.subarray(87)]);
        const outcome = await send(port, security, { content: pieces, sizeBytes: content.length });
        assert.equal(outcome.outcome, 'sent');
        assert.deepEqual(outcome.outcome === 'sent' && outcome.refused, []);
        const [mail] = received;
        assert.ok(mail);
        assert.ok(mail.content.equals(content), 'the very same bytes');
        assert.deepEqual([mail.from, mail.to], [FROM, TO]);
        assert.ok(mail.secure);
        assert.equal(mail.token, `XOAUTH2 ${USER} ${ACCESS_TOKEN}`);
        assert.ok(pieces.destroyed);
      });
    }

    it('tells which recipients were refused', async () => {
      received.length = 0;
      const outcome = await send(await start(), 'starttls');
      const response = '550 No such user';
      assert.deepEqual(outcome.outcome === 'sent' && outcome.refused, [
        { address: 'bob@b.example', response, tryAgain: false },
      ]);
      assert.deepEqual(received[0]?.to, ['ann@a.example']);
    });

    it('tells those refused for the moment from those refused for good', async () => {
      const refusals: { readonly [name: string]: number } = { grey: 451, full: 452, gone: 550, blocked: 554 };
      const port = await start({
        onRcptTo: ({ address }, _, done) => {
          const responseCode = refusals[address.split('@')[0] ?? ''];
          done(responseCode === undefined ? undefined : Object.assign(new Error('No'), { responseCode }));
        },
      });
      const to = ['grey', 'ann', 'gone', 'full', 'blocked'].map((name) => `${name}@a.example`);
      const outcome = await send(port, 'starttls', { to });
      const refused = outcome.outcome === 'sent' ? outcome.refused : [];
      assert.deepEqual(
        refused.map(({ address, tryAgain }) => [address.split('@')[0], tryAgain]),
        [
          ['grey', true],
          ['gone', false],
          ['full', true],
          ['blocked', false],
        ],
      );
    });

    it('tells of each recipient where all are refused', async () => {
      const port = await start({
        onRcptTo: ({ address }, _, done) => {
          done(Object.assign(new Error('No'), { responseCode: address.startsWith('grey') ? 451 : 550 }));
        },
      });
      received.length = 0;
      const outcome = await send(port, 'starttls', { to: ['grey@a.example', 'gone@a.example'] });
      assert.deepEqual(outcome.outcome === 'sent' && outcome.refused, [
        { address: 'grey@a.example', response: '451 No', tryAgain: true },
        { address: 'gone@a.example', response: '550 No', tryAgain: false },
      ]);
      assert.equal(received.length, 0);
    });

    it('names a refused recipient as it was given', async () => {
      const outcome = await send(await start(), 'starttls', { to: ['ann@a.example', 'Bob-bob@B.Example'] });
      const refused = outcome.outcome === 'sent' ? outcome.refused : [];
      assert.deepEqual(
        refused.map(({ address }) => address),
        ['Bob-bob@B.Example'],
      );
    });

    it('hears the verdict after a challenge, and asks once', async () => {
      let asked = 0;
      const port = await start({
        onAuth: (_, __, done) => {
          asked++;
          done(null, { message: 'not accepted', responseCode: 535, data: { status: '401', scope: 'x' } } as never);
        },
      });
      const outcome = await send(port, 'starttls', { accessToken: 'made-up-stale-token' });
      assert.deepEqual(
        [outcome.outcome, 'reason' in outcome && outcome.reason],
        ['held', 'mail_server_refused_sign_in'],
      );
      assert.match(outcome.response, /^535 /);
      assert.equal(asked, 1);
    });

    const unsafe: readonly (readonly [string, SMTPServerOptions])[] = [
      ['offers no STARTTLS', { hideSTARTTLS: true, allowInsecureAuth: true, disabledCommands: ['STARTTLS'] }],
      ['offers no AUTH', { authOptional: true, disabledCommands: ['AUTH'] }],
      ['offers no XOAUTH2', { authMethods: ['PLAIN', 'LOGIN'], authOptional: true }],
    ];
    for (const [what, options] of unsafe) {
      it(`never sends in the open or unauthenticated: a server that ${what}`, async () => {
        received.length = 0;
        const outcome = await send(await start(options), 'starttls');
        assert.deepEqual(
          [outcome.outcome, 'reason' in outcome && outcome.reason],
          ['deferred', 'mail_server_misconfigured'],
        );
        assert.equal(received.length, 0);
      });
    }

    it('does not talk to a server whose certificate it does not trust', async () => {
      received.length = 0;
      for (const security of ['starttls', 'tls'] as const) {
        const port = await start({ secure: security === 'tls' });
        assert.deepEqual(await send(port, security, { trusted: false }), {
          outcome: 'deferred',
          mailboxWide: true,
          reason: 'mail_server_misconfigured',
          response: 'The certificate of the mail server is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT).',
        });
      }
      assert.equal(received.length, 0);
    });

    it('tells a wrong setting from a server that is down', async () => {
      const port = await start();
      const { response: wrongSecurity, ...rest } = await send(port, 'tls');
      assert.deepEqual(rest, { outcome: 'deferred', mailboxWide: true, reason: 'mail_server_misconfigured' });
      assert.match(wrongSecurity, /^The mail server does not speak TLS from the first byte on this port/);
      const down = await send(1, 'tls');
      assert.deepEqual(down, {
        outcome: 'deferred',
        mailboxWide: true,
        reason: 'mail_server_unavailable',
        response: 'The connection to the mail server failed (ECONNREFUSED).',
      });
    });

    it('wants TLS 1.2 at least', async () => {
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      assert.equal((await send(await start({ secure: true, ...old }), 'tls')).outcome, 'deferred');
    });

    it('knows before it starts that a message is too large', async () => {
      received.length = 0;
      const outcome = await send(await start({ size: 1000 }), 'starttls', { sizeBytes: 1001 });
      assert.deepEqual([outcome.outcome, 'reason' in outcome && outcome.reason], ['failed', 'message_too_large']);
      assert.ok(outcome.outcome === 'failed' && outcome.withoutContact);
      assert.equal(received.length, 0);
    });

    it('delivers nothing when the content breaks off, and tries again later', async () => {
      received.length = 0;
      const content = Readable.from(
        (async function* () {
          yield MESSAGE;
          throw new Error('the disk is gone');
        })(),
      );
      const outcome = await send(await start(), 'starttls', { content, to: ['ann@a.example'] });
      assert.deepEqual([outcome.outcome, 'reason' in outcome && outcome.reason], ['deferred', 'internal']);
      assert.equal(received.length, 0);
    });
  });

  describe('with a server that refuses or fails', () => {
    const servers: ScriptedServer[] = [];
    after(() => Promise.all(servers.map((server) => server.close())));

    const start = async (says: Says): Promise<ScriptedServer> => {
      const server = await startScriptedMailServer({ protocol: 'smtp', security: 'tls', certificate, says });
      servers.push(server);
      return server;
    };

    const attempt = async (says: Says, options: Attempt = {}) => {
      const server = await start(says);
      const outcome = await send(server.port, 'tls', { timeouts: SHORT, ...options });
      return { server, outcome };
    };

    const verbs = ({ lines }: ScriptedServer) => lines.map((line) => line.split(' ')[0]);

    type Row = readonly [says: Says, outcome: AttemptOutcome['outcome'], reason: string];
    const DENIED = '554 5.2.252 SendAsDenied; scan@contoso.example not allowed to send as x@contoso.example';
    const ROWS: readonly Row[] = [
      [{ connect: '421 4.7.66 TLS 1.0 and 1.1 are not supported' }, 'deferred', 'mail_server_unavailable'],
      [{ connect: '554 5.7.1 no service' }, 'deferred', 'mail_server_unavailable'],
      [{ AUTH: '454 4.7.0 Temporary authentication failure' }, 'deferred', 'mail_server_unavailable'],
      [{ AUTH: '504 5.7.4 Unrecognized authentication type' }, 'deferred', 'mail_server_misconfigured'],
      [{ AUTH: '535 5.7.3 Authentication unsuccessful' }, 'held', 'mail_server_refused_sign_in'],
      [
        { AUTH: '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.' },
        'held',
        'smtp_switched_off',
      ],
      [{ AUTH: '334 eyJzdGF0dXMiOiI0MDEifQ==' }, 'held', 'mail_server_refused_sign_in'],
      [{ MAIL: '432 4.3.2 sender thread limit exceeded' }, 'deferred', 'mail_server_unavailable'],
      [{ MAIL: '550 5.7.60 Client does not have permissions to send as this sender' }, 'failed', 'sender_not_allowed'],
      [{ MAIL: '550 5.1.8 Access denied, bad outbound sender' }, 'held', 'account_unavailable'],
      [{ MAIL: '503 5.5.1 Bad sequence' }, 'deferred', 'mail_server_unavailable'],
      [{ RCPT: '451 4.7.500 Server busy' }, 'deferred', 'mail_server_unavailable'],
      [{ RCPT: '550 5.7.60 Client does not have permissions to send as this sender' }, 'failed', 'sender_not_allowed'],
      [{ DATA: '451 4.3.0 later' }, 'deferred', 'mail_server_unavailable'],
      [{ '.': '451 4.7.500 Server busy' }, 'deferred', 'mail_server_unavailable'],
      [{ '.': '554 5.6.0 Invalid message content' }, 'failed', 'mail_server_refused_message'],
      [{ '.': '552 5.3.4 Message size exceeds fixed maximum message size' }, 'failed', 'message_too_large'],
      [{ '.': DENIED }, 'failed', 'sender_not_allowed'],
      [{ '.': '554 5.2.0 SubmissionQuotaExceededException' }, 'deferred', 'sending_limit_reached'],
      [{ '.': '421 4.3.2 closing' }, 'deferred', 'mail_server_unavailable'],
      [{ connect: 'drop' }, 'deferred', 'mail_server_unavailable'],
      [{ EHLO: 'drop' }, 'deferred', 'mail_server_unavailable'],
      [{ AUTH: 'drop' }, 'deferred', 'mail_server_unavailable'],
      [{ DATA: 'drop' }, 'deferred', 'mail_server_unavailable'],
      [{ connect: 'hang' }, 'deferred', 'mail_server_unavailable'],
      [{ AUTH: 'hang' }, 'deferred', 'mail_server_unavailable'],
      [{ MAIL: 'hang' }, 'deferred', 'mail_server_unavailable'],
      [{ DATA: 'hang' }, 'deferred', 'mail_server_unavailable'],
    ];
    for (const [says, expected, reason] of ROWS) {
      it(`${expected} (${reason}): ${JSON.stringify(says).slice(0, 90)}`, async () => {
        const { outcome } = await attempt(says);
        assert.deepEqual([outcome.outcome, 'reason' in outcome && outcome.reason], [expected, reason]);
        assert.ok(outcome.response.length > 0);
        assert.ok(!('withoutContact' in outcome), 'the server was asked');
      });
    }

    it('does not know what became of a message that was handed over whole and not answered', async () => {
      for (const says of ['drop', 'hang', 'what?', '354 go on'] as const) {
        const { outcome } = await attempt({ '.': says });
        assert.equal(outcome.outcome, 'unknown', says);
      }
    });

    it('knows that half a message was not taken', async () => {
      // More than both ends hold for a reader that does not read.
      const content = Readable.from(Array.from({ length: 400 }, () => `${'x'.repeat(70)}\r\n`.repeat(1000)));
      const { outcome } = await attempt({ content: 'drop' }, { content });
      assert.deepEqual(
        [outcome.outcome, 'reason' in outcome && outcome.reason],
        ['deferred', 'mail_server_unavailable'],
      );
    });

    it('repeats what the server said, on one line', async () => {
      const { outcome } = await attempt({ AUTH: '535-5.7.8 not accepted.\r\n535 5.7.8  see the help page' });
      assert.equal(outcome.response, '535-5.7.8 not accepted. 535 5.7.8 see the help page');
      assert.equal((await attempt({})).outcome.response, '250 2.0.0 OK queued as 4711');
    });

    it('waits longer for a spent quota than for a busy server', async () => {
      const { outcome } = await attempt({ '.': '554 5.2.0 SubmissionQuotaExceededException' });
      assert.equal(outcome.outcome === 'deferred' && outcome.retryAfterSeconds, 3600);
    });

    it('never repeats the token, even where the server does', async () => {
      const echo = Buffer.from(`user=${USER}\x01auth=Bearer ${ACCESS_TOKEN}\x01\x01`).toString('base64');
      const { outcome } = await attempt({ AUTH: `535 5.7.3 bad command AUTH XOAUTH2 ${echo} (${ACCESS_TOKEN})` });
      assert.doesNotMatch(outcome.response, /made-up/);
      assert.ok(!outcome.response.includes(echo.slice(0, 60)));
    });

    it('sends nothing of the message before the server accepted the sign-in', async () => {
      const { server } = await attempt({ AUTH: '535 5.7.3 Authentication unsuccessful' });
      assert.deepEqual(
        server.lines.map((line) => line.split(' ')[0]),
        ['EHLO', 'AUTH'],
      );
    });

    it('shows the token to no server that does not ask for one', async () => {
      for (const EHLO of ['250-mail.example\r\n250 AUTH LOGIN PLAIN', '250 mail.example']) {
        const { outcome, server } = await attempt({ EHLO });
        assert.equal(outcome.outcome, 'deferred');
        assert.deepEqual(
          server.lines.map((line) => line.split(' ')[0]),
          ['EHLO'],
        );
      }
    });

    it('closes the connection afterwards', async () => {
      const { server } = await attempt({});
      for (let waited = 0; server.open() > 0 && waited < 100; waited++)
        await new Promise((wake) => setTimeout(wake, 10));
      assert.equal(server.open(), 0);
    });

    it('ends every attempt while its worker still has its claim, even after a wait for the token', () => {
      const { overallMs, ...each } = SMTP_TIMEOUTS;
      assert.ok((overallMs + each.openingMs) / 1000 + LEASE_SECONDS < SENDING_SECONDS);
      for (const [name, milliseconds] of Object.entries(each)) assert.ok(milliseconds < overallMs, name);
    });

    it('says what concerns the whole mailbox, and what only the message', async () => {
      const ofMailbox: readonly Says[] = [
        { connect: 'drop' },
        { AUTH: '454 4.7.0 Temporary authentication failure' },
        { MAIL: '450 4.2.1 The mailbox sends too fast' },
        { '.': '432 4.3.2 sender thread limit exceeded' },
        { '.': '421 4.3.2 closing' },
        { '.': '554 5.2.0 SubmissionQuotaExceededException' },
      ];
      const ofMessage: readonly Says[] = [{ DATA: '451 4.3.0 later' }, { DATA: 'drop' }, { '.': '451 4.3.0 later' }];
      const mailboxWide = async (says: Says) => {
        const { outcome } = await attempt(says);
        assert.equal(outcome.outcome, 'deferred', JSON.stringify(says));
        return outcome.outcome === 'deferred' && outcome.mailboxWide === true;
      };
      for (const says of ofMailbox) assert.equal(await mailboxWide(says), true, JSON.stringify(says));
      for (const says of ofMessage) assert.equal(await mailboxWide(says), false, JSON.stringify(says));
    });

    it('ends an attempt that goes on and on', async () => {
      const trickle = new Readable({ read: () => undefined });
      const timer = setInterval(() => trickle.destroyed || trickle.push('X-More: and more\r\n'), 20);
      const started = Date.now();
      const { outcome } = await attempt({}, { content: trickle, timeouts: { ...SHORT, overallMs: 500 } });
      clearInterval(timer);
      assert.equal(outcome.outcome, 'deferred');
      assert.ok(Date.now() - started < 3000);
      assert.ok(trickle.destroyed);
    });

    const sessionWith = async (says: Says): Promise<{ server: ScriptedServer; session: MailSession }> => {
      const server = await start(says);
      const opened = await open(server.port, 'tls', { timeouts: SHORT });
      assert.ok(opened.ok);
      return { server, session: opened.value };
    };

    it('sends the messages of a session over one connection', async () => {
      const { server, session } = await sessionWith({});
      for (let count = 0; count < 5; count++) {
        assert.equal((await session.send(messageOf({ to: ['ann@a.example'] }))).outcome, 'sent');
      }
      await session.close();
      const each = ['MAIL', 'RCPT', 'DATA', '.'];
      assert.deepEqual(verbs(server), ['EHLO', 'AUTH', ...Array.from({ length: 5 }, () => each).flat(), 'QUIT']);
    });

    it('goes on with the next message after one that was refused', async () => {
      const refusals: readonly Says[] = [
        { MAIL: ['550 5.7.60 not allowed to send as', '250 ok'] },
        { RCPT: ['550 5.1.1 no such user', '250 ok'] },
        { DATA: ['554 5.7.1 no', '354 go ahead'] },
        { '.': ['554 5.6.0 Invalid message content', '250 2.0.0 ok'] },
      ];
      for (const says of refusals) {
        const { server, session } = await sessionWith(says);
        const first = await session.send(messageOf({ to: ['ann@a.example'] }));
        assert.ok(first.outcome === 'failed' || (first.outcome === 'sent' && first.refused.length === 1));
        assert.ok(session.isOpen, JSON.stringify(says));
        const second = await session.send(messageOf({ to: ['ann@a.example'] }));
        assert.deepEqual([second.outcome, second.outcome === 'sent' && second.refused], ['sent', []]);
        assert.equal(verbs(server).filter((verb) => verb === 'AUTH').length, 1);
        await session.close();
      }
    });

    it('has ended once the connection is lost, or stands where nobody knows', async () => {
      for (const says of [{ MAIL: 'drop' }, { content: 'drop' }, { '.': 'hang' }, { '.': '421 closing' }] as const) {
        const { session } = await sessionWith(says);
        assert.notEqual((await session.send(messageOf({ to: ['ann@a.example'] }))).outcome, 'sent');
        assert.equal(session.isOpen, false, JSON.stringify(says));
        await session.close();
      }
      const { session } = await sessionWith({});
      const broken = Readable.from(
        (async function* () {
          yield MESSAGE;
          throw new Error('the disk is gone');
        })(),
      );
      assert.equal((await session.send(messageOf({ content: broken }))).outcome, 'deferred');
      assert.equal(session.isOpen, false);
    });

    it('says that a message has eight bits to a server that takes them, and converts it for one that does not', async () => {
      const EHLO = '250-mail.example\r\n250-8BITMIME\r\n250 AUTH XOAUTH2';
      const taking = await attempt({ EHLO }, { eightBit: true });
      assert.equal(taking.outcome.outcome, 'sent');
      assert.match(taking.server.lines.find((line) => line.startsWith('MAIL')) ?? '', / BODY=8BITMIME\b/);
      assert.ok(taking.server.content.includes('hello'));
      const plain = await attempt({ EHLO: '250-mail.example\r\n250 AUTH XOAUTH2' }, { eightBit: true });
      assert.equal(plain.outcome.outcome, 'sent');
      assert.doesNotMatch(plain.server.lines.join('\n'), /BODY=/);
      assert.ok(plain.server.content.includes('converted'));
      assert.ok(!plain.server.content.includes('hello'));
    });

    it('takes a port where nobody listens for a passing fault', async () => {
      const outcome = await send(1, 'tls');
      assert.deepEqual(
        [outcome.outcome, 'reason' in outcome && outcome.reason],
        ['deferred', 'mail_server_unavailable'],
      );
    });

    it('sends to nobody when an address is not one plain address', async () => {
      const crooked = [
        'ann@a.example>\r\nRCPT TO:<evil@b.example',
        'ann@a.example, evil@b.example',
        'Ann <ann@a.example>',
        'ann',
        '',
        'ann@a.example evil@b.example',
        'group: evil@b.example;',
      ];
      for (const address of crooked) {
        const { outcome, server } = await attempt({}, { to: ['bob@b.example', address] });
        assert.deepEqual([outcome.outcome, 'reason' in outcome && outcome.reason], ['failed', 'invalid_recipient']);
        assert.ok(outcome.outcome === 'failed' && outcome.withoutContact);
        assert.deepEqual(verbs(server), ['EHLO', 'AUTH', 'QUIT']);
      }
    });

    it('passes plain addresses on as they are', async () => {
      const to = ["o'hara+scan_1%x@a-b.example", 'A.B@c.example', 'x@xn--mnchen-3ya.example'];
      const { server } = await attempt({}, { to });
      assert.deepEqual(
        server.lines.filter((line) => line.startsWith('RCPT')),
        to.map((address) => `RCPT TO:<${address}>`),
      );
    });
  });
});
