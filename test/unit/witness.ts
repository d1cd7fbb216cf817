import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { generationOf, isLive } from '../../shared/domain/grant.ts';
import { fail } from '../../shared/domain/result.ts';
import type { IdentityProvider, ProviderFailure } from '../../shared/ports/identity-provider.ts';
import type { Table, Write } from '../../shared/ports/table.ts';
import { grantFromItem } from '../../shared/records/grants.ts';
import { Crash, type Fuse } from '../fakes/fuse.ts';
import type { ScriptedProvider } from '../fakes/scripted-provider.ts';
import type { World } from './support.ts';

/** What became of a refresh token that the provider retired. */
interface Used {
  readonly successor: string;
  readonly by: Fuse | undefined;
  readonly answerLost: boolean;
}

/** What a sign-in brought, as it was adopted. */
interface Adopted {
  readonly generation: number;
  readonly families: readonly number[];
  /** How many access tokens the provider had given by then. */
  readonly issuedBefore: number;
}

const ANSWER_LOST: ProviderFailure = {
  class: 'retry_later',
  affects: 'provider',
  kind: 'provider_unavailable',
  code: 'network',
  message: 'The connection broke.',
};

const familyOf = (refreshToken: string): number => Number(/family-(\d+)-/.exec(refreshToken)?.[1] ?? -1);

const isDelete = (write: Write): write is Extract<Write, { delete: unknown }> => 'delete' in write;
const isPut = (write: Write): write is Extract<Write, { put: unknown }> => 'put' in write;

/**
 * Sees every call to the provider and every write of the table for one mailbox, and notes what breaks a rule. It knows what no process
 * knows: which tokens the provider has retired, and who died with what in hand.
 */
