import { timeSortedId } from '../../../shared/domain/identifiers.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { planRefresh } from '../../../shared/domain/refresh-plan.ts';
import { isStoreDue } from '../../../shared/domain/store-budget.ts';
import {
  DEFAULT_MIN_TTL_SECONDS,
  dueShardOf,
  livesLongEnough,
  RESTORED_AFTER_SECONDS,
  RESTORED_SOONER_SECONDS,
  renewAheadAt,
  renewAt,
  USE_RECORDED_EVERY_SECONDS,
} from '../../../shared/domain/timing.ts';
import { MAILBOXES_PER_SECOND } from '../../../shared/usecases/grants/migrate-vault.ts';
import type { Chance } from './chance.ts';
import { dueCalendar } from './due-calendar.ts';
import type { Tally } from './tally.ts';
import { ALERTS_ONLY_SHARE, ALERTS_PER_DAY, DAY_SECONDS, GOOGLE_SHARE, HOUR_SECONDS, TOKEN_LIFE } from './usage.ts';

/** The age at which the first of tokens that came together are stored again. */
const YOUNGEST_RESTORED_SECONDS = RESTORED_AFTER_SECONDS - RESTORED_SOONER_SECONDS;

/** Of all audiences the only one that a scanner needs. */
const AUDIENCE = 'smtp';

/** A grant's times, epoch seconds, lie side by side: of a million, what is not is fetched from far away, time and again. */
const [ISSUED, EXPIRES, PROVEN, USED, FETCHED, STORED, TIMES] = [0, 1, 2, 3, 4, 5, 8];

/** What `planRefresh` is asked about: one object for all, as it is asked a billion times. */
interface Facts {
  mailboxId: string;
  readonly lastUsedAt: { smtp: number };
  readonly tokens: { smtp: { issuedAt: number; expiresAt: number } };
  provenAt: number | undefined;
  readonly retryAt: undefined;
}

/**
 * A fleet's grants as the table would hold them, in arrays. What happens to one is decided by the functions that the broker
 * itself decides by; around them stand the few lines of the use cases that they are called from (`fetchToken`,
 * `acquireAccessToken`, `maintainGrant`, `refreshGrant`), and a test compares the whole with the broker.
 */
