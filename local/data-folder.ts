import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeNewFile } from '../shared/adapters/filesystem/durable-file.ts';
import { lockFolder } from '../shared/adapters/sqlite/folder-lock.ts';
import { parseAdminKey } from '../shared/config/admin-key.ts';
import { ConfigError } from '../shared/config/config-document.ts';
import type { Random } from '../shared/ports/random.ts';
import { longSecret } from '../shared/usecases/secrets.ts';

/** Everything the broker keeps on one machine lies below one folder, closed to other users. */
export const openDataFolder = (path: string) => {
  const folder = resolve(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`BROKER_DATA_DIR: ${folder} cannot be made a folder (${code}).`);
  }
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
    webhookKeys: inside('keys', 'webhooks.json'),
    blobs: inside('blobs'),
    adminKeyFile: inside('admin-key'),
    standIns: inside('stand-ins'),
    lock: inside('lock.sqlite'),
  };
};

export type DataFolder = ReturnType<typeof openDataFolder>;

/** The given key, or the one in the file, or a new one put there. `file`: where to read it, if it lies there. */
export const adminKey = async (
  given: string | undefined,
  file: string,
  random: Random,
): Promise<{ readonly key: string; readonly file: string | undefined }> => {
  if (given !== undefined) return { key: given, file: undefined };
  if (!existsSync(file)) {
    // Whole or not at all, also when the machine goes down in between.
    const unfinished = `${file}.new`;
    rmSync(unfinished, { force: true });
    await writeNewFile(unfinished, `${longSecret(random)}\n`);
    renameSync(unfinished, file);
  }
  chmodSync(file, 0o600);
  return { key: parseAdminKey(readFileSync(file, 'utf8'), file), file };
};

/** For this process alone, for as long as it lives. */
export const lockDataFolder = ({ path, lock }: DataFolder): void => {
  if (lockFolder(lock)) return;
  throw new ConfigError(`Another broker is running on ${path}; stop it, or set BROKER_DATA_DIR to another folder.`);
};
