/** Sees to the mail programs and servers that wire tests use, where Debian has them; those missing are skipped by name. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each program's Debian packages. */
const PACKAGES = {
  curl: 'curl',
  msmtp: 'msmtp',
  openssl: 'openssl',
  // TLS is only recommended by its package.
  swaks: 'swaks libnet-ssleay-perl',
  mutt: 'mutt',
  offlineimap: 'offlineimap3',
  getmail: 'getmail6',
  fetchmail: 'fetchmail',
} as const;

/** Servers that a test starts by itself, with a configuration of its own. */
const SERVER_PACKAGES = { postfix: 'postfix', dovecot: 'dovecot-core dovecot-pop3d dovecot-imapd' } as const;

/** Their packages start them, but where this says that nothing is to be started, as in containers (invoke-rc.d(8)). */
const START_POLICY = '/usr/sbin/policy-rc.d';

export type ClientProgram =
  | keyof typeof PACKAGES
  | keyof typeof SERVER_PACKAGES
  | 'python3'
  | 'getmail-gmail-xoauth-tokens';

/** For packages unpacked but not installed. */
const CACHE = fileURLToPath(new URL('../node_modules/.cache/debian', import.meta.url));

const EXAMPLE = 'usr/share/doc/mutt/examples/mutt_oauth2.py';

/** A slow mirror must not hold up the tests for ever. */
const LIMIT_MS = 240_000;

export const hasProgram = (name: ClientProgram): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));

/** The script as mutt's package has it, which may be packed (`.gz`); undefined: not on this machine. */
export const muttOauth2Path = (): string | undefined =>
  ['/', CACHE].flatMap((root) => [join(root, EXAMPLE), join(root, `${EXAMPLE}.gz`)]).find((path) => existsSync(path));

const installMissing = (): void => {
  const giveUpAt = Date.now() + LIMIT_MS;
  const run = (command: string, ...args: string[]): boolean =>
    spawnSync(command, args, {
      cwd: CACHE,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: Math.max(1, giveUpAt - Date.now()),
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  const options = ['-qq', '-o', 'Acquire::Retries=1', '-o', 'DPkg::Lock::Timeout=60'];
  const apt = (...args: string[]): boolean => run('apt-get', ...options, ...args);

  const wanted = { ...PACKAGES, ...(existsSync(START_POLICY) ? SERVER_PACKAGES : {}) };
  const missing = Object.entries(wanted).filter(([program]) => !hasProgram(program as ClientProgram));
  if (missing.length === 0 && muttOauth2Path() !== undefined) return;
  console.error('Installing mail programs for the wire tests …');
  mkdirSync(CACHE, { recursive: true });
  if (!apt('update')) {
    console.error('Packages cannot be had; the tests of what is missing will be skipped.');
    return;
  }
  // One by one: a release that lacks one of them has the others.
  for (const [program, names] of missing) {
    if (!apt('install', '-y', '--no-install-recommends', ...names.split(' ')))
      console.error(`${program} could not be installed.`);
  }
  // Small images leave documentation out when they install, and examples are that.
  if (muttOauth2Path() !== undefined) return;
  const unpacked = apt('-o', 'APT::Sandbox::User=root', 'download', 'mutt');
  const [file] = globSync('mutt_*.deb', { cwd: CACHE });
  if (!unpacked || file === undefined || !run('dpkg', '-x', file, CACHE))
    console.error('mutt_oauth2.py is not to be had.');
};

const canInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

if (import.meta.main && canInstall) installMissing();
