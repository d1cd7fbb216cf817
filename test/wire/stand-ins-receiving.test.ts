import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectPlainly } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { startImapStandIn } from '../../local/stand-ins/mail/imap-server.ts';
import { standInInboxes } from '../../local/stand-ins/mail/inboxes.ts';
import { startPop3StandIn } from '../../local/stand-ins/mail/pop3-server.ts';
import type { ReceiveFault, ReceivePlace } from '../../local/stand-ins/mail/receiving.ts';
import { type StandIns, startStandIns } from '../../local/stand-ins/start.ts';
import { socketMailProbe } from '../../shared/adapters/mail-probe/socket-mail-probe.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';
import { xoauth2InitialResponse } from '../../shared/protocol/xoauth2.ts';
import { testCertificate } from '../fakes/certificate.ts';
import { signInFor } from '../fakes/sign-in.ts';

const REDIRECT_URI = 'http://localhost:1/back';
const ACCOUNTS = { microsoft: 'scanner@contoso.example', google: 'scanner@gmail.example' } as const;
const PROTOCOLS = ['pop', 'imap'] as const;
type Protocol = (typeof PROTOCOLS)[number];

const SCOPES = {
  pop: 'openid profile email offline_access https://outlook.office.com/POP.AccessAsUser.All',
  imap: 'openid profile email offline_access https://outlook.office.com/IMAP.AccessAsUser.All',
} as const satisfies Record<Protocol, string>;

