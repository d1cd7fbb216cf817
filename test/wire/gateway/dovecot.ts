import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasProgram } from '../../../scripts/clients.ts';
import type { TestCertificate } from '../../fakes/certificate.ts';
import { eventually, freePort } from '../support.ts';

/** Who owns the mail: every Unix has it. */
const NOBODY = 65_534;

/** Dovecot's protocols are packages of their own. */
export const lacksDovecot = (): string | false =>
  (!hasProgram('dovecot') && 'dovecot is not installed') ||
  (!existsSync('/usr/lib/dovecot/pop3') && 'dovecot-pop3d is not installed') ||
  (!existsSync('/usr/lib/dovecot/imap') && 'dovecot-imapd is not installed');

interface Place {
  readonly folder: string;
  readonly ports: { readonly pop3: number; readonly pop3s: number; readonly imap: number; readonly imaps: number };
  readonly tokenInfoPort: number;
}

/** POP3 and IMAP with XOAUTH2 alone, and only over TLS, as the providers have it. */
const files = ({ folder, ports, tokenInfoPort }: Place) => ({
  'dovecot.conf': `
base_dir = ${folder}/run/
state_dir = ${folder}/run/
log_path = ${folder}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
ssl = required
ssl_cert = <${folder}/server.pem
ssl_key = <${folder}/server.pem
auth_mechanisms = xoauth2
mail_location = maildir:${folder}/mail/%u
first_valid_uid = ${NOBODY}
passdb {
  driver = oauth2
  mechanisms = xoauth2
  args = ${folder}/oauth2.conf
}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${folder}/mail/%u
}
service pop3-login {
  inet_listener pop3 {
    port = ${ports.pop3}
  }
  inet_listener pop3s {
    port = ${ports.pop3s}
    ssl = yes
  }
}
service imap-login {
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
`,
  'oauth2.conf': `
tokeninfo_url = http://127.0.0.1:${tokenInfoPort}/tokeninfo?access_token=
username_attribute = email
`,
});

const startTokenInfo = async (accounts: ReadonlyMap<string, string>) => {
  const server = createServer((request, response) => {
    const token = new URL(request.url ?? '/', 'http://any').searchParams.get('access_token') ?? '';
    const email = accounts.get(token);
    response.writeHead(email === undefined ? 400 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(email === undefined ? { error: 'invalid_token' } : { email }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

const listens = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });

export type Dovecot = Awaited<ReturnType<typeof startDovecot>>;

/** A provider that nobody here wrote. `accounts`: whose each access token is, for everybody to change. */
export const startDovecot = async (certificate: TestCertificate, accounts: ReadonlyMap<string, string>) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-dovecot-'));
  // Its processes have users of their own, who must come through.
  await chmod(folder, 0o755);
  const tokenInfo = await startTokenInfo(accounts);
  const [pop3, pop3s, imap, imaps] = [await freePort(), await freePort(), await freePort(), await freePort()].map(
    Number,
  );
  const ports = { pop3: pop3 ?? 0, pop3s: pop3s ?? 0, imap: imap ?? 0, imaps: imaps ?? 0 };
  const place = { folder, ports, tokenInfoPort: (tokenInfo.address() as AddressInfo).port };
  for (const name of ['run', 'mail']) await mkdir(join(folder, name));
  await chown(join(folder, 'mail'), NOBODY, NOBODY);
  await writeFile(join(folder, 'server.pem'), certificate.key + certificate.cert, { mode: 0o600 });
  for (const [name, text] of Object.entries(files(place))) await writeFile(join(folder, name), text);
  const configuration = join(folder, 'dovecot.conf');

  const child = spawn('dovecot', ['-F', '-c', configuration], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const log = async () => output + (await readFile(join(folder, 'dovecot.log'), 'utf8').catch(() => ''));
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await Promise.race([exited, sleep(5000, undefined, { ref: false })]);
    child.kill('SIGKILL');
    await exited;
    tokenInfo.closeAllConnections();
    await new Promise((resolve) => tokenInfo.close(resolve));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const port of Object.values(ports)) await eventually(`port ${port} answers`, () => listens(port));
  } catch (error) {
    const said = await log();
    await close();
    throw new Error(`Dovecot did not start: ${said}`, { cause: error });
  }

  const box = (address: string, part: string) => join(folder, 'mail', address, part);
  return {
    ports,
    log,
    close,
    /** Puts mail where a delivery would, in this order. */
    async deliver(address: string, mails: readonly string[]): Promise<void> {
      for (const part of ['new', 'cur', 'tmp']) await mkdir(box(address, part), { recursive: true });
      for (const [index, text] of mails.entries()) {
        const name = `${Date.now()}${String(index).padStart(3, '0')}.M${index}P1.test`;
        await writeFile(join(box(address, 'new'), name), text.replaceAll('\r\n', '\n'));
      }
      spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, join(folder, 'mail')]);
    },
    async mails(address: string): Promise<readonly string[]> {
      const names = await Promise.all(
        ['new', 'cur'].map(async (part) =>
          (await readdir(box(address, part))).map((name) => join(box(address, part), name)),
        ),
      );
      return Promise.all(names.flat().map((name) => readFile(name, 'utf8')));
    },
    /** Ends every session of the account, as when its token dies. */
    kick(address: string): void {
      const { status, stderr } = spawnSync('doveadm', ['-c', configuration, 'kick', address], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`Nobody was kicked: ${stderr}`);
    },
  };
};
