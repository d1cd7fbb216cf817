import type { Mailbox } from '../domain/entities.ts';
import { AUDIENCES } from '../domain/provider.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { KeyCustody, KeyNames } from '../ports/key-custody.ts';
import { keyNamedBy } from '../ports/key-ring.ts';
import type { TokenVault } from '../ports/token-vault.ts';
import type { Records } from '../records/index.ts';

/** The two rings: one seals access tokens and sign-ins under way, the other the refresh tokens of the envelope vault. */
export const RINGS = ['access-tokens', 'refresh-tokens'] as const;
export type RingName = (typeof RINGS)[number];

/** What a ring's keys are needed for: by key id, the mailboxes with something sealed under it. */
export type KeyUse = ReadonlyMap<string, readonly Mailbox[]>;

interface Dependencies {
  readonly records: Pick<Records, 'organizations' | 'mailboxes' | 'grants' | 'signIns'>;
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

  const sealedIn: Record<RingName, (mailbox: Mailbox) => Promise<readonly string[]>> = {
    'access-tokens': sealedForAMoment,
    'refresh-tokens': async ({ id }) => [(await sealedRefreshToken(id)) ?? ''],
  };

  return async (ring: RingName): Promise<KeyUse> => {
    const use = new Map<string, Mailbox[]>();
    for await (const mailbox of allMailboxes(records)) {
      const keyIds = new Set((await sealedIn[ring](mailbox)).map(keyNamedBy));
      for (const keyId of keyIds) if (keyId !== '') use.set(keyId, [...(use.get(keyId) ?? []), mailbox]);
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
  | { readonly why: 'needed'; readonly by: readonly Mailbox[] };

/** Removes a key that nothing needs. `force`: also one that is needed; the answer says by which mailboxes. */
export const makeRetireKey =
  ({ findKeyUse, clock }: { findKeyUse: FindKeyUse; clock: Clock }) =>
  async (
    ring: RingName,
    custody: KeyCustody,
    { keyId, force }: { keyId: string; force: boolean },
  ): Promise<Result<{ readonly lost: readonly Mailbox[] }, RetireRefusal>> => {
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

async function* allMailboxes({ organizations, mailboxes }: Dependencies['records']): AsyncGenerator<Mailbox> {
  for (const { id } of await organizations.list()) yield* await mailboxes.list(id);
}
