import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { socketMailProbe } from '../../shared/adapters/mail-probe/socket-mail-probe.ts';
import {
  type FailedStep,
  failedStep,
  type TestStep,
  type TestStepName,
  type Verdict,
} from '../../shared/domain/connection-test.ts';
import type { ProbeRequest } from '../../shared/ports/mail-probe.ts';
import { stepInWords } from '../../shared/protocol/connection-test.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { xoauth2InitialResponse } from '../../shared/protocol/xoauth2.ts';
import { type TestCertificate, testCertificate } from '../fakes/certificate.ts';
import {
  type Says,
  type ScriptedProtocol,
  type ScriptedServer,
  startScriptedMailServer,
} from '../fakes/scripted-mail-server.ts';

const HOST = 'mail.test';
const USER = 'scan@contoso.example';
const ACCESS_TOKEN = `made-up-access-token-${'x'.repeat(40)}`;
const RECIPIENT = 'ann@a.example';
const CONTENT = 'From: <scan@contoso.example>\r\nSubject: x\r\n\r\n.one dot\r\nlast\r\n';
const BLOB = xoauth2InitialResponse(USER, ACCESS_TOKEN);

/** Nothing in here takes longer but on purpose. */
const LIMITS = { lookupMs: 300, connectMs: 400, tlsMs: 600, silenceMs: 300 };

const PROTOCOLS = ['smtp', 'pop', 'imap'] as const;

