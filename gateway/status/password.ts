import { existsSync } from 'node:fs';
import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { writeNewFile } from '../../shared/adapters/filesystem/durable-file.ts';
import { ConfigError } from '../../shared/config/config-document.ts';
import type { Random } from '../../shared/ports/random.ts';
import { longSecret } from '../../shared/usecases/secrets.ts';

/** Of one that somebody has put there: what is guessed at over the network must not be short. */
const LEAST_LENGTH = 16;

/** The password of the status page, in the file, which only its owner may read; made at the first start. Throws `ConfigError`. */
export const statusPassword = async (file: string, random: Random): Promise<string> => {
  if (!existsSync(file)) {
    // Whole or not at all, also when the machine goes down in between.
    const unfinished = `${file}.new`;
    await rm(unfinished, { force: true });
    await writeNewFile(unfinished, `${longSecret(random)}\n`);
    await rename(unfinished, file);
  }
  await chmod(file, 0o600);
  const password = (await readFile(file, 'utf8')).trim();
  if (password.length < LEAST_LENGTH) {
    throw new ConfigError(
      `${file} holds no password of ${LEAST_LENGTH} characters or more; remove it to have one made.`,
    );
  }
  return password;
};
