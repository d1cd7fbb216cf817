import { type SignedInAccount, sameAddress } from '../../domain/provider.ts';
import { isJsonObject, type JsonObject } from '../http-client/json-object.ts';

/** Clocks differ; five minutes is what the providers' own libraries allow. */
const CLOCK_SKEW_SECONDS = 300;

export interface IdTokenRules {
  readonly clientId: string;
  /** Undefined: any issuer (Microsoft's differs by tenant, and `common` names none). */
  readonly issuers: readonly string[] | undefined;
  readonly nowMs: number;
}

/**
 * The claims of an ID token that came straight from the token endpoint, so that TLS vouches for it in place of the
 * signature; or undefined where it does not pass the other checks (OpenID Connect Core 3.1.3.7, points 2, 3, 6 and 9).
 */
export const idTokenClaims = (idToken: unknown, { clientId, issuers, nowMs }: IdTokenRules): JsonObject | undefined => {
  if (typeof idToken !== 'string') return undefined;
  const claims = decodedPayload(idToken);
  if (claims === undefined) return undefined;
  const { iss, aud, exp } = claims;
  if (issuers !== undefined && !(typeof iss === 'string' && issuers.includes(iss))) return undefined;
  if (!(aud === clientId || (Array.isArray(aud) && aud.includes(clientId)))) return undefined;
  if (!(Number(exp) + CLOCK_SKEW_SECONDS > nowMs / 1000)) return undefined;
  return claims;
};

const decodedPayload = (jwt: string): JsonObject | undefined => {
  const parts = jwt.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** The account from claims, `candidates` in order of trust; undefined when they name no one. */
export const signedInAccount = (subject: unknown, candidates: readonly unknown[]): SignedInAccount | undefined => {
  if (typeof subject !== 'string' || subject === '') return undefined;
  const addresses: string[] = [];
  for (const candidate of candidates) {
    if (typeof candidate !== 'string' || !candidate.includes('@')) continue;
    if (!addresses.some((known) => sameAddress(known, candidate))) addresses.push(candidate.trim().toLowerCase());
  }
  return { subject, addresses };
};
