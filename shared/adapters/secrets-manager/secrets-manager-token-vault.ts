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
import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../../ports/token-vault.ts';
import { type Tokens, tokensFromText, tokensToText, tokenVersion } from '../envelope/token-version.ts';
import { explained, unreadable } from '../vaults/vault-trouble.ts';
import { unlessRefused } from './refusals.ts';

/**
 * A forced deletion is carried out in the background, and the name is free only after it (API reference, DeleteSecret).
 * A person who signs in again waits up to 3 s for that; a name still taken then was scheduled for deletion by hand.
 */
const NAME_FREE_AFTER_MS = [200, 400, 800, 1600];

/**
 * Of the hundred versions that a secret may gain in 24 h (facts/aws.md section 1). The rest is for stores that are
 * superseded, which cost one too, for people who sign in again, and for a migration.
 */
const STORES_PER_DAY = 80;

/** Each finds the label moved by somebody else meanwhile; more than a few would be a service that contradicts itself. */
const MOST_LOOKS = 4;

export interface SecretsManagerVaultOptions {
  readonly prefix: string;
  /** Encrypts what is made from now on; without one, the account's `aws/secretsmanager`. A secret keeps the key it has. */
  readonly kmsKeyId?: string;
  readonly sleep?: Clock['sleep'];
}

interface Version {
  readonly token: StoredRefreshToken;
  readonly replaces: string | undefined;
  readonly isPending: boolean;
}

/**
 * One secret for each grant, named `<prefix><grant id>`; the version is Secrets Manager's own. PutSecretValue has no
 * compare-and-swap: a version is put as AWSPENDING first, and then AWSCURRENT is moved to it from the expected one, which
 * fails if the label is not there (API reference, UpdateSecretVersionStage). The put is what makes a token durable: it
 * says which version it replaces, and a reader who finds AWSPENDING replacing the version that is current finishes what
 * the writer could not. Each store costs a version of the day's, also when it is superseded.
 */
export const secretsManagerTokenVault = (
  client: SecretsManagerClient,
  { prefix, kmsKeyId, sleep = setTimeout }: SecretsManagerVaultOptions,
): TokenVault => {
  const labelled = async (grantId: string, label: 'AWSCURRENT' | 'AWSPENDING'): Promise<Version | undefined> => {
    const sent = client.send(new GetSecretValueCommand({ SecretId: prefix + grantId, VersionStage: label }));
    const secret = await unlessRefused(sent, ['absent', 'being_deleted']);
    if (typeof secret === 'string') return undefined;
    const { SecretString, VersionId: version, VersionStages: labels = [] } = secret;
    if (SecretString === undefined || version === undefined) {
      throw new Error(`Secrets Manager gave no text for ${prefix}${grantId}`);
    }
    try {
      const { tokens, replaces } = tokensFromText(SecretString);
      return { token: { ...tokens, version }, replaces, isPending: labels.includes('AWSPENDING') };
    } catch (cause) {
      throw unreadable(grantId, { version, cause });
    }
  };

  /** False: AWSCURRENT is no longer on `from`, or the secret is gone. */
  const moveCurrent = async (grantId: string, from: string, to: string): Promise<boolean> => {
    const move = new UpdateSecretVersionStageCommand({
      SecretId: prefix + grantId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: to,
      RemoveFromVersionId: from,
    });
    const moved = await unlessRefused(client.send(move), ['absent', 'being_deleted', 'label_elsewhere']);
    return typeof moved !== 'string';
  };

  /** A version that is current and pending is a store that came to its end, so that most readings cost one request. */
  const read = async (grantId: string): Promise<StoredRefreshToken | undefined> => {
    for (let look = 0; look < MOST_LOOKS; look++) {
      const current = await labelled(grantId, 'AWSCURRENT');
      if (current === undefined || current.isPending) return current?.token;
      const pending = await labelled(grantId, 'AWSPENDING');
      // One that replaces another version was superseded, and nobody was told that it was stored.
      if (pending?.replaces !== current.token.version) return current.token;
      if (await moveCurrent(grantId, current.token.version, pending.token.version)) return pending.token;
    }
    throw new TokenVaultError('busy', `Secrets Manager would not move AWSCURRENT of ${prefix}${grantId}`);
  };

  const create = async (grantId: string, tokens: Tokens): Promise<Stored> => {
    const version = tokenVersion(grantId, tokens, 'absent');
    const input = {
      Name: prefix + grantId,
      KmsKeyId: kmsKeyId,
      SecretString: tokensToText(tokens),
      ClientRequestToken: version,
    };
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
    const version = tokenVersion(grantId, tokens, expected);
    const put = new PutSecretValueCommand({
      SecretId: prefix + grantId,
      SecretString: tokensToText(tokens, expected),
      ClientRequestToken: version,
      VersionStages: ['AWSPENDING'],
    });
    const pending = await unlessRefused(client.send(put), ['absent', 'being_deleted']);
    if (typeof pending === 'string') return { outcome: 'superseded' };
    if (await moveCurrent(grantId, expected, version)) return { outcome: 'stored', version };
    // This store moved it and its answer was lost, a reader finished it, or somebody else stored.
    const found = await read(grantId);
    if (found?.version === version) return { outcome: 'stored', version };
    // The label has left it, and is read there yet: the reading is late, and tells nothing of this store.
    if (found?.version === expected) {
      throw new TokenVaultError('busy', `Secrets Manager is late with what was stored as ${prefix}${grantId}`);
    }
    return { outcome: 'superseded' };
  };

  return {
    storesPerDay: STORES_PER_DAY,
    read: (grantId) => explained(grantId, () => read(grantId)),
    store: (grantId, tokens, expected) =>
      explained(grantId, () => (expected === 'absent' ? create(grantId, tokens) : replace(grantId, tokens, expected))),
    async remove(grantId) {
      const forced = { SecretId: prefix + grantId, ForceDeleteWithoutRecovery: true };
      await explained(grantId, () => unlessRefused(client.send(new DeleteSecretCommand(forced)), ['absent']));
    },
  };
};

type Stored = Awaited<ReturnType<TokenVault['store']>>;
