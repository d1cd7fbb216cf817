import { setTimeout } from 'node:timers/promises';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../ports/clock.ts';
import type { StoredRefreshToken, TokenVault } from '../../ports/token-vault.ts';
import { type Tokens, tokensFromText, tokensToText, tokenVersion } from '../envelope/token-version.ts';
import { unlessRefused } from './refusals.ts';

/**
 * A forced deletion is carried out in the background, and the name is free only after it (API reference, DeleteSecret).
 * A person who signs in again waits up to 3 s for that; a name still taken then was scheduled for deletion by hand.
 */
const NAME_FREE_AFTER_MS = [200, 400, 800, 1600];

/**
 * One secret for each grant, named `<prefix><grant id>`; the version is Secrets Manager's own. PutSecretValue alone has
 * no compare-and-swap: a version is put as AWSPENDING first, and then AWSCURRENT is moved to it from the expected one,
 * which fails if the label is not there (API reference, UpdateSecretVersionStage). Each store costs one of the hundred
 * versions that a secret may gain in 24 h, also when it is superseded.
 */
export const secretsManagerTokenVault = (
  client: SecretsManagerClient,
  { prefix, sleep = setTimeout }: { readonly prefix: string; readonly sleep?: Clock['sleep'] },
): TokenVault => {
  const read = async (grantId: string): Promise<StoredRefreshToken | undefined> => {
    const sent = client.send(new GetSecretValueCommand({ SecretId: prefix + grantId }));
    const secret = await unlessRefused(sent, ['absent', 'being_deleted']);
    if (typeof secret === 'string') return undefined;
    if (secret.SecretString === undefined || secret.VersionId === undefined) {
      throw new Error(`Secrets Manager gave no text for ${prefix}${grantId}`);
    }
    return { ...tokensFromText(secret.SecretString), version: secret.VersionId };
  };

  const create = async (grantId: string, tokens: Tokens): Promise<Stored> => {
    const version = tokenVersion(grantId, tokens, 'absent');
    const input = { Name: prefix + grantId, SecretString: tokensToText(tokens), ClientRequestToken: version };
    for (const pauseMs of NAME_FREE_AFTER_MS) {
      const created = await unlessRefused(client.send(new CreateSecretCommand(input)), ['exists', 'being_deleted']);
      if (typeof created !== 'string') return { outcome: 'stored', version };
      if (created === 'exists') {
        // the repeat of a store that went through, or somebody else's
        return (await read(grantId))?.version === version ? { outcome: 'stored', version } : { outcome: 'superseded' };
      }
      await sleep(pauseMs);
    }
    return takeBack(grantId, tokens);
  };

  /** Deleting it again, by force, could hit what another process makes meanwhile; restoring it cannot. */
  const takeBack = async (grantId: string, tokens: Tokens): Promise<Stored> => {
    await client.send(new RestoreSecretCommand({ SecretId: prefix + grantId }));
    const old = await read(grantId);
    return old === undefined ? { outcome: 'superseded' } : replace(grantId, tokens, old.version);
  };

  const replace = async (grantId: string, tokens: Tokens, expected: string): Promise<Stored> => {
    const SecretId = prefix + grantId;
    const version = tokenVersion(grantId, tokens, expected);
    const put = new PutSecretValueCommand({
      SecretId,
      SecretString: tokensToText(tokens),
      ClientRequestToken: version,
      VersionStages: ['AWSPENDING'],
    });
    const pending = await unlessRefused(client.send(put), ['absent', 'being_deleted']);
    if (typeof pending === 'string') return { outcome: 'superseded' };
    const move = new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: version,
      RemoveFromVersionId: expected,
    });
    const moved = await unlessRefused(client.send(move), ['absent', 'being_deleted', 'label_elsewhere']);
    if (typeof moved !== 'string') return { outcome: 'stored', version };
    // The label is not on the expected version: this store moved it and its answer was lost, or somebody else did.
    const current = await read(grantId);
    if (current?.version === expected) throw new Error(`Secrets Manager would not move AWSCURRENT of ${SecretId}`);
    return current?.version === version ? { outcome: 'stored', version } : { outcome: 'superseded' };
  };

  return {
    read,
    store: (grantId, tokens, expected) =>
      expected === 'absent' ? create(grantId, tokens) : replace(grantId, tokens, expected),
    async remove(grantId) {
      const forced = { SecretId: prefix + grantId, ForceDeleteWithoutRecovery: true };
      await unlessRefused(client.send(new DeleteSecretCommand(forced)), ['absent']);
    },
  };
};

type Stored = Awaited<ReturnType<TokenVault['store']>>;
