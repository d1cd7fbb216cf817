import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { startImapListener } from '../../../gateway/imap/listener.ts';
import { startPop3Listener } from '../../../gateway/pop3/listener.ts';
import type { ProxyListener, ProxyOptions } from '../../../gateway/proxy/options.ts';
import { tlsOptions } from '../../../gateway/tls/profiles.ts';
import { startImapStandIn } from '../../../local/stand-ins/mail/imap-server.ts';
import { type StandInInboxes, standInInboxes } from '../../../local/stand-ins/mail/inboxes.ts';
import { startPop3StandIn } from '../../../local/stand-ins/mail/pop3-server.ts';
import type { ReceiveStandIn } from '../../../local/stand-ins/mail/receiving.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import { ADDRESS, DEVICE, fakeTokens, proxyOptions } from '../../fakes/gateway-proxy.ts';
import type { MemoryLog } from '../../fakes/memory-log.ts';
import { type Ended, type Home, makeHome, missing } from '../clients/home.ts';

const TOKEN = 'made-up-access-token-of-a-provider';
const { user: USER, password: PASSWORD } = DEVICE;
const SUBJECTS = ['A fax has come in', 'Toner is low', 'Total counter of October'];

/** Not among the programs that other tests use. */
const noFetchmail = existsSync('/usr/bin/fetchmail') ? false : 'fetchmail is not installed';

/** A listener with STARTTLS, and one with TLS from the first byte, for each protocol. */
const SECURITIES = ['starttls', 'tls'] as const;

