import type { Mailbox } from '../domain/entities.ts';
import { type Grant, isLive, type LiveGrant, provenAt, registrationOf } from '../domain/grant.ts';
import { AUDIENCES, type Audience } from '../domain/provider.ts';
import { type Registration, registrationKey } from '../domain/registration.ts';
import { CHANGE_LEASE_SECONDS, dueShardOf, grantDueKind, LEASE_SECONDS } from '../domain/timing.ts';
import type { KeyRing } from '../ports/key-ring.ts';
import type { Item, Table, Value, Write } from '../ports/table.ts';
import { type CoolDownRecord, coolDownFromItem } from './cool-downs.ts';
import { attributes, entity, keys, whenRevision } from './items.ts';

/** An access token as it rests in the table: sealed, and small. */
export interface CachedAccessToken {
  readonly audience: Audience;
  readonly sealed: string;
  readonly expiresAt: number;
  readonly issuedAt: number;
  /** When it and the tokens before it were issued, newest first. */
  readonly issueTimes: readonly number[];
  readonly scopes: readonly string[];
  /** The sign-in it came from; one of an earlier sign-in is not served. */
  readonly generation: number;
}

/** `revision` makes writes of the grant conditional: two writers of one revision, one wins. */
export interface GrantRecord {
  readonly grant: Grant;
  readonly revision: number;
}

/** What a lease is held for. A person's `change` (sign-in, sign-out) takes it away from a `refresh`, and from nobody else. */
type LeasePurpose = 'refresh' | 'change';

/** Who writes a grant just now. The fence grows with every holder, so that one who lost the lease cannot write. */
export interface Lease {
  readonly owner: string;
  readonly fence: number;
  readonly until: number;
  readonly purpose: LeasePurpose;
  /** Until when it was held by the refresh that it was taken from, whose call to the provider may still be under way. */
  readonly takenUntil?: number;
}

const HELD_SECONDS = { refresh: LEASE_SECONDS, change: CHANGE_LEASE_SECONDS } as const satisfies Record<
  LeasePurpose,
  number
>;

export const grantFromItem = (item: Item | undefined): GrantRecord => {
  if (item === undefined) return { grant: { state: 'never' }, revision: 0 };
  const { revision, ...grant } = entity<Grant & { revision: number }>(item);
  // Before this was noted, a token was stored at least once an hour.
  const stored = 'signedInAt' in grant ? { refreshTokenStoredAt: provenAt(grant) ?? grant.signedInAt } : {};
  return { grant: { ...stored, ...grant }, revision };
};

/** Associated data: ciphertext moved to another mailbox or audience does not open. */
const accessTokenContext = (organizationId: string, mailboxId: string, audience: Audience): string =>
  `access-token|${organizationId}|${mailboxId}|${audience}`;

/** What is known of a grant, its tokens, and when each audience was last used. */
export interface GrantWithTokens extends GrantRecord {
  readonly lastUsedAt: Partial<Record<Audience, number>>;
  /** In the order that was asked for. */
  readonly tokens: readonly (CachedAccessToken | undefined)[];
}

/** With what is known against the registration that it is refreshed by. */
interface GrantToRefresh extends GrantWithTokens {
  readonly registration: Registration;
  readonly known: CoolDownRecord;
}

/** `issueTimes` came later than the rest. */
const tokenFromItem = (item: Item): CachedAccessToken => {
  const { issueTimes = [], ...token } = entity<Omit<CachedAccessToken, 'issueTimes'> & Partial<CachedAccessToken>>(
    item,
  );
  return { ...token, issueTimes };
};

const withTokens = (
  grant: Item | undefined,
  use: Item | undefined,
  tokens: readonly (Item | undefined)[],
): GrantWithTokens => ({
  ...grantFromItem(grant),
  lastUsedAt: (use ? entity(use) : {}) as Partial<Record<Audience, number>>,
  tokens: tokens.map((item) => item && tokenFromItem(item)),
});

const shardOf = (grant: LiveGrant, mailboxId: string): string => dueShardOf(grantDueKind(grant), mailboxId);

