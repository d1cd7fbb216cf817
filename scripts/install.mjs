// Installs what is missing, and nothing else: `runtime` for running, `all` also for tests and builds. Runs on the
// machine's own Node (20 or later), before the pinned one is there; plain JavaScript for that reason.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Runs TypeScript as it is, has `node:sqlite`, and is what AWS Lambda runs. */
const NEEDED_MAJOR = 24;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const what = process.argv[2] === 'all' ? 'all' : 'runtime';
const lockfile = readFileSync(join(root, 'package-lock.json'));
const wanted = createHash('sha256').update(lockfile).digest('hex');
const marker = join(root, 'node_modules', '.installed.json');

const installed = existsSync(marker) ? JSON.parse(readFileSync(marker, 'utf8')) : {};
const enough = installed.lockfile === wanted && (installed.what === 'all' || installed.what === what);

const stop = (message) => {
  console.error(`error: ${message}`);
  process.exit(1);
};

if (!enough) {
  console.error(`Installing dependencies (${what}) …`);
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(what === 'runtime' ? ['--omit=dev'] : [])];
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...before] = npm;
  const { status } = spawnSync(command, [...before, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) stop('npm could not install the dependencies; its own words stand above.');
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, JSON.stringify({ lockfile: wanted, what }));
}

// The scripts' PATH begins with node_modules/.bin, where the pinned Node is, if there is one for this platform.
const { stdout } = spawnSync('node', ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
const major = Number(/^v(\d+)\./.exec(stdout ?? '')?.[1]);
if (!(major >= NEEDED_MAJOR)) {
  stop(
    `Node ${NEEDED_MAJOR} is needed, and npm has no pinned one for ${process.platform}-${process.arch}.\n` +
      `hint: install Node ${NEEDED_MAJOR} from nodejs.org and try again.`,
  );
}
