import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Pair } from './pair.ts';

/** Old devices know no elliptic curves in certificates, and take no more than 2048 bits. */
const KEY = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
};

const DAY_MS = 86_400_000;

/** Put into each device by hand, so for as long as a device lasts. */
const AUTHORITY_YEARS = 10;

/** What was the most that browsers took of public ones (CA/Browser Forum, Baseline Requirements 1.8, section 6.3.2). */
const SERVER_DAYS = 397;
export const SERVER_SECONDS = SERVER_DAYS * 86_400;

/** Valid since the day before: the clocks of devices are seldom right. */
const HEAD_START_MS = DAY_MS;

/** RFC 5280 appendix A.1, ub-common-name. */
const COMMON_NAME_LIMIT = 64;

/** Loaded where a certificate is to be made: a gateway with one of its own never needs it. */
const library = () => import('@peculiar/x509');

const newKeys = async () => {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
  return { keys, key: key.toString() };
};

/** RFC 5280 section 4.1.2.2: positive, at most 20 octets; unique, so drawn at random. */
const newSerialNumber = (): string => {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes.toString('hex');
};

/** Whole seconds: X.509 has no finer ones (RFC 5280 section 4.1.2.5). */
const wholeSeconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);

/** A new root, which may sign for servers and for no further authority. Now in epoch milliseconds. */
export const makeAuthority = async (gatewayName: string, now: number): Promise<Pair> => {
  const x509 = await library();
  const { keys, key } = await newKeys();
  const [before, after] = ['MFP gateway ', ' local CA'];
  const name = gatewayName.slice(0, COMMON_NAME_LIMIT - before.length - after.length);
  const notAfter = wholeSeconds(now);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + AUTHORITY_YEARS);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: [{ CN: [`${before}${name}${after}`] }],
    notBefore: wholeSeconds(now - HEAD_START_MS),
    notAfter,
    keys,
    signingAlgorithm: KEY,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${made.toString('pem')}\n`, key };
};

/** What is compared by devices too old for alternative names: the first that fits. */
const commonNameOf = (names: readonly string[]): string =>
  names.find((name) => name.length <= COMMON_NAME_LIMIT) ?? 'MFP gateway';

/** A certificate for the names and addresses, signed by the root, whose end is its end as well. Now in epoch milliseconds. */
export const issueCertificate = async (authority: Pair, names: readonly string[], now: number): Promise<Pair> => {
  const x509 = await library();
  const { keys, key } = await newKeys();
  const root = new x509.X509Certificate(authority.certificate);
  const rootKey = createPrivateKey(authority.key).export({ format: 'der', type: 'pkcs8' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(rootKey), KEY, false, ['sign']);
  const notBefore = now - HEAD_START_MS;
  const { keyEncipherment, digitalSignature } = x509.KeyUsageFlags;
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject: [{ CN: [commonNameOf(names)] }],
    issuer: root.subjectName,
    notBefore: wholeSeconds(notBefore),
    notAfter: wholeSeconds(Math.min(notBefore + SERVER_DAYS * DAY_MS, root.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: KEY,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // Encipherment is for RSA key exchange, which old devices do.
      new x509.KeyUsagesExtension(digitalSignature | keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name }) as const),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${made.toString('pem')}\n`, key };
};

/** Whether the root has signed it, and it is for these names and no others. */
export const isIssuedFor = (certificate: string, root: string, names: readonly string[]): boolean => {
  const server = new X509Certificate(certificate);
  if (!server.verify(new X509Certificate(root).publicKey)) return false;
  const named = server.subjectAltName?.split(', ') ?? [];
  const covers = (name: string) =>
    (isIP(name) === 0 ? server.checkHost(name, { subject: 'never' }) : server.checkIP(name)) !== undefined;
  return named.length === names.length && names.every(covers);
};
