import * as v from 'valibot';
import type { Device, DeviceMetadata } from '../domain/entities.ts';
import { type BrokerError, brokerError } from '../domain/errors.ts';
import { inputProblem } from '../domain/input-problem.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { METADATA_FIELDS, wireMetadata } from './device-metadata.ts';
import { GRANT_TYPES } from './token-request.ts';

/** Printable, and short enough for a list and a panel. */
const text = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1),
  v.maxLength(128),
  v.regex(/^[^\p{Cc}]*$/u, 'has control characters'),
);

/** RFC 7591 section 2: what is not understood is ignored. */
const metadata = v.object({
  client_name: text,
  software_id: v.optional(text),
  software_version: v.optional(text),
  vendor: v.optional(text),
  model: v.optional(text),
  serial_number: v.optional(text),
  location: v.optional(text),
  locale: v.optional(v.pipe(v.string(), v.regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/i, 'is not a language tag'))),
});

/** JSON of a registration to device metadata. Errors: `invalid_client_metadata`, naming the field. */
export const parseDeviceMetadata = (body: unknown): Result<DeviceMetadata, BrokerError> => {
  const parsed = v.safeParse(metadata, body);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return fail(brokerError('invalid_client_metadata', `${v.getDotPath(issue) ?? 'The body'} ${inputProblem(issue)}.`));
  }
  const entries = Object.entries(METADATA_FIELDS).map(([name, wireName]) => [name, parsed.output[wireName]]);
  return ok(Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as unknown as DeviceMetadata);
};

/**
 * RFC 7591 section 3.2.1 and RFC 7592 section 3: the registration access token is in every reply, the one just made or
 * the one just presented. The client secret is there only when it has just been made: the broker keeps no more than hashes.
 */
export const registrationReply = (
  device: Device,
  publicUrl: string,
  secrets: { readonly clientSecret?: string | undefined; readonly registrationAccessToken: string },
) => ({
  client_id: device.clientId,
  client_id_issued_at: device.createdAt,
  ...(secrets.clientSecret === undefined ? {} : { client_secret: secrets.clientSecret, client_secret_expires_at: 0 }),
  registration_access_token: secrets.registrationAccessToken,
  registration_client_uri: `${publicUrl}/oauth/register/${device.clientId}`,
  grant_types: GRANT_TYPES,
  // Of no authorization endpoint; without this member it would be `code`.
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic',
  ...wireMetadata(device.metadata),
});
