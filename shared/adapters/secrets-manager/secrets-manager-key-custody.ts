import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { KeyCustody } from '../../ports/key-custody.ts';
import { KeyRingError } from '../../ports/key-ring.ts';
import { keyCustodyOf } from '../key-ring/key-custody-of.ts';
import { type KeySet, keySetText, parseKeySet } from '../key-ring/key-set.ts';
import { unlessRefused } from './refusals.ts';
import { SECRET_READ_EVERY_MS } from './secrets-manager-key-ring.ts';

/** A minute more than the rings take to read the secret again, for clocks that differ and answers that are late. */
const UPTAKE_SECONDS = SECRET_READ_EVERY_MS / 1000 + 60;

/** Each finds that somebody else changed the ring meanwhile. */
const CHANGE_ATTEMPTS = 5;

/** The keys of `secretsManagerKeyRing`, changed by compare-and-swap: no key that somebody added is ever overwritten. */
export const secretsManagerKeyCustody = (client: SecretsManagerClient, secretId: string): KeyCustody => {
  const readVersion = async (): Promise<{ readonly keys: KeySet; readonly version: string }> => {
    const { SecretString, VersionId } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString === undefined || VersionId === undefined) {
      throw new KeyRingError('unavailable', `the secret ${secretId} holds no text`);
    }
    return { keys: parseKeySet(SecretString, `the secret ${secretId}`), version: VersionId };
  };

  /** False: the ring is no longer at `from`. */
  const replace = async (from: string, keys: KeySet): Promise<boolean> => {
    const put = { SecretId: secretId, SecretString: keySetText(keys), VersionStages: ['AWSPENDING'] };
    const { VersionId } = await client.send(new PutSecretValueCommand(put));
    const move = new UpdateSecretVersionStageCommand({
      SecretId: secretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: VersionId,
      RemoveFromVersionId: from,
    });
    const moved = await unlessRefused(client.send(move), ['label_elsewhere']);
    return moved !== 'label_elsewhere' || (await readVersion()).version === VersionId;
  };

  const change = async (to: (keys: KeySet) => KeySet): Promise<KeySet> => {
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      const { keys: before, version } = await readVersion();
      const after = to(before);
      if (after === before || (await replace(version, after))) return after;
    }
    throw new KeyRingError('unavailable', `the secret ${secretId} is being changed by others; try again`);
  };

  return keyCustodyOf({ read: async () => (await readVersion()).keys, change }, UPTAKE_SECONDS);
};
