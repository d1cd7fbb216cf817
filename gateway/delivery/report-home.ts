import type { BrokerError } from '../../shared/domain/errors.ts';
import type { GatewayState, GatewayWay } from '../../shared/domain/gateway.ts';
import { triedNow } from '../../shared/domain/outbox.ts';
import { hasReachedAll, keptUntil } from '../../shared/domain/retention.ts';
import { isOver, type Submission } from '../../shared/domain/submission.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { GatewayLink, GatewayReport } from '../../shared/ports/gateway-link.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { SpoolEntry } from '../spool/entry.ts';
import type { Spool } from '../spool/spool.ts';
import type { BrokerContact } from '../status/status.ts';

/** In one report; the rest follows at once. */
const BATCH = 100;

export interface ReportHomeOptions {
  readonly spool: Spool;
  readonly link: Pick<GatewayLink, 'report'>;
  readonly way: () => GatewayWay;
  readonly wake: (mailboxId: string) => void;
  /** In seconds: how long what has failed is kept for somebody to send it again. */
  readonly retention: () => number;
  /** And how much of it. */
  readonly mayKeep: () => { readonly messages: number; readonly bytes: number };
  readonly version: string;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tells the broker what became of mail, hears from it which mailboxes were signed in anew, and lets go of what is done with. To be
 * called now and then; nothing is lost while the broker cannot be reached.
 */
export const makeReportHome = ({
  spool,
  link,
  way,
  wake,
  retention,
  mayKeep,
  version,
  startedAt,
  clock,
  log,
}: ReportHomeOptions) => {
  /** Revisions that the broker knows, and what keeps each mailbox's mail, as it was last told. */
  const told = new Map<string, string>();
  const toldOutboxes = new Map<string, string>();
  /** The last sign-in that was heard of, by its time at the broker, whose clock need not agree with this one. */
  const heard = new Map<string, number>();
  let contact: BrokerContact = { state: 'unknown' };

  /** What has gone through the relay, the relay tells of. Whoever heard of a message hears what became of it. */
  const isTold = ({ id, status }: Submission): boolean =>
    way() === 'direct' || status.state === 'failed' || told.has(id);

  const stopOf = (mailboxId: string) => spool.outboxes.all().get(mailboxId)?.outbox.stop;
  const stampOf = ({ submission, revision }: SpoolEntry): string =>
    JSON.stringify([revision, isOver(submission) ? null : (stopOf(submission.mailboxId) ?? null)]);

  const untold = (): readonly SpoolEntry[] =>
    spool.entries().filter((entry) => isTold(entry.submission) && told.get(entry.submission.id) !== stampOf(entry));

  const stateNow = (): GatewayState => {
    const waiting = spool.entries().filter(({ submission }) => !isOver(submission));
    const now = epochSeconds(clock);
    const oldestSeconds = waiting.reduce((age, { submission }) => Math.max(age, now - submission.acceptedAt), 0);
    return { version, startedAt, way: way(), queued: waiting.length, oldestSeconds };
  };

  const changedOutboxes = (): GatewayReport['outboxes'] =>
    [...spool.outboxes.all()]
      .filter(([mailboxId, { outbox }]) => (toldOutboxes.get(mailboxId) ?? '{}') !== JSON.stringify(outbox))
      .map(([mailboxId, { outbox }]) => ({ mailboxId, outbox }));

  /**
   * What nobody needs any more: told of, and arrived, or kept for long enough. What has failed is kept for a person who may never
   * come: it takes half the spool at the most, lest one device that is set up wrongly leave no room for the others.
   */
  const letGo = async (): Promise<void> => {
    const now = epochSeconds(clock);
    const failed: SpoolEntry[] = [];
    for (const { submission: listed } of spool.entries()) {
      // While others went, somebody may have had it sent again.
      const entry = spool.entry(listed.id);
      const until = entry && keptUntil(entry.submission, retention());
      if (entry === undefined || until === undefined) continue;
      const { submission } = entry;
      const isKnown = !isTold(submission) || told.get(submission.id) === stampOf(entry);
      const isOfUse = !hasReachedAll(submission) && spool.contentBytes(submission.id) > 0 && now < until;
      if (isKnown && !isOfUse) await spool.forget(submission.id);
      else if (isKnown) failed.push(entry);
    }
    const { messages, bytes } = mayKeep();
    let keptBytes = failed.reduce((sum, { submission }) => sum + spool.contentBytes(submission.id), 0);
    while (failed.length > messages || keptBytes > bytes) {
      const oldest = failed.shift();
      if (oldest === undefined) break;
      keptBytes -= spool.contentBytes(oldest.submission.id);
      // Unless somebody has it sent again just now.
      if (spool.entry(oldest.submission.id) === oldest) await spool.forget(oldest.submission.id);
    }
    for (const id of told.keys()) if (spool.entry(id) === undefined) told.delete(id);
  };

  const tryNow = async (mailboxId: string): Promise<void> => {
    await spool.outboxes.change(mailboxId, (outbox) => triedNow(outbox, epochSeconds(clock)));
    wake(mailboxId);
  };

  const isNewSignIn = (mailboxId: string, at: number, since: number): boolean => {
    const before = heard.get(mailboxId);
    return before === undefined ? at > since : at !== before;
  };

  /** A pause that came of the broker's absence is over with it; a hold, once somebody has signed in since: once for each time. */
  const resume = async (signedInAt: Readonly<Record<string, number>>): Promise<void> => {
    const tryingNow = new Set<string>();
    for (const [mailboxId, { outbox }] of spool.outboxes.all()) {
      const { stop } = outbox;
      if (stop === undefined) continue;
      if (stop.until <= epochSeconds(clock)) {
        tryingNow.add(mailboxId);
        continue;
      }
      const isForBroker = stop.reason === 'broker_unreachable';
      const at = signedInAt[mailboxId];
      const isSignedIn = stop.cause === 'hold' && at !== undefined && isNewSignIn(mailboxId, at, stop.since);
      if (isForBroker || isSignedIn) await tryNow(mailboxId);
    }
    for (const [mailboxId, at] of Object.entries(signedInAt)) {
      // What is being tried just now may have begun before that sign-in.
      if (!tryingNow.has(mailboxId)) heard.set(mailboxId, at);
    }
  };

  const notice = (error: BrokerError | undefined): void => {
    const isReachable = error?.kind !== 'broker_unreachable';
    if (isReachable === (contact.state === 'reachable') && contact.state !== 'unknown') return;
    const since = epochSeconds(clock);
    const detail = error?.detail === undefined ? {} : { detail: error.detail };
    contact = isReachable ? { state: 'reachable', since } : { state: 'unreachable', since, ...detail };
    if (isReachable) log.info('broker.reached');
    else log.warn('broker.unreachable', detail);
  };

  /**
   * A report that the broker cannot make sense of: half of it is told, and so on down to the one message that it is for, which is
   * not told then, lest it keep all others back.
   */
  const refused = (error: BrokerError, entries: readonly SpoolEntry[]): boolean => {
    const [entry] = entries;
    log.error('report.refused', { reason: error.kind, detail: error.detail, submissions: entries.length });
    if (error.kind !== 'invalid_request' || entry === undefined) return true;
    if (entries.length === 1) told.set(entry.submission.id, stampOf(entry));
    batch = Math.max(1, Math.floor(entries.length / 2));
    return false;
  };

  let batch = BATCH;

  /** False: there is more to tell. */
  const once = async (): Promise<boolean> => {
    const entries = untold().slice(0, batch);
    const outboxes = changedOutboxes();
    const stamps = entries.map(stampOf);
    const waiting = [
      ...new Set(spool.entries().flatMap(({ submission }) => (isOver(submission) ? [] : [submission.mailboxId]))),
    ];
    const submissions = entries.map(({ submission }) => ({ submission, stop: stopOf(submission.mailboxId) }));
    const answer = await link.report({ submissions, outboxes, waiting, state: stateNow() });
    notice(answer.ok ? undefined : answer.error);
    if (!answer.ok) return answer.error.kind === 'broker_unreachable' || refused(answer.error, entries);
    for (const [index, { submission }] of entries.entries()) told.set(submission.id, stamps[index] ?? '');
    for (const { mailboxId, outbox } of outboxes) toldOutboxes.set(mailboxId, JSON.stringify(outbox));
    await resume(answer.value.signedInAt);
    await letGo();
    const isAll = entries.length < batch;
    batch = BATCH;
    return isAll;
  };

  let current: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    while (!(await once())) {
      // The next batch.
    }
  };

  return {
    /** Who calls while one is under way waits for that. */
    report(): Promise<void> {
      current ??= run().finally(() => {
        current = undefined;
      });
      return current;
    },
    tryNow,
    broker: (): BrokerContact => contact,
  };
};

export type ReportHome = ReturnType<typeof makeReportHome>;
