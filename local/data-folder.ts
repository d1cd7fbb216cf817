import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Random } from '../shared/ports/random.ts';
import { longSecret } from '../shared/usecases/secrets.ts';

/** Everything the broker keeps on one machine lies below one folder, closed to other users. */
export const openDataFolder = (path: string) => {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const inside = (...names: string[]): string => {
    const whole = join(folder, ...names);
    mkdirSync(join(whole, '..'), { recursive: true, mode: 0o700 });
    return whole;
  };
  return {
    path: folder,
    database: inside('broker.sqlite'),
    accessKeys: inside('keys', 'access-tokens.json'),
    vaultKeys: inside('keys', 'refresh-tokens.json'),
    blobs: inside('blobs'),
    adminKeyFile: inside('admin-key'),
    standIns: inside('stand-ins'),
  };
};

export type DataFolder = ReturnType<typeof openDataFolder>;

/** The given key, or the one in the file, or a new one put there. `file`: where to read it, if it lies there. */
export const adminKey = (
  given: string | undefined,
  file: string,
  random: Random,
): { readonly key: string; readonly file: string | undefined } => {
  if (given !== undefined) return { key: given, file: undefined };
  if (!existsSync(file)) writeFileSync(file, `${longSecret(random)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return { key: readFileSync(file, 'utf8').trim(), file };
};
