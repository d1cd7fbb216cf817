import type { SecureVersion } from 'node:tls';

/**
 * How old a device may be that a listener talks TLS to. `modern`: what is recommended today (RFC 9325). `compatible`: devices of
 * the last ten years. `legacy`: those that know nothing above TLS 1.0 or 1.1; for a network that is trusted.
 */
export const TLS_PROFILES = ['modern', 'compatible', 'legacy'] as const;
export type TlsProfile = (typeof TLS_PROFILES)[number];

/** As `tls.createSecureContext` and smtp-server take them. There is no ceiling: who knows better gets TLS 1.3 from each. */
export interface TlsOptions {
  readonly minVersion: SecureVersion;
  readonly ciphers: string;
  /** The gateway chooses: old devices list their suites in any order, often the weakest first. */
  readonly honorCipherOrder: true;
}

/** TLS 1.3 (RFC 8446 section 9.1), named since Node takes a list for the whole. */
const TLS_1_3_SUITES = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

/** Forward secret, with authenticated encryption: all that RFC 9325 section 4.2 recommends for TLS 1.2. */
const RECOMMENDED_SUITES = `${TLS_1_3_SUITES}:ECDHE+AESGCM:ECDHE+CHACHA20`;

/**
 * After those, CBC, and RSA key exchange without forward secrecy, which is all that many an embedded stack has (`AES128-SHA`
 * is the one suite that TLS 1.2 makes mandatory, RFC 5246 section 9). No DHE: it needs parameters that old devices, which
 * take 1024 bits at most, would refuse, and whoever offers it offers RSA key exchange as well.
 */
const COMPATIBLE_SUITES = `${RECOMMENDED_SUITES}:ECDHE+AES:kRSA+AESGCM:kRSA+AES`;

/**
 * `minVersion` alone is not enough: TLS 1.0 and 1.1 sign with MD5 and SHA-1 (RFC 4346 section 7.4.3), which OpenSSL 3 allows at
 * security level 0 alone. That lets in, too, TLS 1.2 with SHA-1 signatures. 3DES and RC4 are not compiled into Node.
 */
const LEGACY_SUITES = 'DEFAULT@SECLEVEL=0';

const PROFILES: Readonly<Record<TlsProfile, TlsOptions>> = {
  modern: { minVersion: 'TLSv1.2', ciphers: RECOMMENDED_SUITES, honorCipherOrder: true },
  compatible: { minVersion: 'TLSv1.2', ciphers: COMPATIBLE_SUITES, honorCipherOrder: true },
  legacy: { minVersion: 'TLSv1', ciphers: LEGACY_SUITES, honorCipherOrder: true },
};

export const tlsOptions = (profile: TlsProfile): TlsOptions => PROFILES[profile];