describe('the stand-ins for receiving', () => {
  let folder: string;
  let standIns: StandIns;
  const tokens: Record<string, string> = {};

  const configOf = (provider: ProviderName) => {
    const config = standIns.providers[provider];
    assert.ok(config);
    return config;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stand-ins-'));
    standIns = await startStandIns({
      providers: ['microsoft', 'google'],
      host: '127.0.0.1',
      httpPort: 0,
      smtpPort: 0,
      folder,
      redirectUris: { microsoft: [REDIRECT_URI], google: [REDIRECT_URI] },
    });
    for (const protocol of PROTOCOLS) {
      const at = { redirectUri: REDIRECT_URI, scope: SCOPES[protocol] };
      tokens[`microsoft ${protocol}`] = (
        await signInFor('microsoft', configOf('microsoft'), ACCOUNTS.microsoft, at)
      ).access_token;
      tokens[`google ${protocol}`] = (
        await signInFor('google', configOf('google'), ACCOUNTS.google, { redirectUri: REDIRECT_URI })
      ).access_token;
    }
  });
  afterEach(() => {
    for (const protocol of PROTOCOLS) standIns[protocol].clearFaults();
  });
  after(async () => {
    await standIns.close();
    await rm(folder, { recursive: true, force: true });
  });

  const tokenOf = (provider: ProviderName, protocol: Protocol): string => tokens[`${provider} ${protocol}`] ?? '';

  const probe = (provider: ProviderName, protocol: Protocol, changes: { user?: string; accessToken?: string } = {}) => {
    const { ca } = configOf(provider);
    const limits = { silenceMs: 1_000 };
    return socketMailProbe({ ca: () => ca, limits }).probe({
      protocol,
      server: configOf(provider)[protocol],
      user: ACCOUNTS[provider],
      accessToken: tokenOf(provider, protocol),
      limitMs: 10_000,
      ...changes,
    });
  };

  const endOf = async (...wanted: Parameters<typeof probe>): Promise<string> => {
    const last = (await probe(...wanted)).at(-1);
    if (last?.outcome === 'failed') return `${last.step} ${last.why}: ${last.error.detail ?? ''}`;
    return `${last?.step} ${last?.outcome}`;
  };

  /** Says each line when the answer to the one before is there, and returns all that was answered. */
  const talk = (protocol: Protocol, ...lines: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const { host, port } = configOf('microsoft')[protocol];
      const socket = connect({ host, port, ca: configOf('microsoft').ca, servername: 'localhost' });
      const left = [...lines];
      let [heard, recent] = ['', ''];
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
        recent += chunk.toString('latin1');
        const isWhole = protocol === 'pop' || /^(\* OK|\+|A\d+ )[^\r]*\r\n$/m.test(recent);
        if (!isWhole) return;
        recent = '';
        const line = left.shift();
        if (line === undefined) socket.end();
        else socket.write(`${line}\r\n`);
      });
      socket.on('close', () => resolve(heard));
      socket.on('error', reject);
    });

  for (const protocol of PROTOCOLS) {
    for (const provider of ['microsoft', 'google'] as const) {
      it(`let an account of ${provider} in by ${protocol} with a token for it`, async () => {
        const steps = await probe(provider, protocol);
        const last = steps.at(-1);
        assert.ok(last?.outcome === 'passed' && last.seen === 'mailbox', JSON.stringify(last));
        assert.equal(last.facts.messages, 3);
      });
    }

    it(`refuse by ${protocol} what is no token for it, each in the provider's way`, async () => {
      const other = protocol === 'pop' ? 'imap' : 'pop';
      const wrong = await endOf('microsoft', protocol, { accessToken: tokenOf('microsoft', other) });
      assert.match(wrong, /^auth sign_in_refused: /);
      assert.doesNotMatch(wrong, /status/);
      assert.match(
        await endOf('google', protocol, { accessToken: 'made-up' }),
        /^auth sign_in_refused: .*status: 401, schemes: bearer mac, scope: https:\/\/mail\.google\.com\//,
      );
      assert.match(await endOf('microsoft', protocol, { user: 'other@contoso.example' }), /^auth sign_in_refused/);
      const { refusedSignIns } = standIns[protocol].counters();
      assert.deepEqual(Object.keys(refusedSignIns).toSorted(), ['other_user', 'scope_missing', 'unknown']);
    });

    const faults: readonly (readonly [place: ReceivePlace, fault: ReceiveFault, end: RegExp])[] = [
      ['CONNECT', { kind: 'refuse', text: 'too busy' }, /^greeting server_refuses: .*too busy/],
      ['CONNECT', { kind: 'drop' }, /^greeting dropped/],
      ['CONNECT', { kind: 'slow', milliseconds: 2_000 }, /^greeting silent/],
      ['AUTH', { kind: 'refuse', text: 'no way' }, /^auth sign_in_refused: .*no way/],
      ['AUTH', { kind: 'switched_off' }, /^auth receiving_switched_off/],
      ['AUTH', { kind: 'drop' }, /^auth dropped/],
      ['AUTH', { kind: 'slow', milliseconds: 200 }, /^mailbox passed/],
      ['MAILBOX', { kind: 'refuse', text: 'no such box' }, /^mailbox mailbox_refused: .*no such box/],
      ['MAILBOX', { kind: 'drop' }, /^mailbox dropped/],
    ];
    for (const [place, fault, end] of faults) {
      it(`fail by ${protocol} at ${place} as they are told: ${fault.kind}`, async () => {
        standIns[protocol].setFault(place, fault);
        assert.match(await endOf('microsoft', protocol), end);
        assert.equal(await endOf('microsoft', protocol), 'mailbox passed');
      });
    }
  }

  for (const [protocol, start] of [
    ['pop', startPop3StandIn],
    ['imap', startImapStandIn],
  ] as const) {
    it(`go over to TLS by ${protocol} where they are told to, and take no token before`, async () => {
      const certificate = await testCertificate();
      const standIn = await start({
        host: '127.0.0.1',
        port: 0,
        security: 'starttls',
        certificate: { key: certificate.key, certificate: certificate.cert },
        inboxes: standInInboxes(),
        verifyToken: async () => ({ outcome: 'valid', provider: 'microsoft', address: ACCOUNTS.microsoft }),
      });
      const server = { host: standIn.host, port: standIn.port, security: 'starttls' } as const;
      const request = { protocol, server, user: ACCOUNTS.microsoft, accessToken: 'made-up', limitMs: 10_000 };
      const steps = await socketMailProbe({ ca: () => certificate.cert }).probe(request);
      assert.equal(`${steps.at(-1)?.step} ${steps.at(-1)?.outcome}`, 'mailbox passed');
      const plain = connectPlainly(standIn.port, '127.0.0.1');
      const command = protocol === 'pop' ? 'AUTH XOAUTH2' : 'A1 AUTHENTICATE XOAUTH2';
      plain.write(`${command}\r\n`);
      const heard: Buffer[] = [];
      for await (const chunk of plain as AsyncIterable<Buffer>) {
        heard.push(chunk);
        if (heard.length === 2) break;
      }
      assert.match(Buffer.concat(heard).toString(), /(-ERR|A1 NO) sign in first/);
      await standIn.close();
    });
  }

  it('take no sign-in by POP3 or IMAP that is malformed', async () => {
    const blobs = ['', 'bm8=', Buffer.from('user=x\x01auth=Basic y\x01\x01').toString('base64')];
    for (const blob of blobs) {
      assert.match(await talk('pop', 'AUTH XOAUTH2', blob, 'QUIT'), /-ERR \[AUTH\]/);
      assert.match(await talk('imap', 'A1 AUTHENTICATE XOAUTH2', blob, 'A2 LOGOUT'), /A1 NO \[AUTHENTICATIONFAILED\]/);
    }
  });

  it('show a mailbox by POP3: list, one message, its head, its id; and delete only at the end', async () => {
    const signIn = ['AUTH XOAUTH2', xoauth2InitialResponse(ACCOUNTS.microsoft, tokenOf('microsoft', 'pop'))] as const;
    assert.match(await talk('pop', 'STAT', 'QUIT'), /-ERR sign in first/);
    const seen = await talk(
      'pop',
      ...signIn,
      'LIST',
      'UIDL 2',
      'RETR 1',
      'TOP 2 0',
      'RETR 9',
      'DELE 1',
      'RETR 1',
      'RSET',
      'DELE 2',
      'STAT',
      'QUIT',
    );
    assert.match(seen, /\r\n1 \d+\r\n2 \d+\r\n3 \d+\r\n\.\r\n/);
    assert.match(seen, /\+OK 2 stand-in-2\r\n/);
    assert.match(seen, /Subject: A fax has come in\r\n.*\r\n\r\nA fax has come in\. .*\r\n\.\r\n/s);
    assert.match(seen, /Subject: Toner is low\r\n/);
    assert.doesNotMatch(seen, /\r\n\r\nToner is low/);
    assert.equal(seen.split('-ERR no such message').length, 3);
    assert.match(seen, /\+OK deleted\r\n-ERR no such message\r\n\+OK\r\n\+OK deleted\r\n\+OK 2 \d+\r\n\+OK bye/);
    assert.match(await talk('pop', ...signIn, 'UIDL', 'QUIT'), /1 stand-in-1\r\n2 stand-in-3\r\n\./);
  });

  it('show a mailbox by IMAP, and change nothing in it', async () => {
    const address = ACCOUNTS.google;
    const blob = xoauth2InitialResponse(address, tokenOf('google', 'imap'));
    assert.match(await talk('imap', 'A1 SELECT INBOX', 'A2 LOGOUT'), /A1 NO sign in first/);
    const seen = await talk(
      'imap',
      `A1 AUTHENTICATE XOAUTH2 ${blob}`,
      'A2 EXAMINE INBOX',
      'A3 UID FETCH 2:* (FLAGS BODY.PEEK[])',
      'A4 SEARCH ALL',
      'A5 STATUS INBOX (MESSAGES)',
      'A6 LOGOUT',
    );
    assert.match(seen, /\* 3 EXISTS\r\n/);
    assert.match(seen, /\[UIDNEXT 4\]/);
    assert.doesNotMatch(seen, /A fax has come in/);
    assert.match(seen, /\* 2 FETCH \(UID 2 .*Toner is low.*\* 3 FETCH \(UID 3 /s);
    assert.match(seen, /\* SEARCH 1 2 3\r\n/);
    assert.match(seen, /\* STATUS "INBOX" \(MESSAGES 3 /);
    assert.match(seen, /\* BYE for now\r\nA6 OK bye\r\n$/);
  });
});
