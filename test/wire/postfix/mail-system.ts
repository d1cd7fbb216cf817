import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TokenVerdict } from '../../../local/stand-ins/identity/token-check.ts';
import type { TestCertificate } from '../../fakes/certificate.ts';
import { eventually, freePort } from '../support.ts';
import { dovecotFiles, postfixFiles } from './configuration.ts';

/** Who owns what is delivered: every Unix has it. */
const NOBODY = 65_534;

export interface MailSystemOptions {
  readonly certificate: TestCertificate;
  readonly verifyToken: (accessToken: string) => Promise<TokenVerdict>;
  /** Whole addresses, at domains that have no other. */
  readonly recipients: readonly string[];
  /** Of Postfix: what main.cf has in place of, or besides, the usual. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface MailSystem {
  readonly port: number;
  /** What lies in a recipient's mailbox, byte for byte but for Postfix's own header fields at its top. */
  delivered(recipient: string): Promise<readonly string[]>;
  /** What both have written down. */
  log(): Promise<string>;
  /** Ends every process of theirs, and removes all that they had. */
  close(): Promise<void>;
}

/** Where Dovecot asks about a token (RFC 7662 in the shape that Google has: a GET with the token at the end). */
const startTokenInfo = async (verifyToken: MailSystemOptions['verifyToken']) => {
  const server = createServer(async (request, response) => {
    const token = new URL(request.url ?? '/', 'http://any').searchParams.get('access_token') ?? '';
    const verdict = await verifyToken(token);
    const [status, body] =
      verdict.outcome === 'valid' ? [200, { email: verdict.address }] : [400, { error: 'invalid_token' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
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

/** In the foreground, as a child of this process. */
const daemon = (command: string, ...args: string[]) => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, exited, output: () => output };
};

/** Postfix takes mail with STARTTLS and XOAUTH2, has Dovecot check the token, and delivers into Maildirs. On loopback alone. */
export const startMailSystem = async ({
  certificate,
  verifyToken,
  recipients,
  settings,
}: MailSystemOptions): Promise<MailSystem> => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-postfix-'));
  // Their processes have users of their own, who must come through.
  await chmod(folder, 0o755);
  const [port, authPort] = [Number(await freePort()), Number(await freePort())];
  const tokenInfo = await startTokenInfo(verifyToken);
  const place = { folder, port, authPort, tokenInfoPort: tokenInfo.port, recipients, settings };
  for (const name of ['postfix', 'queue', 'data', 'mail', 'dovecot']) await mkdir(join(folder, name));
  await chown(join(folder, 'mail'), NOBODY, NOBODY);
  const owner = spawnSync('id', ['-u', 'postfix'], { encoding: 'utf8' }).stdout.trim();
  await chown(join(folder, 'data'), Number(owner), 0);
  await writeFile(join(folder, 'server.pem'), certificate.key + certificate.cert, { mode: 0o600 });
  for (const [name, text] of Object.entries({ ...dovecotFiles(place), ...postfixFiles(place) })) {
    await writeFile(join(folder, name), text, { mode: 0o644 });
  }

  const dovecot = daemon('dovecot', '-F', '-c', join(folder, 'dovecot.conf'));
  const postfix = daemon('postfix', '-c', join(folder, 'postfix'), 'start-fg');
  const log = async (): Promise<string> => {
    const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
    return [dovecot.output(), await read('dovecot.log'), postfix.output(), await read('postfix.log')].join('');
  };
  const close = async (): Promise<void> => {
    spawnSync('postfix', ['-c', join(folder, 'postfix'), 'abort'], { stdio: 'ignore', timeout: 10_000 });
    dovecot.child.kill('SIGTERM');
    const ended = Promise.all([postfix.exited, dovecot.exited]);
    await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
    for (const { child } of [postfix, dovecot]) child.kill('SIGKILL');
    await ended;
    await tokenInfo.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const one of [authPort, port]) await eventually(`port ${one} answers`, () => listens(one));
  } catch (error) {
    const said = await log();
    await close();
    throw new Error(`Postfix or Dovecot did not start: ${said}`, { cause: error });
  }

  return {
    port,
    async delivered(recipient) {
      const box = join(folder, 'mail', recipient, 'new');
      const names = (await stat(box).catch(() => undefined)) === undefined ? [] : await readdir(box);
      return Promise.all(names.map((name) => readFile(join(box, name), 'latin1')));
    },
    log,
    close,
  };
};
