import type { Mailbox } from '../domain/entities.ts';
import type { NoticeScope } from '../domain/notice.ts';
import type { WebhookSettings } from '../domain/notification-settings.ts';
import { AUDIENCES } from '../domain/provider.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { KeyCustody, KeyNames } from '../ports/key-custody.ts';
import { keyNamedBy } from '../ports/key-ring.ts';
import type { TokenVault } from '../ports/token-vault.ts';
import type { Records } from '../records/index.ts';

/**
 * The rings: one seals access tokens and sign-ins under way, one the refresh tokens of the envelope vault, one the secrets of
 * webhooks.
 */
export const RINGS = ['access-tokens', 'refresh-tokens', 'webhooks'] as const;
export type RingName = (typeof RINGS)[number];

/** What has something sealed under a key: a mailbox, or an organization with the address of its webhook. */
export type KeyUser = Pick<Mailbox, 'id' | 'address'>;

/** What a ring's keys are needed for: by key id, what has something sealed under it. */
export type KeyUse = ReadonlyMap<string, readonly KeyUser[]>;

interface Dependencies {
  readonly records: Pick<Records, 'organizations' | 'mailboxes' | 'grants' | 'signIns' | 'notificationSettings'>;
  /** The refresh token of a grant as it rests; undefined where it is not in an envelope. */
  readonly sealedRefreshToken: (grantId: string) => Promise<string | undefined>;
  readonly clock: Clock;
}

/** Goes through all mailboxes. Access tokens and sign-ins that have run out need no key any more. */
export const makeFindKeyUse = ({ records, sealedRefreshToken, clock }: Dependencies) => {
  const sealedForAMoment = async ({ id }: Mailbox): Promise<readonly string[]> => {
    const now = epochSeconds(clock);
    const { tokens } = await records.grants.getWithTokens(id, AUDIENCES);
    const live = tokens.filter((token) => token !== undefined && token.expiresAt > now);
    const open = await records.grants.openSignIn(id);
    const signIn = open && open.expiresAt > now ? await records.signIns.get(open.signInId) : undefined;
    return [
      ...live.map((token) => token?.sealed ?? ''),
      ...(signIn?.state === 'started' ? [signIn.attempt.sealedCodeVerifier] : []),
    ];
  };

  const sealedIn = {
    'access-tokens': sealedForAMoment,
    'refresh-tokens': async ({ id }: Mailbox) => [(await sealedRefreshToken(id)) ?? ''],
  } as const;

  async function* sealedUnder(ring: RingName): AsyncGenerator<readonly [user: KeyUser, sealed: readonly string[]]> {
    if (ring === 'webhooks') {
      for await (const [user, { sealedSecret, former }] of allWebhooks(records)) {
        yield [user, [sealedSecret, former?.sealedSecret ?? '']];
      }
      return;
    }
    for await (const mailbox of allMailboxes(records)) yield [mailbox, await sealedIn[ring](mailbox)];
  }

  return async (ring: RingName): Promise<KeyUse> => {
    const use = new Map<string, KeyUser[]>();
    for await (const [user, sealed] of sealedUnder(ring)) {
      const keyIds = new Set(sealed.map(keyNamedBy));
      for (const keyId of keyIds) if (keyId !== '') use.set(keyId, [...(use.get(keyId) ?? []), user]);
    }
    return use;
  };
};

export type FindKeyUse = ReturnType<typeof makeFindKeyUse>;

/**
 * Takes a new key into use in two steps, so that nothing is ever sealed under a key that another running process does
 * not hold: it is added, and becomes current when every process has had time to take it up. Interrupted, it goes on
 * where it was.
 */
export const makeRotateKey =
  (clock: Clock) =>
  async (custody: KeyCustody, tell: (next: string, waitSeconds: number) => void): Promise<KeyNames> => {
    const { next } = await custody.addNext(epochSeconds(clock));
    if (next === undefined) throw new Error('a key was added, and is not there');
    const waitSeconds = Math.max(0, next.addedAt + custody.uptakeSeconds - epochSeconds(clock));
    tell(next.keyId, waitSeconds);
    await clock.sleep(waitSeconds * 1000);
    return custody.makeCurrent(next.keyId, epochSeconds(clock));
  };

