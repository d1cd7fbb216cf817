import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../ports/clock.ts';
import { type KeyRing, KeyRingError } from '../../ports/key-ring.ts';
import { keyRingOf, sharedReading } from '../key-ring/key-ring-of.ts';
import { type KeySet, parseKeySet } from '../key-ring/key-set.ts';

/** Keeps Secrets Manager off the hot path; a rotated key is taken up within this time. */
export const SECRET_READ_EVERY_MS = 5 * 60_000;
/** While Secrets Manager fails, known keys serve this long: a device with a cached token should not notice. */
const USABLE_MS = 60 * 60_000;
/** Until Secrets Manager is asked again after it failed, so that its time-out does not delay every request. */
const ASK_AGAIN_MS = 30_000;

/** Keys in one secret: `{"current":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`. */
export const secretsManagerKeyRing = (
  client: SecretsManagerClient,
  { secretId, clock }: { readonly secretId: string; readonly clock: Clock },
): KeyRing => {
  let known: { readonly keys: KeySet; readonly readAt: number } | undefined;
  let readAgainAt = 0;

  const reading = sharedReading(async () => {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString === undefined) throw new KeyRingError('unavailable', `the secret ${secretId} holds no text`);
    const keys = parseKeySet(SecretString, `the secret ${secretId}`);
    known = { keys, readAt: clock.now() };
    readAgainAt = clock.now() + SECRET_READ_EVERY_MS;
    return keys;
  });

  const load = async (): Promise<KeySet> => {
    if (known !== undefined && clock.now() < readAgainAt) return known.keys;
    try {
      return await reading.joined();
    } catch (error) {
      if (known === undefined || clock.now() >= known.readAt + USABLE_MS) throw error;
      readAgainAt = clock.now() + ASK_AGAIN_MS;
      return known.keys;
    }
  };

  return keyRingOf({ load, reload: reading.fresh });
};