export const makeWitness = (world: World, mailboxId: string) => {
  const violations: string[] = [];
  const vault = envelopeTokenVault(world.table, world.vaultKeys);
  const used = new Map<string, Used>();
  const durable = new Set<string>();
  /** Sign-ins that the provider will have no more of, and whether a token of them was lost in the one window. */
  const dead = new Set<number>();
  const underWay = new Set<number>();
  const adopted: Adopted[] = [];
  const inVault: { readonly family: number; readonly generation: number }[] = [];
  const issuedBy = new Map<string, number>();
  /** What the provider says to the next calls, whatever they ask; `lost`: it does what is asked, and nobody hears of it. */
  let mood: (ProviderFailure | 'lost')[] = [];
  let windowHits = 0;

  const grantNow = async () => grantFromItem(await world.table.get({ pk: `mailbox#${mailboxId}`, sk: 'grant' })).grant;

  const reused = (refreshToken: string, { successor, by, answerLost }: Used): void => {
    const family = familyOf(refreshToken);
    if (dead.has(family)) return;
    dead.add(family);
    // One of an earlier sign-in, tried because the newer one was refused: nobody counts on it any more.
    if (inVault.at(-1)?.family !== family) return;
    if (!durable.has(successor) && (answerLost || by?.blown)) windowHits++;
    else violations.push(`${refreshToken} was used twice`);
  };

  const refreshBy =
    (inner: IdentityProvider['refresh'], fuse: Fuse | undefined): IdentityProvider['refresh'] =>
    async (request) => {
      if (fuse?.blown) throw new Crash('the process is dead');
      const { refreshToken } = request;
      const family = familyOf(refreshToken);
      if (underWay.has(family)) violations.push(`two calls at once for sign-in ${family}`);
      underWay.add(family);
      const scripted = mood.shift();
      if (scripted !== undefined && scripted !== 'lost') world.microsoft.failNext(scripted);
      const reply = await inner(request).finally(() => underWay.delete(family));
      const earlier = used.get(refreshToken);
      if (!reply.ok) {
        if (reply.error.code === 'invalid_grant' && earlier) reused(refreshToken, earlier);
        return fuse?.blown ? Promise.reject(new Crash('nobody hears the answer')) : reply;
      }
      issuedBy.set(reply.value.accessToken, family);
      const answerLost = scripted === 'lost';
      const { refreshToken: successor } = reply.value;
      if (world.microsoft.rotation === 'strict' && successor)
        used.set(refreshToken, { successor, by: fuse, answerLost });
      if (fuse?.blown) throw new Crash('nobody hears the answer');
      return answerLost ? fail(ANSWER_LOST) : reply;
    };

  const sawWritten = async (write: Write): Promise<void> => {
    if (isDelete(write) && write.delete.pk === `vault#${mailboxId}`) {
      const grant = await grantNow();
      if (isLive(grant) || grant.state === 'invalid')
        violations.push(`the refresh token of a grant ${grant.state} was deleted`);
    }
    if (!isPut(write)) return;
    const { pk, sk } = write.put;
    const stored = pk.endsWith(`#${mailboxId}`) ? await vault.read(mailboxId) : undefined;
    if (pk.startsWith('vault#') && stored) {
      durable.add(stored.refreshToken);
      // Also of a sign-in that dies before it is adopted: its token serves the grant that stands.
      inVault.push({ family: familyOf(stored.refreshToken), generation: generationOf(await grantNow()) });
    }
    if (sk !== 'grant' || write.put.state !== 'unproven') return;
    if (!stored) return void violations.push('a grant was adopted without a refresh token in the vault');
    const { refreshToken, previousRefreshToken = refreshToken } = stored;
    adopted.push({
      generation: generationOf(grantFromItem({ ...write.put }).grant),
      families: [familyOf(refreshToken), familyOf(previousRefreshToken)],
      issuedBefore: world.microsoft.issued.length,
    });
  };

  return {
    violations,
    vault,
    grantNow,
    get windowHits(): number {
      return windowHits;
    },
    setMood: (answers: readonly (ProviderFailure | 'lost')[]): void => {
      mood = [...answers];
    },
    /** The provider's clear word, for all sign-ins so far. */
    revoke(subject: string, families: number): void {
      world.microsoft.revoke(subject);
      for (let family = 0; family < families; family++) dead.add(family);
    },
    isDead: (refreshToken: string): boolean => dead.has(familyOf(refreshToken)),
    /** Whether the provider will have no more of what this sign-in brought, or of one that died half-way and served in its place. */
    hasEnded: (generation: number): boolean =>
      dead.has(adopted.find((one) => one.generation === generation)?.families[0] ?? -1) ||
      inVault.some((one) => one.generation === generation && dead.has(one.family)),
    /** How a process that may die sees the provider. */
    providerFor: (fuse: Fuse | undefined): ScriptedProvider =>
      Object.assign(Object.create(world.microsoft), { refresh: refreshBy(world.microsoft.refresh, fuse) }),
    table: (table: Table): Table => ({
      ...table,
      write: async (one) => {
        const outcome = await table.write(one);
        if (outcome === 'written') await sawWritten(one);
        return outcome;
      },
      writeAll: async (all) => {
        const outcome = await table.writeAll(all);
        if (outcome === 'written') for (const one of all) await sawWritten(one);
        return outcome;
      },
    }),
    /** Whether an access token came of this sign-in or a later one; of the token before it only what was issued since. */
    isOfSignInSince(accessToken: string, generation: number): boolean {
      const family = issuedBy.get(accessToken) ?? -1;
      const index = world.microsoft.issued.findIndex((one) => one.accessToken === accessToken);
      if (inVault.some((one) => one.family === family && one.generation >= generation)) return true;
      return adopted.some(
        ({ generation: of, families: [own, former], issuedBefore }) =>
          of >= generation && (family === own || (family === former && index >= issuedBefore)),
      );
    },
    familiesOf: (generation: number): readonly number[] => [
      ...(adopted.find((one) => one.generation === generation)?.families ?? []),
      ...inVault.filter((one) => one.generation === generation).map(({ family }) => family),
    ],
    familyOf,
  };
};

export type Witness = ReturnType<typeof makeWitness>;
