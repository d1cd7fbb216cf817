import type { Mailbox } from '../../domain/entities.ts';
import type { Clock } from '../../ports/clock.ts';
import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../../ports/token-vault.ts';
import type { Records } from '../../records/index.ts';

/**
 * What became of one mailbox: its token was `moved` now, or there was `nothing` in the source any more. `signed_out`:
 * somebody signs it out while its token is under way, or a sign-out was cut short; a token is left for a person to remove.
 */
export type MoveOutcome = 'moved' | 'nothing' | 'signed_out';

export interface MigrationTally {
  readonly mailboxes: number;
  readonly moved: number;
  readonly nothing: number;
  readonly signedOut: readonly Mailbox[];
  /** Left as they were; the next run tries again. */
  readonly failed: readonly { readonly mailbox: Mailbox; readonly why: string }[];
}

interface Dependencies {
  readonly records: Pick<Records, 'organizations' | 'mailboxes' | 'grants'>;
  readonly from: TokenVault;
  readonly to: TokenVault;
  readonly clock: Clock;
  /** Told after each mailbox. */
  readonly progress?: (tally: MigrationTally) => void;
}

/**
 * Secrets Manager takes 50 writes a second from everybody in the account and region together (facts/aws.md section 1).
 * A mailbox that arrives there costs at most two, so that this leaves more than half to the broker, which must go on
 * refreshing meanwhile. 100,000 mailboxes take under three hours.
 */
export const MAILBOXES_PER_SECOND = 10;

/** So many are under way side by side, for answers that take longer than a tenth of a second. */
const CONCURRENCY = 4;

/** Each turn somebody stored in between, as a refresh or a sign-in may once. */
const MOVE_ATTEMPTS = 5;

/** How long a vault that is busy is left alone, time after time. */
const BUSY_PAUSES_MS = [1_000, 2_000, 4_000, 8_000];

/**
 * Moves every refresh token from one vault to the other. The broker must be running with both (`migratingTokenVault`),
 * and goes on storing into the target meanwhile. A token is deleted in the source only after it, or a newer one, was read
 * back from the target, so that a run may be killed at any moment, and run again.
 */
export const makeMigrateVault = (dependencies: Dependencies) => {
  const { records, from, to, clock, progress } = dependencies;

  const isSignedOut = async (id: string): Promise<boolean> => {
    const { grant } = await records.grants.get(id);
    return grant.state === 'signed_out';
  };

  const move = async ({ id }: Mailbox): Promise<MoveOutcome> => {
    let isMoving = false;
    for (let attempt = 0; attempt < MOVE_ATTEMPTS; attempt++) {
      const source = await from.read(id);
      if (source === undefined) break;
      // A sign-out deletes in both vaults; copying its token now might bring that back.
      if (await isSignedOut(id)) return 'signed_out';
      const target = await to.read(id);
      if (target !== undefined && !isNewer(source, target)) {
        await from.remove(id);
        isMoving = true;
        break;
      }
      isMoving = true;
      await to.store(id, withoutVersion(source), target?.version ?? 'absent');
    }
    if (!isMoving) {
      // What a run that was killed in the middle of a sign-out may have left.
      return (await isSignedOut(id)) && (await to.read(id)) !== undefined ? 'signed_out' : 'nothing';
    }
    if ((await from.read(id)) !== undefined) throw new TokenVaultError('busy', `the token of ${id} keeps changing`);
    if ((await to.read(id)) === undefined) return 'nothing';
    if ((await records.mailboxes.get(id)) !== undefined) return (await isSignedOut(id)) ? 'signed_out' : 'moved';
    // The mailbox was deleted by a person while its token was under way; nobody can sign in to it any more.
    await to.remove(id);
    return 'nothing';
  };

  const moveUnlessBusy = async (mailbox: Mailbox): Promise<MoveOutcome> => {
    for (const pauseMs of BUSY_PAUSES_MS) {
      try {
        return await move(mailbox);
      } catch (error) {
        if (!(error instanceof TokenVaultError) || error.reason !== 'busy') throw error;
        await clock.sleep(pauseMs);
      }
    }
    return move(mailbox);
  };

  return async (): Promise<MigrationTally> => {
    let tally: MigrationTally = { mailboxes: 0, moved: 0, nothing: 0, signedOut: [], failed: [] };
    let nextAt = clock.now();

    const pace = async (): Promise<void> => {
      const startAt = Math.max(nextAt, clock.now());
      nextAt = startAt + 1000 / MAILBOXES_PER_SECOND;
      await clock.sleep(startAt - clock.now());
    };

    const moveOne = async (mailbox: Mailbox): Promise<void> => {
      await pace();
      try {
        const outcome = await moveUnlessBusy(mailbox);
        tally = counted(tally, mailbox, outcome);
      } catch (error) {
        // One mailbox's trouble is named at the end; it must not keep the others from moving.
        if (!(error instanceof TokenVaultError)) throw error;
        tally = { ...counted(tally, mailbox), failed: [...tally.failed, { mailbox, why: error.message }] };
      }
      progress?.(tally);
    };

    for (const organization of await records.organizations.list()) {
      const mailboxes = (await records.mailboxes.list(organization.id)).values();
      const worker = async (): Promise<void> => {
        for (const mailbox of mailboxes) await moveOne(mailbox);
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    }
    return tally;
  };
};

const isNewer = (source: StoredRefreshToken, target: StoredRefreshToken): boolean => source.storedAt > target.storedAt;

const withoutVersion = ({ version: _version, ...tokens }: StoredRefreshToken) => tokens;

const counted = (tally: MigrationTally, mailbox: Mailbox, outcome?: MoveOutcome): MigrationTally => ({
  ...tally,
  mailboxes: tally.mailboxes + 1,
  moved: tally.moved + (outcome === 'moved' ? 1 : 0),
  nothing: tally.nothing + (outcome === 'nothing' ? 1 : 0),
  signedOut: outcome === 'signed_out' ? [...tally.signedOut, mailbox] : tally.signedOut,
});
