import { givenUp, judge, takenOver } from '../../domain/delivery.ts';
import type { ServedMailbox } from '../../domain/gateway.ts';
import {
  isStopped,
  MAILBOX_LIMITS,
  type MailboxLimits,
  type Outbox,
  type Route,
  routeOf,
} from '../../domain/outbox.ts';
import { fail } from '../../domain/result.ts';
import { hasReachedAll } from '../../domain/retention.ts';
import {
  type AttemptFailure,
  type AttemptOutcome,
  blobKeyOf,
  claimableAt,
  concluded,
  isAbandoned,
  isOver,
  type Submission,
} from '../../domain/submission.ts';
import { SENDING_SECONDS } from '../../domain/timing.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { OutboxRecords } from '../../records/outboxes.ts';
import type { SubmissionRecord, SubmissionRecords } from '../../records/submissions.ts';
import { makeChangeOutbox, type OutboxChange } from './change-outbox.ts';
import type { Courier, Errand, OpenCourier } from './courier.ts';
import type { MailboxPace } from './mailbox-pace.ts';
import type { ReportDelivery } from './report-delivery.ts';

/** No attempt begins later in one run: with the nine minutes that it may take, it ends before a Lambda function must. */
const RUN_SECONDS = 300;

/** A wait for the mailbox's pace that is worth a worker's time; after a longer one the sweep calls again. */
const SHORT_WAIT_MS = 2_000;

const attempted = (submission: Submission): Submission => ({ ...submission, attempts: submission.attempts + 1 });

/** One worker's turn at one mailbox. */
interface Run {
  readonly mailboxId: string;
  /** Undefined: it was removed. */
  readonly mailbox: ServedMailbox | undefined;
  readonly pace: MailboxPace;
  readonly courier: Courier | undefined;
  readonly outbox: OutboxChange;
  /** Epoch seconds. */
  readonly endsAt: number;
}

/** What to do after a message was looked at. `dueAt`: when it, or all that is left, is to be looked at again. */
type Next =
  | { readonly go: 'on'; readonly dueAt?: number }
  | { readonly go: 'rest'; readonly dueAt: number }
  /** Another worker has this mailbox in hand, and sees to what is left. */
  | { readonly go: 'leave' };

/** Where the mail of mailboxes waits: with the broker, or at a gateway. */
export interface OutboxStore {
  readonly submissions: Pick<SubmissionRecords, 'get' | 'replace'>;
  readonly outboxes: Pick<OutboxRecords, 'get' | 'replace' | 'pending'>;
  readonly mailboxes: { get(id: string): Promise<ServedMailbox | undefined> };
}

/** A share in what a mailbox may do, for one turn at it. */
export type OpenPace = (mailboxId: string, limits: MailboxLimits) => MailboxPace;

