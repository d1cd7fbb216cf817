import { readFile, rename, rm } from 'node:fs/promises';
import * as v from 'valibot';
import { isErrorCode, writeNewFile } from '../shared/adapters/filesystem/durable-file.ts';
import { enrolGateway } from '../shared/adapters/gateway-http/enrol-gateway.ts';
import { ConfigError, parseDocument } from '../shared/config/config-document.ts';
import type { ErrorKind } from '../shared/domain/errors.ts';

/** Who this gateway is to its broker. Lies in its data folder, for the owner alone. */
const IDENTITY = v.strictObject({
  broker_url: v.string(),
  client_id: v.string(),
  client_secret: v.string(),
  registration_access_token: v.string(),
});
export type GatewayIdentity = v.InferOutput<typeof IDENTITY>;

const readIdentity = async (file: string): Promise<GatewayIdentity | undefined> => {
  try {
    return parseDocument(IDENTITY, await readFile(file, 'utf8'), file);
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
};

const keep = async (file: string, identity: GatewayIdentity): Promise<void> => {
  const unfinished = `${file}.new`;
  await rm(unfinished, { force: true });
  await writeNewFile(unfinished, `${JSON.stringify(identity, null, 2)}\n`);
  await rename(unfinished, file);
};

const NOT_ENROLLED =
  'This gateway is not enrolled yet. Make an enrolment token in the console of the broker (organization, "Enrolment tokens"), ' +
  'and start the gateway once with GATEWAY_BROKER_URL and GATEWAY_ENROLMENT_TOKEN set.';

const remedyOf = (kind: ErrorKind): string => {
  if (kind === 'invalid_enrolment_token')
    return 'Make a new enrolment token in the console of the broker (organization, "Enrolment tokens").';
  if (kind === 'too_many_attempts') return 'Wait a few minutes, then start the gateway again.';
  if (kind === 'broker_unreachable')
    return 'Check GATEWAY_BROKER_URL, the network, and HTTPS_PROXY where one is needed.';
  return 'Check the name of the gateway in its settings.';
};

/**
 * The identity that is kept; at the first start one is got with the enrolment token. With another broker's address and a token,
 * the gateway enrols there anew. Throws `ConfigError`.
 */
export const enrolled = async ({
  file,
  name,
  brokerUrl,
  enrolmentToken,
}: {
  file: string;
  name: string;
  brokerUrl: string | undefined;
  enrolmentToken: string | undefined;
}): Promise<GatewayIdentity> => {
  const kept = await readIdentity(file);
  if (kept && (brokerUrl === undefined || brokerUrl === kept.broker_url)) return kept;
  if (kept && enrolmentToken === undefined) {
    throw new ConfigError(
      `This gateway is enrolled at ${kept.broker_url}, and not at the broker that it is now to use: set GATEWAY_ENROLMENT_TOKEN as well.`,
    );
  }
  if (brokerUrl === undefined || enrolmentToken === undefined) throw new ConfigError(NOT_ENROLLED);
  const made = await enrolGateway({ brokerUrl, enrolmentToken, name });
  if (!made.ok) {
    const { kind, detail = kind } = made.error;
    throw new ConfigError(`The broker did not enrol this gateway: ${detail.replace(/\.$/, '')}. ${remedyOf(kind)}`);
  }
  const { clientId, clientSecret, registrationAccessToken } = made.value;
  const identity = {
    broker_url: brokerUrl,
    client_id: clientId,
    client_secret: clientSecret,
    registration_access_token: registrationAccessToken,
  };
  await keep(file, identity);
  return identity;
};
