import { type KeyRing, KeyRingError } from '../../ports/key-ring.ts';
import type { Condition, Key, Table } from '../../ports/table.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import { explained, unreadable } from '../vaults/vault-trouble.ts';
import { type Tokens, tokensFromText, tokensToText, tokenVersion } from './token-version.ts';

interface Envelope {
  readonly sealed: string;
  readonly version: string;
}

/**
 * Ciphertext in the table, keys in the key ring; `version` carries the compare-and-swap. `isLeft`: tokens are on their way to
 * another vault, and a reading writes nothing.
 */
export const envelopeTokenVault = (table: Table, keyRing: KeyRing, { isLeft = false } = {}): TokenVault => {
  const envelopeOf = async (grantId: string): Promise<Envelope | undefined> => {
    const item = await table.get(envelopeKey(grantId));
    if (item === undefined) return undefined;
    const { sealed, version } = item;
    if (typeof sealed !== 'string' || typeof version !== 'string') throw new Error(`the vault's item is malformed`);
    return { sealed, version };
  };

  const open = async (grantId: string, { sealed, version }: Envelope): Promise<Tokens> => {
    try {
      return tokensFromText(await keyRing.open(sealed, envelopeContext(grantId))).tokens;
    } catch (cause) {
      if (cause instanceof TypeError) throw unreadable(grantId, { version, cause });
      // A ring that cannot be read at all is the operator's matter, and no word about this token.
      if (!(cause instanceof KeyRingError) || cause.reason === 'unavailable') throw cause;
      throw unreadable(grantId, { version, keyId: cause.keyId, cause });
    }
  };

  /**
   * Ciphertext of an older key is replaced when it is read, which each grant in use is at least once a day. On the very
   * item that was read, so that no newer token is ever overwritten; the version, and with it the token, stays the same.
   */
  const rewrite = async (grantId: string, envelope: Envelope, tokens: Tokens): Promise<void> => {
    try {
      if (await keyRing.isCurrent(envelope.sealed)) return;
      const { version } = envelope;
      const sealed = await keyRing.seal(tokensToText(tokens), envelopeContext(grantId));
      await table.write({ put: { ...envelopeKey(grantId), sealed, version }, when: { equals: { ...envelope } } });
    } catch {
      // The token was read, and that is what was asked for; the next reading tries again.
    }
  };

  const read: TokenVault['read'] = async (grantId) => {
    const envelope = await envelopeOf(grantId);
    if (envelope === undefined) return undefined;
    const tokens = await open(grantId, envelope);
    if (!isLeft) await rewrite(grantId, envelope, tokens);
    return { ...tokens, version: envelope.version };
  };

  const store: TokenVault['store'] = async (grantId, tokens, expected) => {
    const version = tokenVersion(grantId, tokens, expected);
    const sealed = await keyRing.seal(tokensToText(tokens), envelopeContext(grantId));
    const when: Condition = expected === 'absent' ? { absent: true } : { equals: { version: expected } };
    if ((await table.write({ put: { ...envelopeKey(grantId), sealed, version }, when })) === 'written') {
      return { outcome: 'stored', version };
    }
    const resting = await table.get(envelopeKey(grantId));
    return resting?.version === version ? { outcome: 'stored', version } : { outcome: 'superseded' };
  };

  return {
    read: (grantId) => explained(grantId, () => read(grantId)),
    store: (grantId, tokens, expected) => explained(grantId, () => store(grantId, tokens, expected)),
    async remove(grantId) {
      await explained(grantId, () => table.write({ delete: envelopeKey(grantId) }));
    },
  };
};

/** The sealed text of each grant, unopened, for who looks after the keys. */
export const sealedRefreshTokens =
  (table: Table) =>
  async (grantId: string): Promise<string | undefined> => {
    const sealed = (await table.get(envelopeKey(grantId)))?.sealed;
    return typeof sealed === 'string' ? sealed : undefined;
  };

const envelopeKey = (grantId: string): Key => ({ pk: `vault#${grantId}`, sk: 'refresh_token' });

/** So that one grant's ciphertext, put in the place of another's, does not open. */
const envelopeContext = (grantId: string): string => `refresh_token#${grantId}`;
