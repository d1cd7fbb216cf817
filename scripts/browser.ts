/** Sees to a Chromium for the browser tests, where Debian's packages can be had; without one they are skipped by name. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const present = (process.env.CHROMIUM_PATH ? [process.env.CHROMIUM_PATH] : CHROMIUM_PATHS).some((path) =>
  existsSync(path),
);

const canInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

if (import.meta.main && !present && canInstall) {
  console.error('Installing Chromium for the browser tests …');
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-qq', '-o', 'Acquire::Retries=2', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 300_000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  if (!(apt('update') && apt('install', '-y', '--no-install-recommends', 'chromium'))) {
    console.error('Chromium could not be installed; the browser tests will be skipped.');
  }
}
