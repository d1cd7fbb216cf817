import type { KeyRing } from '../../ports/key-ring.ts';
import type { Condition, Key, Table } from '../../ports/table.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import { tokensFromText, tokensToText, tokenVersion } from './token-version.ts';

/** Ciphertext in the table, keys in the key ring; `version` carries the compare-and-swap. */
export const envelopeTokenVault = (table: Table, keyRing: KeyRing): TokenVault => ({
  async read(grantId) {
    const item = await table.get(keyFor(grantId));
    if (item === undefined) return undefined;
    const { sealed, version } = item;
    if (typeof sealed !== 'string' || typeof version !== 'string') throw new Error(`the vault's item is malformed`);
    return { ...tokensFromText(await keyRing.open(sealed, contextOf(grantId))), version };
  },

  async store(grantId, tokens, expected) {
    const version = tokenVersion(grantId, tokens, expected);
    const sealed = await keyRing.seal(tokensToText(tokens), contextOf(grantId));
    const when: Condition = expected === 'absent' ? { absent: true } : { equals: { version: expected } };
    if ((await table.write({ put: { ...keyFor(grantId), sealed, version }, when })) === 'written') {
      return { outcome: 'stored', version };
    }
    const resting = await table.get(keyFor(grantId));
    return resting?.version === version ? { outcome: 'stored', version } : { outcome: 'superseded' };
  },

  async remove(grantId) {
    await table.write({ delete: keyFor(grantId) });
  },
});

const keyFor = (grantId: string): Key => ({ pk: `vault#${grantId}`, sk: 'refresh_token' });

/** So that one grant's ciphertext, put in the place of another's, does not open. */
const contextOf = (grantId: string): string => `refresh_token#${grantId}`;