export interface SendOutboxOptions {
  readonly records: OutboxStore;
  readonly blobs: Pick<BlobStore, 'delete'>;
  readonly openCourier: OpenCourier;
  readonly openPace: OpenPace;
  readonly report: ReportDelivery;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Sends what waits in a mailbox's outbox: oldest first, over one connection, at the provider's pace, until nothing is left
 * that can be sent now. Safe to call at any time, and from any number of workers.
 */
export const makeSendOutbox = (options: SendOutboxOptions) => {
  const { records, blobs, openCourier, openPace, report, clock, random, log } = options;
  const { submissions, outboxes } = records;
  const changeOutbox = makeChangeOutbox({ outboxes, clock });

  const permitSoon = async ({ pace, endsAt }: Run): ReturnType<MailboxPace['permit']> => {
    for (;;) {
      const permit = await pace.permit();
      if (permit.granted || permit.why === 'busy' || permit.waitMs > SHORT_WAIT_MS) return permit;
      if (epochSeconds(clock) >= endsAt) return permit;
      await clock.sleep(permit.waitMs);
    }
  };

  /** False: somebody else has changed it, and knows more. */
  const write = async (record: SubmissionRecord, after: Submission): Promise<boolean> => {
    await report.foretell(after);
    if (!(await submissions.replace(record, after, epochSeconds(clock)))) return false;
    await report.submission(after);
    if (hasReachedAll(after)) await blobs.delete(blobKeyOf(after.id));
    return true;
  };

  const claim = async (record: SubmissionRecord): Promise<SubmissionRecord | undefined> => {
    const now = epochSeconds(clock);
    const status = { state: 'sending', until: now + SENDING_SECONDS } as const;
    const submission = { ...attempted(record.submission), status };
    const claimed = await submissions.replace(record, submission, now);
    return claimed ? { submission, revision: record.revision + 1 } : undefined;
  };

  /** An errand without a claim is not run: what it has opened is closed. */
  const claimFor = async (errand: Errand, record: SubmissionRecord): Promise<SubmissionRecord | undefined> => {
    let claimed: SubmissionRecord | undefined;
    try {
      claimed = await claim(record);
    } finally {
      if (claimed === undefined) errand.drop();
    }
    return claimed;
  };

  /** What is to be done with a message without trying it; undefined: it can be tried now. */
  const withoutTry = async (run: Run, record: SubmissionRecord, now: number): Promise<Next | undefined> => {
    const { submission } = record;
    const { mailbox, outbox, endsAt } = run;
    const { stop } = outbox.current;
    const removed: Submission = { ...submission, lastResponse: 'The mailbox was removed.' };
    const lost = mailbox ? givenUp(submission, outbox.current, now) : concluded(removed, 'slot_not_bound', now);
    if (lost) {
      await write(record, lost);
      return { go: 'on' };
    }
    if (claimableAt(submission) > now) return { go: 'on', dueAt: claimableAt(submission) };
    if (stop && isStopped(outbox.current, now)) return { go: 'rest', dueAt: stop.until };
    return now >= endsAt ? { go: 'rest', dueAt: now } : undefined;
  };

  /** What is thrown is a fault of the broker's own stores, which passes, or a bug: no message is given up for it. */
  const prepare = async (courier: Courier, submission: Submission, route: Route, newToken: boolean) => {
    try {
      return await courier.prepare(submission, route, newToken);
    } catch (error) {
      log.error('submission.not_prepared', { submission_id: submission.id, error: String(error) });
      const response = 'The broker could not read what it needs to send this message.';
      return fail<AttemptFailure>({ outcome: 'deferred', reason: 'internal', response, mailboxWide: true });
    }
  };

  const send = async (errand: Errand, { id }: Submission): Promise<AttemptOutcome> => {
    try {
      return await errand.send();
    } catch (error) {
      log.error('submission.not_sent', { submission_id: id, error: String(error) });
      return { outcome: 'unknown', response: 'The broker failed while it was sending this message.' };
    }
  };

  /** Undefined: somebody else was faster. The message is claimed last, so that a claim left behind means that it may be out. */
  const tryOnce = async (
    run: Run,
    mailbox: ServedMailbox,
    courier: Courier,
    record: SubmissionRecord,
    newToken: boolean,
  ) => {
    const { outbox, pace } = run;
    const before: Outbox = outbox.current;
    const choice = mailbox.route;
    const route = routeOf(choice, before, epochSeconds(clock));
    const prepared = await prepare(courier, record.submission, route, newToken);
    const tried = prepared.ok ? await claimFor(prepared.value, record) : record;
    if (tried === undefined) {
      pace.ended(false);
      return undefined;
    }
    const outcome = prepared.ok ? await send(prepared.value, tried.submission) : prepared.error;
    // What did not get as far as the message is no message to the provider.
    pace.ended(prepared.ok && outcome.outcome !== 'held' && !('mailboxWide' in outcome));
    const circumstances = { outbox: before, route, choice, withNewToken: newToken, random: random.fraction() };
    const counted = prepared.ok ? tried.submission : attempted(tried.submission);
    const verdict = judge(counted, outcome, { ...circumstances, now: epochSeconds(clock) });
    if (!(await write(tried, verdict.submission))) {
      log.error('submission.claim_lost', { submission_id: counted.id, outcome: outcome.outcome });
    }
    if (await outbox.change(verdict.outbox)) await report.outbox(run.mailboxId, before, verdict.outbox);
    return { verdict, newTokenWanted: outcome.outcome === 'held' && verdict.go === 'again' && !newToken };
  };

  const deal = async (run: Run, id: string): Promise<Next> => {
    let newToken = false;
    for (;;) {
      const record = await submissions.get(id);
      if (record === undefined || isOver(record.submission)) return { go: 'on' };
      const now = epochSeconds(clock);
      if (isAbandoned(record.submission, now)) {
        await write(record, takenOver(record.submission, now));
        continue;
      }
      const next = await withoutTry(run, record, now);
      if (next || !run.mailbox || !run.courier) return next ?? { go: 'on' };
      const permit = await permitSoon(run);
      if (!permit.granted) {
        return permit.why === 'busy' ? { go: 'leave' } : { go: 'rest', dueAt: now + Math.ceil(permit.waitMs / 1000) };
      }
      const tried = await tryOnce(run, run.mailbox, run.courier, record, newToken);
      if (tried === undefined) continue;
      const { verdict } = tried;
      newToken = tried.newTokenWanted;
      if (verdict.go === 'again') continue;
      const { submission, outbox } = verdict;
      if (verdict.go === 'rest') return { go: 'rest', dueAt: outbox.stop?.until ?? now };
      return isOver(submission) ? { go: 'on' } : { go: 'on', dueAt: claimableAt(submission) };
    }
  };

  /** Once through all that waits. Undefined: nothing does any more. */
  const passThrough = async (run: Run): Promise<number | undefined | 'leave'> => {
    let dueAt: number | undefined;
    const notLaterThan = (at: number | undefined): number | undefined =>
      at === undefined ? dueAt : Math.min(at, dueAt ?? at);
    let page = await outboxes.pending(run.mailboxId);
    while (page.length > 0) {
      for (const id of page) {
        const next = await deal(run, id);
        if (next.go === 'leave') return 'leave';
        dueAt = notLaterThan(next.dueAt);
        if (next.go === 'rest') return dueAt;
      }
      page = await outboxes.pending(run.mailboxId, page.at(-1));
    }
    return dueAt;
  };

  const letGo = async ({ courier, pace }: Run): Promise<void> => {
    await courier?.close();
    await pace.release();
  };

  const sendAll = async (run: Run): Promise<void> => {
    for (;;) {
      await run.outbox.look();
      const dueAt = await passThrough(run);
      if (dueAt === 'leave') return;
      // What was put in, or mended, since that look is looked at as well.
      if (!(await run.outbox.isAsLooked())) continue;
      // First: of an outbox in which nothing waits any more nobody would find out that a dead worker still holds it.
      await letGo(run);
      if (await run.outbox.settle(dueAt)) return;
    }
  };

  return async (mailboxId: string): Promise<void> => {
    const mailbox = await records.mailboxes.get(mailboxId);
    const limits = MAILBOX_LIMITS[mailbox?.provider ?? 'microsoft'];
    const run: Run = {
      mailboxId,
      mailbox,
      pace: openPace(mailboxId, limits),
      courier: mailbox && openCourier(mailbox),
      outbox: changeOutbox(mailboxId),
      endsAt: epochSeconds(clock) + RUN_SECONDS,
    };
    try {
      await sendAll(run);
    } finally {
      await letGo(run);
    }
  };
};
