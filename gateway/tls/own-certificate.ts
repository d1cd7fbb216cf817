import { readFile, stat } from 'node:fs/promises';
import { isOpenToOthers } from '../../shared/adapters/filesystem/durable-file.ts';
import { fail, type Result } from '../../shared/domain/result.ts';
import { type CheckedPair, checkPair } from './pair.ts';

export interface OwnFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const read = (path: string): Promise<string | { readonly code: string }> =>
  readFile(path, 'utf8').catch((error: unknown) => ({ code: codeOf(error) }));

/** As they lie there now; of the two, one may be new already and the other not yet. */
export const readOwnCertificate = async ({
  certificateFile,
  keyFile,
}: OwnFiles): Promise<Result<CheckedPair, string>> => {
  const [certificate, key] = [await read(certificateFile), await read(keyFile)];
  for (const [path, content] of [[certificateFile, certificate] as const, [keyFile, key] as const]) {
    if (typeof content === 'string') continue;
    return fail(`${path} cannot be read (${content.code}); check the path and who may read it`);
  }
  return checkPair({ certificate: String(certificate), key: String(key) });
};

/** Whether others on this machine can read the key. */
export const isKeyOpenToOthers = async ({ keyFile }: OwnFiles): Promise<boolean> =>
  isOpenToOthers((await stat(keyFile)).mode);
