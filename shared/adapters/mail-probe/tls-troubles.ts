import type { TLSSocket } from 'node:tls';
import type { Facts, Verdict } from '../../domain/connection-test.ts';
import type { Trouble } from './steps.ts';

/** Node's code of an error, else what it is. */
export const codeOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error ? String(error.code) : error.message) : String(error);

/** By the codes of Node and OpenSSL; the first that fits. */
const TLS_VERDICTS: readonly (readonly [pattern: RegExp, verdict: Verdict, sample: string])[] = [
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|INVALID_MESSAGE/,
    'tls_not_spoken',
    'ERR_SSL_WRONG_VERSION_NUMBER',
  ],
  [/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/, 'tls_too_old', 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, 'certificate_not_valid_now', 'CERT_HAS_EXPIRED'],
  [/ERR_TLS_CERT_ALTNAME/, 'certificate_other_name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_UNTRUSTED|CERT_REVOKED|CERT_CHAIN_TOO_LONG|INVALID_CA|CERT_SIGNATURE|INVALID_PURPOSE|CERT_REJECTED/,
    'certificate_untrusted',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
  ],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, 'dropped', 'ECONNRESET'],
];

/** For who looks whether every row says what its sample says. */
export const TLS_SAMPLES: readonly (readonly [sample: string, verdict: Verdict])[] = TLS_VERDICTS.map(
  ([, verdict, sample]) => [sample, verdict],
);

export const tlsTrouble = (error: unknown): Trouble => {
  const code = codeOf(error);
  const row = TLS_VERDICTS.find(([pattern]) => pattern.test(code));
  return { why: row?.[1] ?? 'tls_failed', said: code };
};

const dayOf = (date: string): string => {
  const parsed = new Date(date);
  return Number.isNaN(parsed.getTime()) ? date : parsed.toISOString().slice(0, 10);
};

/** Providers' certificates have dozens of names. */
const NAMES_SHOWN = 4;

const textOf = (value: string | string[] | undefined): string => [value].flat()[0] ?? '';

/** Version and cipher, and of the certificate whose it is, who says so, and until when. */
export const certificateFacts = (secure: TLSSocket): Facts => {
  const certificate = secure.getPeerCertificate();
  const { subject, issuer, subjectaltname = '' } = certificate;
  const names = subjectaltname.replaceAll(/(DNS|IP Address):/g, '').split(', ');
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  return {
    version: secure.getProtocol() ?? '',
    cipher: secure.getCipher().standardName,
    // RFC 6125 section 6.4.4: the names are those of the extension; the common name only where there are none.
    certificate: names.length > NAMES_SHOWN ? `${shown}, …` : shown || textOf(subject?.CN),
    issuer: textOf(issuer?.O) || textOf(issuer?.CN),
    expires: dayOf(certificate.valid_to ?? ''),
  };
};
