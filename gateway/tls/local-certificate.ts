import { X509Certificate } from 'node:crypto';
import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrorCode, makeFolder, syncFolder, writeNewFile } from '../../shared/adapters/filesystem/durable-file.ts';
import { ConfigError } from '../../shared/config/config-document.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import { isIssuedFor, issueCertificate, makeAuthority, SERVER_SECONDS } from './local-authority.ts';
import { type CheckedPair, checkPair, isExpired, type Pair } from './pair.ts';

/** The root without its key, which is read only where something is to be signed. */
export type AuthorityRoot = Pick<CheckedPair, 'certificate' | 'fingerprint' | 'notAfter'>;

export interface LocalCertificate {
  readonly server: CheckedPair;
  readonly authority: AuthorityRoot;
}

/** As much before its end it counts as ended, so that the next one is there in time: twice as long as between two looks. */
const AHEAD_SECONDS = 60;

interface Circumstances {
  readonly folder: string;
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Certificate and key in one file, so that no crash can leave one without the other. */
const pathsIn = (folder: string) => ({ authority: join(folder, 'local-ca.pem'), server: join(folder, 'server.pem') });

const store = async (folder: string, path: string, { certificate, key }: Pair): Promise<void> => {
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  await writeNewFile(unfinished, `${certificate}${key}`);
  await rename(unfinished, path);
  await syncFolder(folder);
};

/** Undefined: there is none yet. */
const load = async (path: string) => {
  try {
    await chmod(path, 0o600);
    const text = await readFile(path, 'utf8');
    return checkPair({ certificate: text, key: text });
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
};

/** What was made here a moment ago fits. */
const checked = (made: Pair): CheckedPair => {
  const pair = checkPair(made);
  if (!pair.ok) throw new Error(`a new certificate does not fit: ${pair.error}`);
  return pair.value;
};

/** In its last third, unless the end of its root leaves a new one no more than a day longer. */
const isDue = (server: CheckedPair, authority: AuthorityRoot, now: number): boolean => {
  const { notBefore, notAfter } = server;
  const isLate = notAfter - now < (notAfter - notBefore) / 3;
  return isLate && Math.min(now + SERVER_SECONDS, authority.notAfter) > notAfter + 86_400;
};

/** Whether it can be served on. */
export const isInGoodTime = ({ server, authority }: LocalCertificate, now: number): boolean =>
  !isExpired(server, now + AHEAD_SECONDS) && !isDue(server, authority, now);

/** A root that nobody can read is never replaced unasked: every device that trusts it would trust the gateway no more. */
const keptAuthority = async ({ folder, names, clock, log }: Circumstances): Promise<CheckedPair> => {
  const path = pathsIn(folder).authority;
  const kept = await load(path);
  if (kept?.ok === false) {
    throw new ConfigError(
      `${path}: ${kept.error}. Restore the file from a backup; or remove it, and have the devices trust the new root.`,
    );
  }
  if (kept !== undefined && !isExpired(kept.value, epochSeconds(clock) + AHEAD_SECONDS)) return kept.value;
  const made = checked(await makeAuthority(names[0] ?? '', clock.now()));
  await store(folder, path, made);
  log[kept === undefined ? 'info' : 'warn']('certificate.authority_made', {
    fingerprint: made.fingerprint,
    not_after: new Date(made.notAfter * 1000).toISOString(),
    // Devices are given it, and not everybody reaches the status page.
    root_certificate: made.certificate,
    ...(kept === undefined ? {} : { remedy: 'the former root has expired; have the devices trust the new one' }),
  });
  return made;
};

/** The certificate in the folder while it is in good time, from its root, and for these names; else a new one. */
export const keepLocalCertificate = async (circumstances: Circumstances): Promise<LocalCertificate> => {
  const { folder, names, clock, log } = circumstances;
  const path = pathsIn(folder).server;
  await makeFolder(folder);
  const { key, ...authority } = await keptAuthority(circumstances);
  const kept = await load(path);
  const fits = kept?.ok === true && isIssuedFor(kept.value.certificate, authority.certificate, names);
  if (fits && isInGoodTime({ server: kept.value, authority }, epochSeconds(clock))) {
    return { server: kept.value, authority };
  }
  const server = checked(await issueCertificate({ ...authority, key }, names, clock.now()));
  log.info('certificate.made', {
    names,
    fingerprint: server.fingerprint,
    not_after: new X509Certificate(server.certificate).validToDate.toISOString(),
  });
  // It serves from memory as well: a full disk does not let the former one run out.
  await store(folder, path, server).catch((error: unknown) => {
    log.error('certificate.not_stored', { path, error: String(error) });
  });
  return { server, authority };
};
