import { X509Certificate } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { isErrorCode, makeFolder, writeNewFile } from '../../../shared/adapters/filesystem/durable-file.ts';

export interface StandInCertificate {
  /** PEM; its own authority, so whoever talks to the stand-in trusts this. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

/** Long enough that nobody meets its end; a key that never leaves the machine needs no shorter life. */
const YEARS = 10;

/** Subject alternative names (RFC 5280 section 4.2.1.6): 2 is a DNS name, 7 an IP address. */
const NAMES = [
  { type: 2, value: 'localhost' },
  { type: 7, ip: '127.0.0.1' },
  { type: 7, ip: '::1' },
] as const;

/** The certificate kept in the folder; made, with a key that only the owner may read, where there is none yet. */
export const keepCertificate = async (folder: string): Promise<StandInCertificate> => {
  const [certificatePath, keyPath] = [join(folder, 'stand-in.crt'), join(folder, 'stand-in.key')];
  try {
    const kept = { certificate: await readFile(certificatePath, 'utf8'), key: await readFile(keyPath, 'utf8') };
    if (new X509Certificate(kept.certificate).validToDate > new Date()) return kept;
  } catch (error) {
    if (!isErrorCode(error, 'ENOENT')) throw error;
  }
  const made = await makeCertificate();
  await makeFolder(folder);
  await replaceFile(keyPath, made.key);
  await replaceFile(certificatePath, made.certificate);
  return made;
};

const makeCertificate = async (): Promise<StandInCertificate> => {
  const now = new Date();
  const end = new Date(now);
  end.setFullYear(now.getFullYear() + YEARS);
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: now,
    notAfterDate: end,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [...NAMES] },
    ],
  });
  return { certificate: made.cert, key: made.private };
};

/** A crash between the two files leaves a key without its certificate; the next start makes both anew. */
const replaceFile = async (path: string, content: string): Promise<void> => {
  await rm(path, { force: true });
  await writeNewFile(path, content);
};