export const grantRecords = (table: Table, accessTokenKeys: KeyRing) => {
  /** The write that replaces a grant read at `revision`. Only what has work to do carries a due time. */
  const replacement = (mailboxId: string, revision: number, grant: Grant, dueAt: number | undefined): Write => ({
    put: {
      ...keys.grant(mailboxId),
      ...attributes(grant),
      revision: revision + 1,
      ...(dueAt !== undefined && isLive(grant) ? { dueShard: shardOf(grant, mailboxId), dueAt } : {}),
    },
    when: whenRevision(revision),
  });

  const tokenKeys = (mailboxId: string, audiences: readonly Audience[]) =>
    audiences.map((audience) => keys.accessToken(mailboxId, audience));

  /** For who reads at `revision` and found that nothing changes but these; a refresh under way writes all of it anew. */
  const update = async (mailboxId: string, revision: number, set: Record<string, Value>): Promise<void> => {
    await table.write({ update: keys.grant(mailboxId), changes: { set }, when: { equals: { revision } } });
  };

  const endOwn = async (mailboxId: string, { owner, fence }: Lease, set: Record<string, Value>): Promise<void> => {
    await table.write({ update: keys.lease(mailboxId), changes: { set }, when: { equals: { owner, fence } } });
  };

  return {
    async get(mailboxId: string): Promise<GrantRecord> {
      return grantFromItem(await table.get(keys.grant(mailboxId)));
    },

    /** Grant, its tokens for these audiences, and when each audience was last used: one round trip. */
    async getWithTokens(mailboxId: string, audiences: readonly Audience[]): Promise<GrantWithTokens> {
      const wanted = [keys.grant(mailboxId), keys.use(mailboxId), ...tokenKeys(mailboxId, audiences)];
      const [grant, use, ...tokens] = await table.getMany(wanted);
      return withTokens(grant, use, tokens);
    },

    /** The same for every audience, and of its registration: one round trip, or one more if that is an organization's own. */
    async getToRefresh(mailbox: Mailbox): Promise<GrantToRefresh> {
      const { id, provider } = mailbox;
      const wanted = [keys.coolDown(provider), keys.grant(id), keys.use(id)];
      const [ofBroker, item, use, ...tokens] = await table.getMany([...wanted, ...tokenKeys(id, AUDIENCES)]);
      const found = withTokens(item, use, tokens);
      const registration = registrationOf(found.grant, mailbox) ?? { provider };
      const isOwn = registration.organizationId !== undefined;
      const known = coolDownFromItem(isOwn ? await table.get(keys.coolDown(registrationKey(registration))) : ofBroker);
      return { ...found, registration, known };
    },

    /**
     * Replaces the grant, and puts a token beside it, all at once and only by the lease's holder, whose lease it ends.
     * False: the lease or the grant moved on; nothing was written.
     */
    async replaceAndRelease(
      mailboxId: string,
      { owner, fence }: Lease,
      revision: number,
      grant: Grant,
      dueAt: number | undefined,
      token?: CachedAccessToken,
    ): Promise<boolean> {
      const outcome = await table.writeAll([
        { update: keys.lease(mailboxId), changes: { set: { until: 0 } }, when: { equals: { owner, fence } } },
        replacement(mailboxId, revision, grant, dueAt),
        ...(token ? [{ put: { ...keys.accessToken(mailboxId, token.audience), ...attributes(token) } }] : []),
      ]);
      return outcome === 'written';
    },

    /** The same, by a holder who has more to do and keeps the lease. */
    async replaceAndHold(mailboxId: string, { owner, fence }: Lease, revision: number, grant: Grant): Promise<boolean> {
      const outcome = await table.writeAll([
        { check: keys.lease(mailboxId), when: { equals: { owner, fence } } },
        replacement(mailboxId, revision, grant, undefined),
      ]);
      return outcome === 'written';
    },

    /** When the sweep shall come by again. */
    postpone: (mailboxId: string, revision: number, dueAt: number) => update(mailboxId, revision, { dueAt }),

    /** Into the shard where it belongs, for a grant that was listed before providers had shards of their own. */
    async moveToShard(mailboxId: string): Promise<void> {
      const { grant, revision } = grantFromItem(await table.get(keys.grant(mailboxId)));
      if (!isLive(grant)) return;
      await update(mailboxId, revision, { dueShard: shardOf(grant, mailboxId) });
    },

    /** That people were told so many days before the grant lapses. */
    noteWarning: (mailboxId: string, revision: number, warnedDays: number) =>
      update(mailboxId, revision, { warnedDays }),

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
      for (const key of tokenKeys(mailboxId, audiences)) await table.write({ delete: key });
    },

    /** Takes the lease if it is free, has run out, or may be taken away for this purpose. Undefined: another holds it. */
    async takeLease(mailboxId: string, owner: string, purpose: LeasePurpose, now: number): Promise<Lease | undefined> {
      const item = await table.get(keys.lease(mailboxId));
      const held = item && entity<Lease>(item);
      const taken = held && held.until > now ? held : undefined;
      if (taken && !(purpose === 'change' && taken.purpose === 'refresh')) return undefined;
      const lease: Lease = {
        owner,
        purpose,
        fence: (held?.fence ?? 0) + 1,
        // Should this holder die, nobody uses the token that the refresh has in hand before its time is over.
        until: Math.max(now + HELD_SECONDS[purpose], taken?.until ?? 0),
        ...(taken && { takenUntil: taken.until }),
      };
      const outcome = await table.write({
        put: { ...keys.lease(mailboxId), ...attributes(lease) },
        when: held ? { equals: { fence: held.fence, until: held.until } } : { absent: true },
      });
      if (outcome === 'written') return lease;
      // A write repeated because its answer was lost is refused by itself.
      const current = await table.get(keys.lease(mailboxId));
      return current?.owner === owner ? lease : undefined;
    },

    /** The lease with its whole time before it again; undefined: it was lost. */
    async renewLease(mailboxId: string, lease: Lease, now: number): Promise<Lease | undefined> {
      const { owner, fence, purpose } = lease;
      const until = Math.max(now + HELD_SECONDS[purpose], lease.until);
      const renewal = {
        update: keys.lease(mailboxId),
        changes: { set: { until } },
        when: { equals: { owner, fence } },
      };
      return (await table.write(renewal)) === 'written' ? { ...lease, until } : undefined;
    },

    /** Whether the lease is still this holder's. */
    async holdsLease(mailboxId: string, { owner, fence }: Lease): Promise<boolean> {
      const item = await table.get(keys.lease(mailboxId));
      return item?.owner === owner && item.fence === fence;
    },

    /** Whether somebody holds the lease: the lightest way to wait for a refresh that another is doing. */
    async isLeased(mailboxId: string, now: number): Promise<boolean> {
      const item = await table.get(keys.lease(mailboxId));
      return item !== undefined && entity<Lease>(item).until > now;
    },

    /** Keeps the item, so that the fence goes on growing. */
    releaseLease: (mailboxId: string, lease: Lease) => endOwn(mailboxId, lease, { until: 0 }),

    /**
     * For a change that came to nothing: what it was taken from goes on holding it, as far as others can see, since the
     * token in the vault is still the one which that refresh may be using.
     */
    giveBackLease: (mailboxId: string, lease: Lease) =>
      endOwn(mailboxId, lease, { until: lease.takenUntil ?? 0, purpose: 'refresh' }),

    /** Ends whatever lease there is. Only for who knows that its holder is dead. */
    async endLease(mailboxId: string): Promise<void> {
      await table.write({ update: keys.lease(mailboxId), changes: { set: { until: 0 } }, when: { present: true } });
    },

    /** Notes that a device uses this audience, and has the token renewed before it runs out. */
    async recordUse(mailboxId: string, audience: Audience, now: number, renewAt: number): Promise<void> {
      await table.write({ update: keys.use(mailboxId), changes: { set: { [audience]: now } } });
      const item = await table.get(keys.grant(mailboxId));
      if (typeof item?.dueAt !== 'number' || item.dueAt <= renewAt || typeof item.revision !== 'number') return;
      await update(mailboxId, item.revision, { dueAt: renewAt });
    },

    async openSignIn(mailboxId: string): Promise<{ signInId: string; expiresAt: number } | undefined> {
      const item = await table.get(keys.openSignIn(mailboxId));
      return item && entity(item);
    },
  };
};
