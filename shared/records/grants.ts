import type { Grant } from '../domain/grant.ts';
import type { Audience } from '../domain/provider.ts';
import { dueShardOf, LEASE_SECONDS } from '../domain/timing.ts';
import type { KeyRing } from '../ports/key-ring.ts';
import type { Item, Table, Write } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

/** An access token as it rests in the table: sealed, and small. */
export interface CachedAccessToken {
  readonly audience: Audience;
  readonly sealed: string;
  readonly expiresAt: number;
  readonly issuedAt: number;
  readonly scopes: readonly string[];
  /** The sign-in it came from; one of an earlier sign-in is not served. */
  readonly generation: number;
}

/** `revision` makes writes of the grant conditional: two writers of one revision, one wins. */
export interface GrantRecord {
  readonly grant: Grant;
  readonly revision: number;
}

/** Who refreshes just now. The fence grows with every holder, so that one who lost the lease cannot write. */
export interface Lease {
  readonly owner: string;
  readonly fence: number;
  readonly until: number;
}

export const grantFromItem = (item: Item | undefined): GrantRecord => {
  if (item === undefined) return { grant: { state: 'never' }, revision: 0 };
  const { revision, ...grant } = entity<Grant & { revision: number }>(item);
  return { grant, revision };
};

/** Associated data: ciphertext moved to another mailbox or audience does not open. */
const accessTokenContext = (organizationId: string, mailboxId: string, audience: Audience): string =>
  `access-token|${organizationId}|${mailboxId}|${audience}`;

const whenRevision = (revision: number) =>
  revision === 0 ? ({ absent: true } as const) : ({ equals: { revision } } as const);

export const grantRecords = (table: Table, accessTokenKeys: KeyRing) => {
  /** The write that replaces a grant read at `revision`. Only what has work to do carries a due time. */
  const replacement = (mailboxId: string, revision: number, grant: Grant, dueAt: number | undefined): Write => ({
    put: {
      ...keys.grant(mailboxId),
      ...attributes(grant),
      revision: revision + 1,
      ...(dueAt === undefined ? {} : { dueShard: dueShardOf('grant', mailboxId), dueAt }),
    },
    when: whenRevision(revision),
  });

  return {
    async get(mailboxId: string): Promise<GrantRecord> {
      return grantFromItem(await table.get(keys.grant(mailboxId)));
    },

    /** Grant, its tokens for these audiences, and when each audience was last used: one round trip. */
    async getWithTokens(mailboxId: string, audiences: readonly Audience[]) {
      const [grant, use, ...tokens] = await table.getMany([
        keys.grant(mailboxId),
        keys.use(mailboxId),
        ...audiences.map((audience) => keys.accessToken(mailboxId, audience)),
      ]);
      return {
        ...grantFromItem(grant),
        lastUsedAt: (use ? entity(use) : {}) as Partial<Record<Audience, number>>,
        tokens: tokens.map((item) => item && entity<CachedAccessToken>(item)),
      };
    },

    /** Replaces the grant without a lease: for sign-in and sign-out. False: somebody was faster, read again. */
    async replace(mailboxId: string, revision: number, grant: Grant, dueAt: number | undefined): Promise<boolean> {
      return (await table.write(replacement(mailboxId, revision, grant, dueAt))) === 'written';
    },

    /** What a refresh found out, written all at once, and only by the lease's holder. False: the lease or the grant moved on. */
    async replaceUnderLease(
      mailboxId: string,
      lease: Lease,
      revision: number,
      grant: Grant,
      dueAt: number | undefined,
      token?: CachedAccessToken,
    ): Promise<boolean> {
      const { owner, fence } = lease;
      const outcome = await table.writeAll([
        { check: keys.lease(mailboxId), when: { equals: { owner, fence } } },
        replacement(mailboxId, revision, grant, dueAt),
        ...(token ? [{ put: { ...keys.accessToken(mailboxId, token.audience), ...attributes(token) } }] : []),
      ]);
      return outcome === 'written';
    },

    sealAccessToken(
      organizationId: string,
      mailboxId: string,
      audience: Audience,
      accessToken: string,
    ): Promise<string> {
      return accessTokenKeys.seal(accessToken, accessTokenContext(organizationId, mailboxId, audience));
    },

    openAccessToken(organizationId: string, mailboxId: string, audience: Audience, sealed: string): Promise<string> {
      return accessTokenKeys.open(sealed, accessTokenContext(organizationId, mailboxId, audience));
    },

    async forgetAccessTokens(mailboxId: string, audiences: readonly Audience[]): Promise<void> {
      for (const audience of audiences) await table.write({ delete: keys.accessToken(mailboxId, audience) });
    },

    /** Takes the lease if it is free or has run out. Undefined: another holds it. */
    async takeLease(mailboxId: string, owner: string, now: number): Promise<Lease | undefined> {
      const item = await table.get(keys.lease(mailboxId));
      const held = item && entity<Lease>(item);
      if (held && held.until > now) return undefined;
      const lease: Lease = { owner, fence: (held?.fence ?? 0) + 1, until: now + LEASE_SECONDS };
      const outcome = await table.write({
        put: { ...keys.lease(mailboxId), ...attributes(lease) },
        when: held ? { equals: { fence: held.fence } } : { absent: true },
      });
      if (outcome === 'written') return lease;
      // A write repeated because its answer was lost is refused by itself.
      const current = await table.get(keys.lease(mailboxId));
      return current?.owner === owner ? lease : undefined;
    },

    /** Keeps the item, so that the fence goes on growing. */
    async releaseLease(mailboxId: string, { owner, fence }: Lease): Promise<void> {
      await table.write({
        update: keys.lease(mailboxId),
        changes: { set: { until: 0 } },
        when: { equals: { owner, fence } },
      });
    },

    /** Ends whatever lease there is. Only for who knows that its holder is dead. */
    async endLease(mailboxId: string): Promise<void> {
      await table.write({ update: keys.lease(mailboxId), changes: { set: { until: 0 } }, when: { present: true } });
    },

    /** Notes that a device uses this audience, and has the token renewed before it runs out. */
    async recordUse(mailboxId: string, audience: Audience, now: number, renewAt: number): Promise<void> {
      await table.write({ update: keys.use(mailboxId), changes: { set: { [audience]: now } } });
      const item = await table.get(keys.grant(mailboxId));
      if (typeof item?.dueAt !== 'number' || item.dueAt <= renewAt || typeof item.revision !== 'number') return;
      await table.write({
        update: keys.grant(mailboxId),
        changes: { set: { dueAt: renewAt } },
        when: { equals: { revision: item.revision } },
      });
    },

    async openSignIn(mailboxId: string): Promise<{ signInId: string; expiresAt: number } | undefined> {
      const item = await table.get(keys.openSignIn(mailboxId));
      return item && entity(item);
    },
  };
};
