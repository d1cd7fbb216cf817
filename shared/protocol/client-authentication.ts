import { type BrokerError, brokerError } from '../domain/errors.ts';
import { fail, ok, type Result } from '../domain/result.ts';

export interface ClientCredential {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Far above what the broker hands out; a longer one is refused before it is hashed. */
const CREDENTIAL_LIMIT = 256;

/** RFC 6749 appendix A.1. */
const VISIBLE = /^[\x20-\x7e]+$/;

const malformed = fail(brokerError('invalid_client', 'Send client id and secret by HTTP Basic or as form fields.'));

const credential = (clientId: string, clientSecret: string): Result<ClientCredential, BrokerError> => {
  if (!VISIBLE.test(clientId) || clientSecret === '') return malformed;
  if (clientId.length > CREDENTIAL_LIMIT || clientSecret.length > CREDENTIAL_LIMIT) return malformed;
  // Case never matters in an id: panels capitalize first letters.
  return ok({ clientId: clientId.toLowerCase(), clientSecret });
};

/** HTTP Basic (RFC 7617). The broker's alphabet needs no form-encoding, so RFC 6749 section 2.3.1 changes nothing here. */
export const parseBasic = (authorization: string | undefined): Result<ClientCredential, BrokerError> => {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return malformed;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? malformed : credential(text.slice(0, colon), text.slice(colon + 1));
};

/** `client_secret_basic` or `client_secret_post` (RFC 6749 section 2.3.1); not both in one request (section 2.3). */
export const parseClientAuthentication = (
  authorization: string | undefined,
  form: { readonly client_id?: string; readonly client_secret?: string },
): Result<ClientCredential, BrokerError> => {
  if (authorization === undefined) return credential(form.client_id ?? '', form.client_secret ?? '');
  if (form.client_secret !== undefined) {
    return fail(brokerError('invalid_request', 'Authenticate by the Authorization header or the form, not by both.'));
  }
  return parseBasic(authorization);
};

/** `Authorization: Bearer …` (RFC 6750 section 2.1); undefined where there is none. */
export const parseBearer = (authorization: string | undefined): string | undefined =>
  /^bearer +([\x21-\x7e]{1,512}) *$/i.exec(authorization ?? '')?.[1];
