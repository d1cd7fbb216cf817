import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { fail, ok, type Result } from '../../shared/domain/result.ts';

/** What a TLS server proves with who it is: PEM, the server's own certificate first, then those that lead to its authority. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** The key fits the certificate. Times are epoch seconds. */
export interface CheckedPair extends Pair {
  /** SHA-256 of the server's own certificate, as browsers and devices show it. */
  readonly fingerprint: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const tried = <Value>(work: () => Value): Value | undefined => {
  try {
    return work();
  } catch {
    return undefined; // what cannot be read is the outcome that the caller asks about
  }
};

const readKey = (pem: string): Result<KeyObject, string> => {
  const key = tried(() => createPrivateKey(pem));
  if (key !== undefined) return ok(key);
  if (/ENCRYPTED/.test(pem)) {
    return fail('the key is protected by a passphrase; store it without one (openssl pkey -in … -out …)');
  }
  return fail('the key file holds no private key in PEM; convert it (openssl pkey -in … -out …)');
};

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** The error says what does not fit, and what to do. */
export const checkPair = ({ certificate, key: keyText }: Pair): Result<CheckedPair, string> => {
  const certificates = [...certificate.matchAll(CERTIFICATE)].map(([pem]) => tried(() => new X509Certificate(pem)));
  const [first, ...others] = certificates;
  if (first === undefined || certificates.includes(undefined)) {
    return fail('the certificate file holds no certificate in PEM; convert it (openssl x509 -in … -out …)');
  }
  const key = readKey(keyText);
  if (!key.ok) return key;
  if (!first.checkPrivateKey(key.value)) {
    const isElsewhere = others.some((one) => one?.checkPrivateKey(key.value));
    return fail(
      isElsewhere
        ? "the server's own certificate is not the first in its file; put it first, then those of its authorities"
        : 'the key does not belong to the certificate; set the two that were issued together',
    );
  }
  // OpenSSL's own floor: it would refuse at every handshake what it refuses here.
  if (tried(() => createSecureContext({ cert: certificate, key: keyText })) === undefined) {
    return fail('TLS does not accept this certificate; use one with an RSA key of 2048 bits and SHA-256');
  }
  return ok({
    // Of files that hold more than they are named for, nothing else goes on from here.
    certificate: certificates.map(String).join(''),
    key: key.value.export({ format: 'pem', type: 'pkcs8' }).toString(),
    fingerprint: first.fingerprint256,
    notBefore: seconds(first.validFromDate),
    notAfter: seconds(first.validToDate),
  });
};

export const isExpired = ({ notAfter }: CheckedPair, now: number): boolean => notAfter <= now;

/** Neither expired nor before its time. */
export const isValid = (pair: CheckedPair, now: number): boolean => !isExpired(pair, now) && pair.notBefore <= now;