interface Probing {
  readonly protocol: ScriptedProtocol;
  readonly security?: 'tls' | 'starttls';
  readonly port: number;
  readonly host?: string;
  readonly content?: string;
  readonly recipient?: string;
  readonly limitMs?: number;
  readonly ca?: string | undefined;
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

describe('socketMailProbe as MailProbe', () => {
  let certificate: TestCertificate;
  const servers: { close(): Promise<void> }[] = [];
  before(async () => {
    certificate = await testCertificate({ names: [HOST] });
  });
  after(() => Promise.all(servers.map((server) => server.close())));

  /** Goes there, and looks whether everything that is told can be told to anybody. */
  const probe = async (probing: Probing): Promise<readonly TestStep[]> => {
    const { protocol, security = 'tls', port, host = HOST, limitMs = 5_000 } = probing;
    const { resolve = async () => ['127.0.0.1'], recipient = RECIPIENT, content } = probing;
    const ca = 'ca' in probing ? probing.ca : certificate.cert;
    const target = { server: { host, port, security }, user: USER, accessToken: ACCESS_TOKEN, limitMs };
    const request: ProbeRequest =
      protocol === 'smtp'
        ? { ...target, protocol, recipient, ...(content !== undefined && { content }) }
        : { ...target, protocol };
    const steps = await socketMailProbe({ ca: () => ca, resolve, limits: LIMITS }).probe(request);
    const told = JSON.stringify([steps, LANGUAGES.map((language) => steps.map((step) => stepInWords(step, language)))]);
    assert.ok(!told.includes(ACCESS_TOKEN) && !told.includes(BLOB), 'the token is told');
    for (const language of LANGUAGES) {
      for (const step of steps) {
        const { detail, remedy = '' } = stepInWords(step, language);
        assert.doesNotMatch(`${detail} ${remedy}`, /[{}?]/, `${language}, ${step.step}`);
      }
    }
    return steps;
  };

  const start = async (
    protocol: ScriptedProtocol,
    security: 'tls' | 'starttls' | 'plain',
    says: Says = {},
    tls: object = {},
  ): Promise<ScriptedServer> => {
    const server = await startScriptedMailServer({ protocol, security, certificate: { ...certificate, ...tls }, says });
    servers.push(server);
    return server;
  };

  const failureOf = (steps: readonly TestStep[]): FailedStep => {
    const failed = failedStep({ steps });
    assert.ok(failed, `nothing failed: ${JSON.stringify(steps)}`);
    assert.equal(steps.at(-1), failed, 'nothing comes after the step that failed');
    return failed;
  };

  const assertFails = (
    steps: readonly TestStep[],
    step: TestStepName,
    why: Verdict,
    reply: RegExp | undefined = undefined,
  ): void => {
    const failed = failureOf(steps);
    assert.deepEqual([failed.step, failed.why], [step, why], JSON.stringify(failed));
    if (reply) assert.match(failed.error.detail ?? '', reply);
  };

  const summary = (steps: readonly TestStep[]) =>
    steps.map((step) => (step.outcome === 'passed' ? `${step.step} ${step.seen}` : `${step.step} ${step.outcome}`));

  const showsToken = ({ lines, content }: ScriptedServer): boolean =>
    [...lines, ...content].some((line) => line.includes(BLOB));

  describe('with a server that is well', () => {
    for (const security of ['tls', 'starttls'] as const) {
      it(`goes through every step of sending over ${security}, and sends nothing without a message`, async () => {
        const server = await start('smtp', security);
        const steps = await probe({ protocol: 'smtp', security, port: server.port });
        assert.deepEqual(summary(steps), [
          'name name',
          'tcp tcp',
          'tls tls',
          'greeting greeting_with_size',
          'auth auth',
          'envelope envelope',
          'message left_out',
        ]);
        const commands = server.lines.map((line) => line.split(' ')[0]);
        const hello = security === 'tls' ? ['EHLO'] : ['EHLO', 'STARTTLS', 'EHLO'];
        assert.deepEqual(commands, [...hello, 'AUTH', 'MAIL', 'RCPT', 'RSET', 'QUIT']);
        assert.ok(server.lines.includes(`MAIL FROM:<${USER}>`));
        assert.ok(server.lines.includes(`RCPT TO:<${RECIPIENT}>`));
        assert.ok(server.lines.includes(`AUTH XOAUTH2 ${BLOB}`));
      });
    }

    it('tells what it saw: addresses, time, version, cipher, certificate and its end, greeting, size', async () => {
      const server = await start('smtp', 'tls');
      const steps = await probe({
        protocol: 'smtp',
        port: server.port,
        resolve: async () => ['127.0.0.2', '127.0.0.1'],
      });
      const facts = Object.fromEntries(steps.map((step) => [step.step, 'facts' in step ? step.facts : {}]));
      assert.equal(facts.name?.addresses, '127.0.0.2, 127.0.0.1');
      assert.equal(facts.tcp?.address, '127.0.0.1');
      assert.equal(typeof facts.tcp?.milliseconds, 'number');
      assert.match(String(facts.tls?.version), /^TLSv1\.3$/);
      assert.match(String(facts.tls?.cipher), /^TLS_/);
      assert.match(String(facts.tls?.certificate), /^mail\.test, 127\.0\.0\.1$/);
      assert.equal(facts.tls?.issuer, HOST);
      assert.match(String(facts.tls?.expires), /^\d{4}-\d\d-\d\d$/);
      assert.equal(facts.greeting?.said, '220 mail.test ESMTP ready');
      assert.equal(facts.greeting?.megabytes, 35);
      for (const { durationMs } of steps) assert.ok(durationMs >= 0 && durationMs < 5_000);
    });

    it('sends the message, with its dots as they are', async () => {
      const server = await start('smtp', 'starttls');
      const steps = await probe({ protocol: 'smtp', security: 'starttls', port: server.port, content: CONTENT });
      const last = steps.at(-1);
      assert.deepEqual([last?.step, last?.outcome], ['message', 'passed']);
      assert.ok(last?.outcome === 'passed' && last.facts.said === '250 2.0.0 OK queued as 4711');
      assert.deepEqual(server.content, ['From: <scan@contoso.example>', 'Subject: x', '', '..one dot', 'last']);
      assert.deepEqual(server.lines.slice(-3), ['DATA', '.', 'QUIT']);
    });

    for (const security of ['tls', 'starttls'] as const) {
      it(`opens the mailbox by POP3 over ${security}, the token on a line of its own, and changes nothing`, async () => {
        const server = await start('pop', security);
        const steps = await probe({ protocol: 'pop', security, port: server.port });
        assert.deepEqual(summary(steps).slice(2), ['tls tls', 'greeting greeting', 'auth auth', 'mailbox mailbox']);
        const last = steps.at(-1);
        assert.ok(last?.outcome === 'passed' && last.facts.messages === 3);
        const hello = security === 'tls' ? ['CAPA'] : ['CAPA', 'STLS', 'CAPA'];
        assert.deepEqual(server.lines, [...hello, 'AUTH XOAUTH2', BLOB, 'STAT', 'QUIT']);
      });

      it(`opens the mailbox by IMAP over ${security}, read-only`, async () => {
        const server = await start('imap', security);
        const steps = await probe({ protocol: 'imap', security, port: server.port });
        assert.deepEqual(summary(steps).slice(2), ['tls tls', 'greeting greeting', 'auth auth', 'mailbox mailbox']);
        const hello = security === 'tls' ? ['A1 CAPABILITY'] : ['A1 CAPABILITY', 'A2 STARTTLS', 'A1 CAPABILITY'];
        assert.deepEqual(server.lines, [...hello, `A3 AUTHENTICATE XOAUTH2 ${BLOB}`, 'A4 EXAMINE INBOX', 'A5 LOGOUT']);
      });
    }

    it('waits with the token where IMAP does not offer to take it with the command (RFC 4959)', async () => {
      const server = await start('imap', 'tls', {
        CAPABILITY: '* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n{tag} OK done',
        AUTHENTICATE: '+ ',
      });
      const steps = await probe({ protocol: 'imap', port: server.port });
      assert.equal(failedStep({ steps }), undefined, JSON.stringify(steps.at(-1)));
      assert.deepEqual(server.lines.slice(1, 3), ['A3 AUTHENTICATE XOAUTH2', BLOB]);
    });

    it('takes an address in place of a name', async () => {
      const server = await start('smtp', 'tls');
      const [first] = await probe({ protocol: 'smtp', port: server.port, host: '127.0.0.1' });
      assert.ok(first?.outcome === 'passed' && first.seen === 'name_is_address');
    });
  });

  describe('on its way there', () => {
    const codes: readonly (readonly [code: string, why: Verdict])[] = [
      ['ENOTFOUND', 'name_unknown'],
      ['EAI_AGAIN', 'name_lookup_failed'],
    ];
    for (const [code, why] of codes) {
      it(`tells at the name ${why}: ${code}`, async () => {
        const resolve = () => Promise.reject(Object.assign(new Error('no'), { code }));
        assertFails(await probe({ protocol: 'smtp', port: 1, resolve }), 'name', why, new RegExp(code));
      });
    }

    it('does not wait for ever for a name, and takes none without an address', async () => {
      const never = () => new Promise<readonly string[]>(() => undefined);
      assertFails(await probe({ protocol: 'smtp', port: 1, resolve: never }), 'name', 'name_lookup_failed');
      assertFails(await probe({ protocol: 'smtp', port: 1, resolve: async () => [] }), 'name', 'name_unknown');
    });

    it('tells a refused connection, and which addresses were tried', async () => {
      const steps = await probe({ protocol: 'pop', port: 1, resolve: async () => ['127.0.0.1', '127.0.0.2'] });
      assertFails(steps, 'tcp', 'tcp_refused', /ECONNREFUSED/);
      assert.equal(failureOf(steps).facts.addresses, '127.0.0.1, 127.0.0.2');
    });

    it('tells an address that there is no way to, and that a refusal at another tells more', async () => {
      // TCP has no way to a group of machines (RFC 9293 section 3.9.2.3), and nothing is sent.
      const nowhere = '224.0.0.1';
      assertFails(await probe({ protocol: 'imap', port: 1, resolve: async () => [nowhere] }), 'tcp', 'tcp_unreachable');
      const both = async () => [nowhere, '127.0.0.1'];
      assertFails(await probe({ protocol: 'imap', port: 1, resolve: both }), 'tcp', 'tcp_refused');
    });

    it('tells a port that does not answer', async () => {
      const silent = await startUnanswering();
      servers.push(silent);
      const began = Date.now();
      assertFails(await probe({ protocol: 'smtp', port: silent.port }), 'tcp', 'tcp_silent');
      assert.ok(Date.now() - began < 2_000);
    });
  });

  describe('at the encryption', () => {
    for (const protocol of PROTOCOLS) {
      it(`tells for ${protocol} a port that does not begin with TLS`, async () => {
        const server = await start(protocol, 'plain');
        assertFails(await probe({ protocol, port: server.port }), 'tls', 'tls_not_spoken');
      });

      it(`tells for ${protocol} a port that begins with TLS where a greeting was awaited`, async () => {
        const server = await start(protocol, 'tls', { connect: 'hang' });
        const steps = await probe({ protocol, security: 'starttls', port: server.port });
        assertFails(steps, 'greeting', 'tls_from_first_byte');
        assert.ok(!showsToken(server));
      });

      it(`tells for ${protocol} that STARTTLS is missing, and shows no token`, async () => {
        const server = await start(protocol, 'plain', {
          EHLO: '250-mail.test\r\n250 AUTH XOAUTH2',
          CAPA: '+OK\r\nSASL XOAUTH2\r\n.',
          CAPABILITY: '* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n{tag} OK done',
        });
        const steps = await probe({ protocol, security: 'starttls', port: server.port });
        assertFails(steps, 'tls', 'starttls_missing');
        assert.ok(!showsToken(server));
      });

      it(`tells for ${protocol} that STARTTLS is refused`, async () => {
        const says = {
          STARTTLS: protocol === 'imap' ? '{tag} NO not now' : '454 4.7.0 TLS not available',
          STLS: '-ERR not now',
        };
        const server = await start(protocol, 'starttls', says);
        const steps = await probe({ protocol, security: 'starttls', port: server.port });
        assertFails(steps, 'tls', 'starttls_refused', /not (now|available)/);
      });
    }

    for (const security of ['tls', 'starttls'] as const) {
      it(`tells over ${security} that the server knows only TLS that is too old`, async () => {
        const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
        const server = await start('smtp', security, {}, old);
        assertFails(await probe({ protocol: 'smtp', security, port: server.port }), 'tls', 'tls_too_old');
      });

      it(`tells over ${security} whose certificate it does not trust, and shows no token`, async () => {
        const server = await start('smtp', security);
        const steps = await probe({ protocol: 'smtp', security, port: server.port, ca: undefined });
        assertFails(steps, 'tls', 'certificate_untrusted', /SELF_SIGNED/);
        assert.match(stepInWords(failureOf(steps), 'en').detail, /certificate for mail\.test.* issued by mail\.test/);
        assert.ok(!showsToken(server));
      });

      it(`tells over ${security} that the certificate has run out`, async () => {
        const expired = await testCertificate({ names: [HOST], days: -2 });
        const server = await start('smtp', security, {}, expired);
        const steps = await probe({ protocol: 'smtp', security, port: server.port, ca: expired.cert });
        assertFails(steps, 'tls', 'certificate_not_valid_now', /EXPIRED/);
        assert.ok(!showsToken(server));
      });

      it(`tells over ${security} that the certificate is of another name`, async () => {
        const server = await start('smtp', security);
        const steps = await probe({ protocol: 'smtp', security, port: server.port, host: 'other.test' });
        assertFails(steps, 'tls', 'certificate_other_name');
        const { detail } = stepInWords(failureOf(steps), 'en');
        assert.match(detail, /is for mail\.test.*, not for other\.test/);
        assert.ok(!showsToken(server));
      });
    }

    it('offers TLS 1.2 and 1.3 alone', async () => {
      const { promise: hello, resolve } = Promise.withResolvers<Buffer>();
      const server = await startBare((socket) => socket.once('data', resolve));
      servers.push(server);
      await probe({ protocol: 'imap', port: server.port });
      // The extension supported_versions (RFC 8446 section 4.2.1).
      assert.match((await hello).toString('hex'), /002b00050403040303/);
    });

    it('takes nothing for secured that was said in the clear with the answer to STARTTLS (RFC 3207 section 6)', async () => {
      const server = await start('smtp', 'starttls', { STARTTLS: '220 go ahead\r\n250 AUTH XOAUTH2' });
      assertFails(await probe({ protocol: 'smtp', security: 'starttls', port: server.port }), 'tls', 'tls_failed');
      assert.ok(!showsToken(server));
    });

    it('asks anew after STARTTLS what is offered', async () => {
      const server = await start('smtp', 'starttls', {
        EHLO: ['250-mail.test\r\n250-STARTTLS\r\n250 AUTH XOAUTH2', '250-mail.test\r\n250 AUTH LOGIN'],
      });
      assertFails(
        await probe({ protocol: 'smtp', security: 'starttls', port: server.port }),
        'auth',
        'sign_in_not_offered',
      );
      assert.ok(!showsToken(server));
    });

    it('tells a server that hangs up, and one that is silent, in the handshake', async () => {
      const dropping = await startBare((socket) => socket.once('data', () => socket.destroy()));
      const silent = await startBare(() => undefined);
      servers.push(dropping, silent);
      assertFails(await probe({ protocol: 'smtp', port: dropping.port }), 'tls', 'dropped');
      assertFails(await probe({ protocol: 'smtp', port: silent.port }), 'tls', 'silent');
    });
  });

  type Row = readonly [protocol: ScriptedProtocol, says: Says, step: TestStepName, why: Verdict, reply?: RegExp];

  const SWITCHED_OFF =
    '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.';
  const DEFAULTS =
    "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.";
  const CHALLENGE = Buffer.from('{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}').toString(
    'base64',
  );
  const DENIED = `554 5.2.252 SendAsDenied; ${USER} not allowed to send as x@contoso.example`;
  const TOLD_WHY = /status: 401, schemes: bearer mac, scope: https:\/\/mail\.google\.com\//;

  const ROWS: readonly Row[] = [
    ['smtp', { connect: '554 5.7.1 No SMTP service here' }, 'greeting', 'server_refuses', /^554 5\.7\.1 No SMTP/],
    ['smtp', { connect: '421 4.3.2 Too busy' }, 'greeting', 'later', /^421/],
    ['smtp', { connect: '+OK POP3 ready' }, 'greeting', 'other_protocol', /POP3/],
    ['smtp', { connect: 'drop' }, 'greeting', 'dropped'],
    ['smtp', { connect: 'hang' }, 'greeting', 'silent'],
    ['smtp', { connect: 'drip' }, 'greeting', 'silent'],
    ['smtp', { connect: 'flood' }, 'greeting', 'other_protocol'],
    ['smtp', { EHLO: '550 5.7.1 Not you' }, 'greeting', 'server_refuses', /Not you/],
    ['smtp', { EHLO: 'drop' }, 'greeting', 'dropped'],
    ['smtp', { EHLO: `250-x${'\r\n250-y'.repeat(300)}` }, 'greeting', 'other_protocol'],
    ['smtp', { EHLO: '250-mail.test\r\n250 SIZE 1000' }, 'auth', 'sign_in_not_offered'],
    ['smtp', { EHLO: '250-mail.test\r\n250 AUTH LOGIN PLAIN' }, 'auth', 'sign_in_not_offered'],
    ['smtp', { AUTH: '504 5.7.4 Unrecognized authentication type' }, 'auth', 'sign_in_not_understood', /^504/],
    ['smtp', { AUTH: '454 4.7.0 Temporary authentication failure' }, 'auth', 'later', /^454/],
    ['smtp', { AUTH: '535 5.7.3 Authentication unsuccessful [AM0]' }, 'auth', 'sign_in_refused', /^535 5\.7\.3/],
    ['smtp', { AUTH: SWITCHED_OFF }, 'auth', 'smtp_switched_off', /aka\.ms\/smtp_auth_disabled/],
    ['smtp', { AUTH: DEFAULTS }, 'auth', 'security_defaults', /security defaults/],
    [
      'smtp',
      { AUTH: '535 5.7.139 Authentication unsuccessful, the request did not meet the criteria' },
      'auth',
      'policy_blocks',
    ],
    [
      'smtp',
      { AUTH: '550 5.7.30 Basic authentication is not supported for Client Submission.' },
      'auth',
      'sign_in_refused',
    ],
    ['smtp', { AUTH: `334 ${CHALLENGE}` }, 'auth', 'sign_in_refused', TOLD_WHY],
    [
      'smtp',
      { AUTH: '334 bm8ganNvbg==' },
      'auth',
      'sign_in_refused',
      /^535 5\.7\.8 Username and Password not accepted$/,
    ],
    ['smtp', { AUTH: 'drop' }, 'auth', 'dropped'],
    ['smtp', { AUTH: 'hang' }, 'auth', 'silent'],
    ['smtp', { AUTH: `334 ${CHALLENGE}`, '': 'drop' }, 'auth', 'dropped'],
    ['smtp', { MAIL: '432 4.3.2 sender thread limit exceeded' }, 'envelope', 'later', /^432/],
    [
      'smtp',
      { MAIL: '550 5.7.60 Client does not have permissions to send as this sender' },
      'envelope',
      'sender_refused',
    ],
    ['smtp', { MAIL: '550 5.1.8 Access denied, bad outbound sender' }, 'envelope', 'account_unavailable'],
    ['smtp', { MAIL: '550 5.4.5 Daily user sending limit exceeded.' }, 'envelope', 'limit_reached'],
    ['smtp', { RCPT: '550 5.1.1 no such user' }, 'envelope', 'recipient_refused', /no such user/],
    ['smtp', { RCPT: '452 4.5.3 Too many recipients' }, 'envelope', 'later'],
    ['smtp', { RCPT: 'drop' }, 'envelope', 'dropped'],
    ['smtp', { RCPT: 'hang' }, 'envelope', 'silent'],
    ['smtp', { DATA: '451 4.3.0 later' }, 'message', 'later'],
    ['smtp', { DATA: '250 what?' }, 'message', 'other_protocol'],
    ['smtp', { DATA: 'drop' }, 'message', 'dropped'],
    ['smtp', { '.': '554 5.6.0 Invalid message content' }, 'message', 'message_refused', /5\.6\.0/],
    ['smtp', { '.': DENIED }, 'message', 'sender_refused'],
    ['smtp', { '.': '552 5.3.4 Message size exceeds fixed maximum message size' }, 'message', 'too_large'],
    ['smtp', { '.': '554 5.2.2 mailbox full' }, 'message', 'account_unavailable'],
    [
      'smtp',
      { '.': '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException' },
      'message',
      'limit_reached',
    ],
    ['smtp', { '.': 'drop' }, 'message', 'outcome_unknown'],
    ['smtp', { '.': 'hang' }, 'message', 'outcome_unknown'],

    ['pop', { connect: '-ERR [SYS/TEMP] busy' }, 'greeting', 'later'],
    ['pop', { connect: '-ERR go away' }, 'greeting', 'server_refuses', /go away/],
    ['pop', { connect: '220 mail.test ESMTP' }, 'greeting', 'other_protocol', /ESMTP/],
    ['pop', { connect: 'drop' }, 'greeting', 'dropped'],
    ['pop', { connect: 'hang' }, 'greeting', 'silent'],
    ['pop', { connect: 'drip' }, 'greeting', 'silent'],
    ['pop', { connect: 'flood' }, 'greeting', 'other_protocol'],
    ['pop', { CAPA: '+OK' }, 'greeting', 'silent'],
    ['pop', { CAPA: `+OK${'\r\nX'.repeat(300)}` }, 'greeting', 'other_protocol'],
    ['pop', { CAPA: '-ERR unknown command' }, 'auth', 'sign_in_not_offered'],
    ['pop', { CAPA: '+OK\r\nSASL PLAIN\r\n.' }, 'auth', 'sign_in_not_offered'],
    ['pop', { AUTH: '-ERR not here' }, 'auth', 'sign_in_refused'],
    ['pop', { AUTH: 'drop' }, 'auth', 'dropped'],
    [
      'pop',
      { blob: '-ERR Authentication failure: unknown user name or bad password.' },
      'auth',
      'sign_in_refused',
      /bad password/,
    ],
    ['pop', { blob: `+ ${CHALLENGE}` }, 'auth', 'sign_in_refused', TOLD_WHY],
    ['pop', { blob: '-ERR [SYS/PERM] Your account is not enabled for POP access.' }, 'auth', 'receiving_switched_off'],
    ['pop', { blob: '-ERR [IN-USE] The mailbox is in use by another session.' }, 'auth', 'later'],
    ['pop', { blob: '+ again', '': '+ again' }, 'auth', 'sign_in_refused'],
    ['pop', { STAT: '-ERR [SYS/TEMP] not now' }, 'mailbox', 'later'],
    ['pop', { STAT: '-ERR no mailbox' }, 'mailbox', 'mailbox_refused', /no mailbox/],
    ['pop', { STAT: '+OK whatever' }, 'mailbox', 'other_protocol'],
    ['pop', { STAT: 'drop' }, 'mailbox', 'dropped'],
    ['pop', { STAT: 'hang' }, 'mailbox', 'silent'],

    ['imap', { connect: '* BYE go away' }, 'greeting', 'server_refuses', /go away/],
    ['imap', { connect: '* BYE [UNAVAILABLE] busy' }, 'greeting', 'later'],
    ['imap', { connect: '+OK POP3 ready' }, 'greeting', 'other_protocol'],
    ['imap', { connect: 'drop' }, 'greeting', 'dropped'],
    ['imap', { connect: 'hang' }, 'greeting', 'silent'],
    ['imap', { connect: 'drip' }, 'greeting', 'silent'],
    ['imap', { connect: 'flood' }, 'greeting', 'other_protocol'],
    ['imap', { CAPABILITY: '* BYE shutting down' }, 'greeting', 'silent', /BYE shutting down/],
    ['imap', { CAPABILITY: `* X${'\r\n* X'.repeat(300)}` }, 'greeting', 'other_protocol'],
    ['imap', { CAPABILITY: '* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done' }, 'auth', 'sign_in_not_offered'],
    [
      'imap',
      { AUTHENTICATE: '{tag} NO AUTHENTICATE failed.' },
      'auth',
      'sign_in_refused',
      /^NO AUTHENTICATE failed\.$/,
    ],
    ['imap', { AUTHENTICATE: `+ ${CHALLENGE}` }, 'auth', 'sign_in_refused', TOLD_WHY],
    ['imap', { AUTHENTICATE: '{tag} BAD User is authenticated but not connected.' }, 'auth', 'receiving_switched_off'],
    [
      'imap',
      { AUTHENTICATE: '{tag} NO [ALERT] Your account is not enabled for IMAP use.' },
      'auth',
      'receiving_switched_off',
    ],
    ['imap', { AUTHENTICATE: '{tag} NO [UNAVAILABLE] later' }, 'auth', 'later'],
    ['imap', { AUTHENTICATE: '+ more', '': '+ more' }, 'auth', 'other_protocol'],
    ['imap', { AUTHENTICATE: 'drop' }, 'auth', 'dropped'],
    ['imap', { EXAMINE: '{tag} BAD User is authenticated but not connected.' }, 'mailbox', 'receiving_switched_off'],
    ['imap', { EXAMINE: '{tag} NO no such mailbox' }, 'mailbox', 'mailbox_refused'],
    ['imap', { EXAMINE: '{tag} OK but how many?' }, 'mailbox', 'other_protocol'],
    ['imap', { EXAMINE: 'drop' }, 'mailbox', 'dropped'],
    ['imap', { EXAMINE: 'hang' }, 'mailbox', 'silent'],
  ];

  describe('with a server that refuses or fails', () => {
    for (const [protocol, says, step, why, reply] of ROWS) {
      it(`tells for ${protocol} at ${step} ${why}: ${JSON.stringify(says).slice(0, 80)}`, async () => {
        const server = await start(protocol, 'tls', says);
        const steps = await probe({ protocol, port: server.port, ...(protocol === 'smtp' && { content: CONTENT }) });
        assertFails(steps, step, why, reply);
        if (why === 'sign_in_not_offered') assert.ok(!showsToken(server));
        assert.equal(server.connections(), 1, 'it asks once');
      });
    }

    it('names what is offered in place of XOAUTH2', async () => {
      const server = await start('smtp', 'tls', { EHLO: '250-mail.test\r\n250 AUTH LOGIN PLAIN' });
      const { detail } = stepInWords(failureOf(await probe({ protocol: 'smtp', port: server.port })), 'en');
      assert.match(detail, /only: LOGIN, PLAIN\./);
    });
  });

  describe('with a server that means harm', () => {
    const turned = Buffer.from(ACCESS_TOKEN).toString('hex');
    const echoes: readonly (readonly [what: string, says: Says])[] = [
      ['the command', { AUTH: `500 5.5.1 AUTH XOAUTH2 ${BLOB}` }],
      ['the token', { AUTH: `535 5.7.8 Bearer ${ACCESS_TOKEN} is not good` }],
      ['a part of the token', { AUTH: `535 5.7.8 no ${ACCESS_TOKEN.slice(5, 40)} here` }],
      ['a part of the command', { AUTH: `535 5.7.8 no ${BLOB.slice(20, 50)} here` }],
      ['the token in another shape', { AUTH: `535 5.7.8 no ${turned} here` }],
      [
        'the token in a challenge',
        { AUTH: `334 ${Buffer.from(JSON.stringify({ status: ACCESS_TOKEN })).toString('base64')}` },
      ],
    ];
    for (const [what, says] of echoes) {
      it(`keeps to itself what it echoes: ${what}`, async () => {
        const server = await start('smtp', 'tls', says);
        const told = JSON.stringify(await probe({ protocol: 'smtp', port: server.port }));
        for (const secret of [ACCESS_TOKEN, BLOB, turned]) {
          for (let at = 0; at + 16 <= secret.length; at += 4) {
            assert.ok(!told.includes(secret.slice(at, at + 16)), `${secret.slice(at, at + 16)} in ${told}`);
          }
        }
        assert.match(told, /\[\.\.\.\]/);
      });
    }

    it('tells what it says on one line, and not more than fits on a page', async () => {
      const server = await start('smtp', 'tls', { AUTH: `535 5.7.8 no\u0007 \t${'word '.repeat(500)}` });
      const { error } = failureOf(await probe({ protocol: 'smtp', port: server.port }));
      assert.match(error.detail ?? '', /^535 5\.7\.8 no word word [\w ]+…$/);
      assert.ok((error.detail ?? '').length < 600);
    });

    it('is over in its time, whatever the server does', async () => {
      const server = await start('smtp', 'tls', { AUTH: 'drip' });
      const began = Date.now();
      assertFails(await probe({ protocol: 'smtp', port: server.port, limitMs: 200 }), 'auth', 'out_of_time');
      assert.ok(Date.now() - began < 1_500, `${Date.now() - began} ms`);
    });

    const left: readonly (readonly [what: string, security: 'tls' | 'starttls', says: Says])[] = [
      ['after a test that passed', 'tls', {}],
      ['where the server says no goodbye', 'starttls', { QUIT: 'hang' }],
      ['where it is silent', 'tls', { AUTH: 'hang' }],
      ['where it was asked whether it speaks TLS', 'tls', { connect: 'hang' }],
    ];
    for (const [what, security, says] of left) {
      it(`leaves no connection behind ${what}`, async () => {
        const server = await start('smtp', security, says);
        const asked = 'connect' in says ? 'starttls' : security;
        await probe({ protocol: 'smtp', security: asked, port: server.port });
        for (let waits = 0; server.open() > 0 && waits < 50; waits++) await sleep(20);
        assert.equal(server.open(), 0);
      });
    }
  });
});

/** A TCP server without manners. */
const startBare = async (serve: (socket: Socket) => void) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};

/** A port where nobody picks up: its process listens and then stands still, and the few places in the queue are taken. */
const startUnanswering = async () => {
  const program = `const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port) + '\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await sleep(200);
  return {
    port,
    close: async () => {
      for (const socket of waiting) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};
