import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Adapter, AdapterPayload, JWK } from 'oidc-provider';
import { inTransaction } from '../../../shared/adapters/sqlite/open-database.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { findStandInAccount, type StandInAccount } from './accounts.ts';

/**
 * `none`: the same refresh token stays. `lenient`: every use gives a new one and the old stay valid (Microsoft).
 * `strict`: the old one is used up, and using it again ends the whole grant (RFC 9700 section 4.14.2).
 */
export type Rotation = 'none' | 'lenient' | 'strict';

/** Why a refresh token is refused, so that the provider's own error can be given. */
export type RefreshTokenState = 'unknown' | 'live' | 'expired' | 'revoked';

const TABLES = `
  CREATE TABLE IF NOT EXISTS stand_in_artifacts (
    provider TEXT NOT NULL, model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL,
    grant_id TEXT, account_id TEXT, client_id TEXT, uid TEXT, user_code TEXT,
    expires_at INTEGER, consumed_at INTEGER, revoked_at INTEGER,
    PRIMARY KEY (provider, model, id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS stand_in_artifacts_by_grant ON stand_in_artifacts (grant_id);
  CREATE INDEX IF NOT EXISTS stand_in_artifacts_by_account ON stand_in_artifacts (provider, account_id);
  CREATE TABLE IF NOT EXISTS stand_in_secrets (
    provider TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (provider, name)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS stand_in_accounts (
    provider TEXT NOT NULL, subject TEXT NOT NULL, address TEXT NOT NULL,
    PRIMARY KEY (provider, subject)) WITHOUT ROWID;`;

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Everything that an identity stand-in remembers, so that it survives restart and `kill -9`. */
export const identityStorage = (database: DatabaseSync, provider: ProviderName, rotation: () => Rotation) => {
  database.exec(TABLES);
  database
    .prepare('DELETE FROM stand_in_artifacts WHERE provider = ? AND model <> ? AND expires_at < ?')
    .run(provider, 'RefreshToken', nowSeconds());

  const insert = database.prepare(`INSERT OR REPLACE INTO stand_in_artifacts
    (provider, model, id, payload, grant_id, account_id, client_id, uid, user_code, expires_at, consumed_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const select = (column: 'id' | 'uid' | 'user_code') =>
    database.prepare(`SELECT payload, consumed_at FROM stand_in_artifacts
      WHERE provider = ? AND model = ? AND ${column} = ? AND revoked_at IS NULL`);
  const byColumn = { id: select('id'), uid: select('uid'), user_code: select('user_code') };
  const use = database.prepare(`UPDATE stand_in_artifacts SET consumed_at = ?
    WHERE provider = ? AND model = ? AND id = ? AND consumed_at IS NULL AND revoked_at IS NULL`);
  const remove = database.prepare('DELETE FROM stand_in_artifacts WHERE provider = ? AND model = ? AND id = ?');

  /** Refresh tokens stay as tombstones: providers tell a revoked one from one they never gave. */
  const revokeWhere = (condition: string, ...values: string[]): void =>
    inTransaction(database, () => {
      database
        .prepare(`UPDATE stand_in_artifacts SET revoked_at = ? WHERE provider = ? AND model = 'RefreshToken'
          AND revoked_at IS NULL AND ${condition}`)
        .run(nowSeconds(), provider, ...values);
      database
        .prepare(`DELETE FROM stand_in_artifacts WHERE provider = ? AND model <> 'RefreshToken' AND ${condition}`)
        .run(provider, ...values);
    });

  const find = (model: string, column: keyof typeof byColumn, value: string): AdapterPayload | undefined => {
    const row = byColumn[column].get(provider, model, value);
    if (row === undefined) return undefined;
    const payload = JSON.parse(String(row.payload)) as AdapterPayload;
    return row.consumed_at === null ? payload : { ...payload, consumed: Number(row.consumed_at) };
  };

  /** The `Adapter` that oidc-provider asks for, one for each of its models. */
  const adapter = (model: string): Adapter => ({
    upsert: async (id, payload, expiresIn) => {
      const expiresAt = expiresIn === undefined ? null : nowSeconds() + expiresIn;
      const { grantId = null, accountId = null, clientId = null, uid = null, userCode = null } = payload;
      const consumedAt = typeof payload.consumed === 'number' ? payload.consumed : null;
      const text = JSON.stringify(payload);
      // A grant is its own grant id, so that revoking one finds all that belongs to it.
      const grant = model === 'Grant' ? id : grantId;
      insert.run(provider, model, id, text, grant, accountId, clientId, uid, userCode, expiresAt, consumedAt);
    },
    find: async (id) => find(model, 'id', id),
    findByUid: async (uid) => find(model, 'uid', uid),
    findByUserCode: async (userCode) => find(model, 'user_code', userCode),
    consume: async (id) => {
      if (model === 'RefreshToken' && rotation() !== 'strict') return;
      use.run(nowSeconds(), provider, model, id);
    },
    destroy: async (id) => {
      if (model === 'RefreshToken') revokeWhere('id = ?', id);
      else remove.run(provider, model, id);
    },
    revokeByGrantId: async (grantId) => revokeWhere('grant_id = ?', grantId),
  });

  /** The stored value, or a newly made one that is stored first. */
  const secret = (name: string, make: () => string): string => {
    const read = database.prepare('SELECT value FROM stand_in_secrets WHERE provider = ? AND name = ?');
    const stored = read.get(provider, name);
    if (stored !== undefined) return String(stored.value);
    const made = make();
    database.prepare('INSERT INTO stand_in_secrets VALUES (?, ?, ?)').run(provider, name, made);
    return made;
  };

  const accountBySubject = database.prepare('SELECT address FROM stand_in_accounts WHERE provider = ? AND subject = ?');
  const signingKey = JSON.parse(secret('signing_key', newSigningKey)) as JsonWebKey & { readonly kid: string };

  return {
    adapter,
    cookieKey: secret('cookie_key', () => randomBytes(32).toString('base64url')),
    signingKey: signingKey as JWK & { readonly kid: string },
    publicKey: createPublicKey({ key: signingKey, format: 'jwk' }),
    rememberAccount: ({ subject, address }: StandInAccount): void => {
      database.prepare('INSERT OR IGNORE INTO stand_in_accounts VALUES (?, ?, ?)').run(provider, subject, address);
    },
    /** Of an account that has signed in before. */
    findAccount: (subject: string): StandInAccount | undefined => {
      const row = accountBySubject.get(provider, subject);
      return row === undefined ? undefined : findStandInAccount(provider, String(row.address));
    },
    revokeAccount: (address: string): void => {
      const account = findStandInAccount(provider, address);
      if (account !== undefined) revokeWhere('account_id = ?', account.subject);
    },
    revokeClientOfAccount: (accountId: string, clientId: string): void =>
      revokeWhere('account_id = ? AND client_id = ?', accountId, clientId),
    /** The raw payload, whatever became of it; for `gty` and the like. */
    refreshToken: (value: string): { readonly state: RefreshTokenState; readonly payload?: AdapterPayload } => {
      const row = database
        .prepare(`SELECT payload, expires_at, revoked_at FROM stand_in_artifacts
          WHERE provider = ? AND model = 'RefreshToken' AND id = ?`)
        .get(provider, value);
      if (row === undefined) return { state: 'unknown' };
      const payload = JSON.parse(String(row.payload)) as AdapterPayload;
      if (row.revoked_at !== null) return { state: 'revoked', payload };
      return { state: Number(row.expires_at) <= nowSeconds() ? 'expired' : 'live', payload };
    },
  };
};

export type IdentityStorage = ReturnType<typeof identityStorage>;

const newSigningKey = (): string => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(12).toString('base64url');
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' });
};