/** Programs that nobody here wrote, as devices. */
describe('a mail program at the gateway', () => {
  let certificate: TestCertificate;
  let home: Home;
  let inboxes: StandInInboxes;
  let pop: ReceiveStandIn;
  let imap: ReceiveStandIn;
  const logs: MemoryLog[] = [];
  const ports: Record<string, number> = {};
  const open: ProxyListener[] = [];

  before(async () => {
    certificate = await testCertificate();
    // getmail delivers nothing for root.
    home = await makeHome('ordinary');
    await home.write({ 'ca.pem': certificate.cert });
    inboxes = standInInboxes();
    const standIn = {
      host: '127.0.0.1',
      port: 0,
      security: 'tls',
      certificate: { key: certificate.key, certificate: certificate.cert },
      inboxes,
      verifyToken: async (token: string) =>
        token === TOKEN
          ? ({ outcome: 'valid', provider: 'microsoft', address: ADDRESS } as const)
          : ({ outcome: 'refused', why: 'unknown' } as const),
    } as const;
    pop = await startPop3StandIn(standIn);
    imap = await startImapStandIn(standIn);
    const tls = () => ({ key: certificate.key, cert: certificate.cert, ...tlsOptions('compatible') });
    const start = async (name: string, port: number, begin: (options: ProxyOptions) => Promise<ProxyListener>) => {
      for (const security of SECURITIES) {
        const { token } = fakeTokens({ host: 'localhost', port, security: 'tls' }, [TOKEN]);
        const options = proxyOptions({ token, ca: () => certificate.cert }, { security, tls, cleartextSignIn: false });
        const listener = await begin(options);
        ports[`${name} ${security}`] = listener.port;
        logs.push(options.log);
        open.push(listener);
      }
    };
    await start('pop3', pop.port, startPop3Listener);
    await start('imap', imap.port, startImapListener);
  });
  afterEach(() => {
    for (const log of logs)
      assert.deepEqual(
        log.lines.filter(({ level }) => level === 'error'),
        [],
      );
  });
  after(async () => {
    for (const listener of open) await listener.close(0);
    await pop.close();
    await imap.close();
    await home.remove();
  });

  const portOf = (name: string): number => ports[name] ?? 0;

  const assertEnded = ({ code, stdout, stderr }: Ended): void =>
    assert.equal(code, 0, `ended with ${code}:\n${stdout}\n${stderr}`);

  /** As mail comes in: what is deleted by one program is there again for the next. */
  const refill = (): void => {
    const fresh = standInInboxes().of(ADDRESS);
    (inboxes.of(ADDRESS) as unknown[]).splice(0, 9, ...fresh);
  };

  const mailsIn = async (folder: string): Promise<readonly string[]> => {
    const files = await readdir(join(home.path, folder), { recursive: true, withFileTypes: true });
    const mails = files.filter((file) => file.isFile() && /(new|cur)$/.test(file.parentPath));
    return Promise.all(mails.map((file) => readFile(join(file.parentPath, file.name), 'latin1')));
  };

  const assertAll = (mails: readonly string[]): void =>
    assert.deepEqual(mails.map((mail) => /^Subject: (.*?)\r?$/m.exec(mail)?.[1]).toSorted(), SUBJECTS.toSorted());

  for (const security of SECURITIES) {
    const flag = security === 'tls' ? '' : '--ssl-reqd';
    const letter = security === 'tls' ? 's' : '';
    for (const mechanism of ['', 'PLAIN', 'LOGIN']) {
      const how = mechanism === '' ? 'as it likes' : `by AUTH ${mechanism}`;
      const wish = mechanism === '' ? '' : `--login-options 'AUTH=${mechanism}'`;
      for (const name of ['pop3', 'imap'] as const) {
        it(`curl reads by ${name} (${security}), and signs in ${how}`, { skip: missing('curl') }, async () => {
          refill();
          const path = name === 'pop3' ? '2' : 'INBOX;MAILINDEX=2';
          const url = `${name}${letter}://localhost:${portOf(`${name} ${security}`)}/${path}`;
          const ended = await home.run(`curl -sS --cacert ca.pem ${flag} ${wish} -u '${USER}:${PASSWORD}' '${url}'`);
          assertEnded(ended);
          assert.match(ended.stdout, /^Subject: Toner is low\r$/m);
        });
      }
    }

    it(`curl is told by pop3 (${security}) that its password is wrong`, { skip: missing('curl') }, async () => {
      const url = `pop3${letter}://localhost:${portOf(`pop3 ${security}`)}/`;
      const ended = await home.run(`curl -sS --cacert ca.pem ${flag} -u '${USER}:wrong' '${url}'`);
      // CURLE_LOGIN_DENIED
      assert.equal(ended.code, 67, ended.stderr);
    });

    it(`fetchmail fetches by pop3 (${security})`, { skip: noFetchmail }, async () => {
      refill();
      const folder = join(home.path, `fetchmail-${security}`);
      await mkdir(folder, { recursive: true });
      const ssl = security === 'tls' ? 'ssl' : 'sslproto "TLS1.2+"';
      await home.write({
        '.fetchmailrc': [
          `set idfile "${folder}.ids"`,
          `poll localhost protocol pop3 port ${portOf(`pop3 ${security}`)} uidl`,
          `user "${USER}" password "${PASSWORD}" ${ssl} sslcertck sslcertfile "${home.path}/ca.pem" keep`,
          `mda "cat > ${folder}/$(date +%N)"`,
          '',
        ].join('\n'),
      });
      assertEnded(await home.run('fetchmail --nosyslog --nodetach -f ~/.fetchmailrc'));
      const files = await readdir(folder);
      assertAll(await Promise.all(files.map((file) => readFile(join(folder, file), 'latin1'))));
    });

    for (const name of security === 'tls' ? (['pop3', 'imap'] as const) : []) {
      it(`getmail fetches by ${name}, and knows TLS from the first byte alone`, {
        skip: missing('getmail'),
      }, async () => {
        refill();
        const folder = `getmail-${name}`;
        for (const part of ['new', 'cur', 'tmp']) await mkdir(join(home.path, folder, part), { recursive: true });
        const type = name === 'pop3' ? 'SimplePOP3SSLRetriever' : 'SimpleIMAPSSLRetriever';
        await home.write({
          '.getmail/getmailrc': [
            '[retriever]',
            `type = ${type}`,
            'server = localhost',
            `port = ${portOf(`${name} tls`)}`,
            `username = ${USER}`,
            `password = ${PASSWORD}`,
            `ca_certs = ${home.path}/ca.pem`,
            '[destination]',
            'type = Maildir',
            `path = ${home.path}/${folder}/`,
            '[options]',
            `delete = ${name === 'pop3'}`,
            '',
          ].join('\n'),
        });
        assertEnded(await home.run('getmail'));
        assertAll(await mailsIn(folder));
        if (name === 'pop3') assert.equal(inboxes.of(ADDRESS).length, 0);
      });
    }

    it(`Python's poplib reads and deletes (${security})`, { skip: missing('python3') }, async () => {
      refill();
      const port = portOf(`pop3 ${security}`);
      const begin =
        security === 'tls'
          ? `box = poplib.POP3_SSL('localhost', ${port}, context=context)`
          : `box = poplib.POP3('localhost', ${port}); box.stls(context)`;
      const script = `
import poplib, ssl
context = ssl.create_default_context(cafile='ca.pem')
${begin}
box.user('${USER}'); box.pass_('${PASSWORD}')
assert box.stat()[0] == 3
assert len(box.uidl()[1]) == 3
assert b'Subject: Toner is low' in box.top(2, 0)[1]
assert b'Subject: Toner is low' in box.retr(2)[1]
box.dele(2)
assert box.capa()['UIDL'] == []
box.quit()
`;
      await home.write({ 'read.py': script });
      assertEnded(await home.run('python3 read.py'));
      assert.deepEqual(
        inboxes.of(ADDRESS).map(({ uid }) => uid),
        [1, 3],
      );
    });

    it(`Python's imaplib reads (${security})`, { skip: missing('python3') }, async () => {
      refill();
      const port = portOf(`imap ${security}`);
      const begin =
        security === 'tls'
          ? `box = imaplib.IMAP4_SSL('localhost', ${port}, ssl_context=context)`
          : `box = imaplib.IMAP4('localhost', ${port}); box.starttls(context)`;
      const script = `
import imaplib, ssl
context = ssl.create_default_context(cafile='ca.pem')
${begin}
try:
    box.login('${USER}', 'wrong')
    assert False
except imaplib.IMAP4.error as error:
    assert 'AUTHENTICATIONFAILED' in str(error)
box.login('${USER}', '${PASSWORD}')
assert box.select('INBOX', readonly=True)[1] == [b'3']
assert b'Toner is low' in box.fetch('2', '(RFC822)')[1][0][1]
box.logout()
`;
      await home.write({ 'read.py': script });
      assertEnded(await home.run('python3 read.py'));
    });
  }

  it('offlineimap copies the mailbox', { skip: missing('offlineimap') }, async () => {
    refill();
    await home.write({
      '.offlineimaprc': [
        '[general]',
        'accounts = office',
        'ui = basic',
        '[Account office]',
        'localrepository = here',
        'remoterepository = there',
        '[Repository here]',
        'type = Maildir',
        'localfolders = ~/offlineimap',
        '[Repository there]',
        'type = IMAP',
        'readonly = True',
        'remotehost = localhost',
        `remoteport = ${portOf('imap tls')}`,
        `remoteuser = ${USER}`,
        `remotepass = ${PASSWORD}`,
        'ssl = yes',
        'sslcacertfile = ~/ca.pem',
        'auth_mechanisms = PLAIN',
        '',
      ].join('\n'),
    });
    assertEnded(await home.run('offlineimap -o'));
    assertAll(await mailsIn('offlineimap'));
  });
});