export type RetireRefusal =
  | { readonly why: 'unknown' | 'current' }
  /** It was current until a moment ago; a process may still seal under it. */
  | { readonly why: 'just_replaced'; readonly waitSeconds: number }
  | { readonly why: 'needed'; readonly by: readonly KeyUser[] };

/** Removes a key that nothing needs. `force`: also one that is needed; the answer says by what. */
export const makeRetireKey =
  ({ findKeyUse, clock }: { findKeyUse: FindKeyUse; clock: Clock }) =>
  async (
    ring: RingName,
    custody: KeyCustody,
    { keyId, force }: { keyId: string; force: boolean },
  ): Promise<Result<{ readonly lost: readonly KeyUser[] }, RetireRefusal>> => {
    const { all, current, currentSince } = await custody.names();
    if (!all.includes(keyId)) return fail({ why: 'unknown' });
    if (keyId === current) return fail({ why: 'current' });
    const waitSeconds = currentSince + custody.uptakeSeconds - epochSeconds(clock);
    if (waitSeconds > 0 && !force) return fail({ why: 'just_replaced', waitSeconds });
    const by = (await findKeyUse(ring)).get(keyId) ?? [];
    if (by.length > 0 && !force) return fail({ why: 'needed', by });
    await custody.remove(keyId);
    return ok({ lost: by });
  };

/** Seals what rests under older keys anew at once, by reading it: the vault rewrites it then. Gives how many it read. */
export const makeResealVault =
  ({ records, sealedRefreshToken, vault }: Omit<Dependencies, 'clock'> & { vault: TokenVault }) =>
  async ({ current, all }: KeyNames): Promise<number> => {
    let read = 0;
    for await (const { id } of allMailboxes(records)) {
      const keyId = keyNamedBy((await sealedRefreshToken(id)) ?? '');
      if (keyId === current || !all.includes(keyId)) continue;
      await vault.read(id);
      read++;
    }
    return read;
  };

/** The same for the secrets of webhooks; the former ones of a rotation are left, as they end by themselves. */
export const makeResealWebhooks =
  ({ records }: { readonly records: Pick<Records, 'organizations' | 'notificationSettings'> }) =>
  async ({ current, all }: KeyNames): Promise<number> => {
    const { notificationSettings } = records;
    let sealedAnew = 0;
    for await (const [, { sealedSecret }, scope] of allWebhooks(records)) {
      const keyId = keyNamedBy(sealedSecret);
      if (keyId === current || !all.includes(keyId)) continue;
      const known = await notificationSettings.get(scope);
      if (known.settings.webhook?.sealedSecret !== sealedSecret) continue;
      const secret = await notificationSettings.openSecret(scope, sealedSecret);
      const webhook = {
        ...known.settings.webhook,
        sealedSecret: await notificationSettings.sealSecret(scope, secret),
      };
      if (await notificationSettings.replace(scope, known, { ...known.settings, webhook })) sealedAnew++;
    }
    return sealedAnew;
  };

/** Of every organization, and of the operator. */
async function* allWebhooks({
  organizations,
  notificationSettings,
}: Pick<Records, 'organizations' | 'notificationSettings'>): AsyncGenerator<
  readonly [user: KeyUser, webhook: WebhookSettings, scope: NoticeScope]
> {
  for (const scope of [undefined, ...(await organizations.list()).map(({ id }) => id)]) {
    const { webhook } = (await notificationSettings.get(scope)).settings;
    if (webhook) yield [{ id: scope ?? 'broker', address: webhook.url }, webhook, scope];
  }
}

async function* allMailboxes({
  organizations,
  mailboxes,
}: Pick<Records, 'organizations' | 'mailboxes'>): AsyncGenerator<Mailbox> {
  for (const { id } of await organizations.list()) yield* await mailboxes.list(id);
}
