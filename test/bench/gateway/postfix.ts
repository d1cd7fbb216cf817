import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort } from '../../wire/support.ts';

/** Takes mail from this machine, has it on disk before it says so, and keeps it: what the gateway does when nothing goes out. */
const mainCf = (folder: string): string => `
compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
myhostname = bench.example
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
import_environment = MAIL_CONFIG=${folder}/postfix
default_transport = smtp
defer_transports = smtp
smtpd_tls_security_level = none
smtpd_client_connection_count_limit = 0
message_size_limit = 40000000
mailbox_size_limit = 0
local_recipient_maps =
alias_maps =
alias_database =
`;

const masterCf = (port: string): string => `
127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`;

const answers = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });

export interface Postfix {
  readonly port: number;
  close(): Promise<void>;
}

/** Undefined where it is not installed, or cannot be started. */
export const startPostfix = async (): Promise<Postfix | undefined> => {
  if (spawnSync('postfix', ['-h']).error || process.getuid?.() !== 0) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'gateway-bench-postfix-'));
  await chmod(folder, 0o755);
  for (const name of ['postfix', 'queue', 'data']) await mkdir(join(folder, name));
  const owner = Number(spawnSync('id', ['-u', 'postfix'], { encoding: 'utf8' }).stdout);
  await chown(join(folder, 'data'), owner, 0);
  const port = await freePort();
  await writeFile(join(folder, 'postfix', 'main.cf'), mainCf(folder));
  await writeFile(join(folder, 'postfix', 'master.cf'), masterCf(port));
  const master = spawn('postfix', ['-c', join(folder, 'postfix'), 'start-fg'], { stdio: 'ignore' });
  const exited = once(master, 'exit');
  const close = async (): Promise<void> => {
    spawnSync('postfix', ['-c', join(folder, 'postfix'), 'abort'], { stdio: 'ignore' });
    master.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually('Postfix answers', () => answers(Number(port)));
  } catch {
    await close();
    return undefined;
  }
  return { port: Number(port), close };
};