export const makeFleet = (
  {
    mailboxes,
    shards,
    start,
  }: { readonly mailboxes: number; readonly shards: readonly string[]; readonly start: number },
  chance: Chance,
  tally: Tally,
) => {
  const shardNumbers = new Map(shards.map((shard, index) => [shard, index]));
  const calendar = dueCalendar(mailboxes, shards.length, start);
  const ids: string[] = [];
  const shardOf = new Uint8Array(mailboxes);
  const isGoogle = new Uint8Array(mailboxes);
  const times = new Float64Array(mailboxes * TIMES);
  const token = { issuedAt: 0, expiresAt: 0 };
  const facts: Facts = {
    mailboxId: '',
    lastUsedAt: { smtp: 0 },
    tokens: { smtp: token },
    provenAt: undefined,
    retryAt: undefined,
  };
  /** Those that send alerts alone come last. */
  const scanning = mailboxes - Math.round(mailboxes * ALERTS_ONLY_SHARE);

  const providerOf = (grant: number): ProviderName => (isGoogle[grant] === 1 ? 'google' : 'microsoft');
  const timeOf = (grant: number, which: number): number => times[grant * TIMES + which] ?? 0;
  const idOf = (grant: number): string => ids[grant] ?? '';

  const planOf = (grant: number, at: number) => {
    facts.mailboxId = idOf(grant);
    facts.lastUsedAt.smtp = timeOf(grant, USED);
    token.issuedAt = timeOf(grant, ISSUED);
    token.expiresAt = timeOf(grant, EXPIRES);
    facts.provenAt = timeOf(grant, PROVEN);
    return planRefresh(facts, at);
  };

  const putDue = (grant: number, dueAt: number): void => calendar.put(grant, shardOf[grant] ?? 0, dueAt);

  /** As `refreshGrant`: one call to the provider, perhaps a store in the vault, and a new due time. */
  const refresh = (grant: number, at: number): void => {
    const provider = providerOf(grant);
    const { shortest, longest } = TOKEN_LIFE[provider];
    times[grant * TIMES + ISSUED] = at;
    times[grant * TIMES + EXPIRES] = at + shortest + chance.whole(longest - shortest + 1);
    times[grant * TIMES + PROVEN] = at;
    // Google sends no other refresh token; Entra always does, and lets the former one live.
    const isStored =
      provider === 'microsoft' &&
      isStoreDue({ grantId: idOf(grant), formerStaysValid: true, storedAt: timeOf(grant, STORED) }, at);
    if (isStored) times[grant * TIMES + STORED] = at;
    tally.refreshed(provider, isStored, at);
    const plan = planOf(grant, at);
    putDue(grant, plan.refresh.length > 0 ? at : plan.nextDueAt);
  };

  /** As `recordUse` of `fetchToken`, which knows the token that it found at first. */
  const noteUse = (grant: number, at: number, found: { issuedAt: number; expiresAt: number }): void => {
    if (at - timeOf(grant, FETCHED) < USE_RECORDED_EVERY_SECONDS) return;
    times[grant * TIMES + FETCHED] = at;
    times[grant * TIMES + USED] = at;
    const dueAt = Math.max(at, renewAheadAt(found, idOf(grant)));
    if (calendar.dueAt(grant) > dueAt) putDue(grant, dueAt);
    tally.used(at);
  };

  for (let grant = 0; grant < mailboxes; grant++) {
    // Through a buffer: joined letter by letter, each id would be a tree of strings.
    ids.push(Buffer.from(timeSortedId('mbx', start * 1000 - grant, chance.bytes), 'latin1').toString('latin1'));
    isGoogle[grant] = chance.fraction() < GOOGLE_SHARE ? 1 : 0;
    shardOf[grant] = shardNumbers.get(dueShardOf(`grant-${providerOf(grant)}`, idOf(grant))) ?? 0;
    // A migration brought the refresh tokens as fast as it may; they come of age from the second day on.
    times[grant * TIMES + STORED] = start + DAY_SECONDS - YOUNGEST_RESTORED_SECONDS + grant / MAILBOXES_PER_SECOND;
    // Nothing ran since yesterday: not one token is alive, and everything is due.
    times[grant * TIMES + ISSUED] = start - DAY_SECONDS;
    times[grant * TIMES + EXPIRES] = start - DAY_SECONDS + HOUR_SECONDS;
    times[grant * TIMES + PROVEN] = start - DAY_SECONDS;
    const idle = grant < scanning ? 0 : (-Math.log(1 - chance.fraction()) * DAY_SECONDS) / ALERTS_PER_DAY;
    times[grant * TIMES + USED] = start - DAY_SECONDS - idle;
    putDue(grant, start - chance.whole(DAY_SECONDS));
  }

  return {
    scanning,
    alerting: mailboxes - scanning,
    idOf,
    /** What the sweep finds in the due index. */
    due: calendar.find,
    /** It is in the queue: until it has been worked on, it is not looked for. */
    leaveIndex: calendar.remove,
    /** Whether the sweep has left something behind. */
    isBehind: (at: number): boolean => shards.some((_, shard) => calendar.find(shard, at, 1).length > 0),

    /** As `fetchToken`. Gives whether a refresh in the background is asked for. */
    fetch(grant: number, at: number): boolean {
      const found = { issuedAt: timeOf(grant, ISSUED), expiresAt: timeOf(grant, EXPIRES) };
      const isFresh = livesLongEnough(found, DEFAULT_MIN_TTL_SECONDS, at);
      const isAsked = isFresh && at >= renewAt(found);
      tally.fetched(!isFresh, at);
      if (!isFresh) refresh(grant, at);
      noteUse(grant, at, found);
      return isAsked;
    },

    /** As `maintainGrant`. */
    maintain(grant: number, at: number): void {
      const plan = planOf(grant, at);
      for (const audience of plan.refresh) if (audience === AUDIENCE) refresh(grant, at);
      if (plan.refresh.length > 0) return;
      putDue(grant, plan.nextDueAt);
      tally.postponed(at);
    },
  };
};

export type Fleet = ReturnType<typeof makeFleet>;
