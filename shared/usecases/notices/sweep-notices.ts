import { isRemindedDaily, type NoticeName, type NoticeScope, scopeOf } from '../../domain/notice.ts';
import { FAILED_SUBMISSION_LISTED_SECONDS, GATHER_SECONDS, REMINDER_SECONDS } from '../../domain/notice-timing.ts';
import { dueShards } from '../../domain/timing.ts';
import type { NoticeWording } from '../../domain/told-notice.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Table } from '../../ports/table.ts';
import type { WebhookSender } from '../../ports/webhook-sender.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import { type DueNotice, dueNoticeOf } from '../../records/notices.ts';
import { makeDeliverByWebhook } from './deliver-notices.ts';
import { makeHandOverNoticeMail } from './hand-over-notice-mail.ts';
import { makeIsStillSo } from './is-still-so.ts';
import { makeMailNotices } from './mail-notices.ts';
import { makeFindNoticeMailbox } from './notice-mailbox.ts';
import { makeNoticeStands } from './notice-stands.ts';
import { makeNotices } from './raise-notice.ts';
import { type Addressee, makeTellNotice } from './tell-notice.ts';

export interface NoticeDependencies {
  readonly table: Table;
  readonly records: Records;
  readonly webhooks: WebhookSender;
  readonly wording: NoticeWording;
  readonly blobs: BlobStore;
  /** That of mail. */
  readonly queue: WorkQueue;
  /** By which mailbox the operator tells where an organization has none that works; undefined: by none. */
  readonly operatorMailboxId: string | undefined;
  /** How long mail waits for more to tell; else `GATHER_SECONDS`. */
  readonly gatherSeconds?: number | undefined;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The oldest of each shard; the rest is still due a minute later. */
const SHARD_BATCH = 250;

/** So many organizations at once: one whose receiver hangs holds up none of the others. */
const AT_ONCE = 10;

/** Nothing is begun with later: a function that runs every minute ends before the next one. */
const BEGUN_WITHIN_SECONDS = 35;

/** What is due for one organization, or for the operator. */
interface DueWork {
  readonly scope: NoticeScope;
  readonly open: NoticeName[];
  readonly events: string[];
  hasMail: boolean;
}

const byScope = (due: readonly DueNotice[]): readonly DueWork[] => {
  const work = new Map<NoticeScope, DueWork>();
  for (const one of due) {
    const scope = one.what === 'open' ? scopeOf(one.name) : one.scope;
    const found = work.get(scope) ?? { scope, open: [], events: [], hasMail: false };
    work.set(scope, found);
    if (one.what === 'open') found.open.push(one.name);
    else if (one.what === 'event') found.events.push(one.id);
    else found.hasMail = true;
  }
  return [...work.values()];
};

/** Everything that telling people takes, run every minute: reminders, webhooks, mail. */
export const makeSweepNotices = (dependencies: NoticeDependencies) => {
  const { table, records, gatherSeconds = GATHER_SECONDS, clock, log } = dependencies;
  const notices = makeNotices(dependencies);
  const stands = makeNoticeStands(dependencies);
  const isStillSo = makeIsStillSo({ ...dependencies, notices, stands });
  const telling = { ...dependencies, isStillSo, tell: makeTellNotice(dependencies) };
  const deliver = makeDeliverByWebhook(telling);
  const mail = makeMailNotices({
    ...telling,
    findMailbox: makeFindNoticeMailbox(dependencies),
    handOver: makeHandOverNoticeMail(telling),
    gatherSeconds,
  });

  const addresseeOf = async (scope: NoticeScope): Promise<Addressee> => {
    const [organization, { settings }] = await Promise.all([
      scope === undefined ? undefined : records.organizations.get(scope),
      records.notificationSettings.get(scope),
    ]);
    return { scope, organization, settings };
  };

  /** A day has passed since it was told: it is mended, or people are reminded. */
  const lookAgain = async (name: NoticeName, { organization }: Addressee): Promise<void> => {
    const record = await records.notices.open(name);
    const now = epochSeconds(clock);
    // The index is late, or another worker has just looked: nobody is reminded twice.
    if (record === undefined || record.lookAt > now) return;
    const { notice, since } = record.open;
    const standing = await stands(notice);
    if (
      standing === 'moot' ||
      (notice.kind === 'submission.failed' &&
        (standing === 'mended' || now - since >= FAILED_SUBMISSION_LISTED_SECONDS))
    ) {
      return notices.drop(name);
    }
    if (standing === 'mended') return notices.settle(name);
    // Whom the operator has suspended cannot sign in, and need not be told so every day.
    if (isRemindedDaily(notice) && organization?.enabled !== false) await notices.remind(record);
    else await records.notices.postpone(record, now + REMINDER_SECONDS);
  };

  /** In the order in which it happened. Where the receiver fails, what is left waits for the next sweep. */
  const post = async (to: Addressee, events: readonly string[], until: number): Promise<void> => {
    for (const id of [...events].sort()) {
      if (epochSeconds(clock) >= until || (await deliver(to, id)) === 'failed') return;
    }
  };

  /** What was to be told, before what is to be told again takes its place. */
  const workThrough = async ({ scope, open, events, hasMail }: DueWork, until: number): Promise<void> => {
    const to = await addresseeOf(scope);
    if (hasMail) await mail(to);
    await post(to, events, until);
    for (const name of open) await lookAgain(name, to);
  };

  /** How many organizations were told something, or looked at. */
  return async (): Promise<number> => {
    const now = epochSeconds(clock);
    const found = await Promise.all(dueShards('notice').map((shard) => table.due(shard, now, SHARD_BATCH)));
    const due = found.flat().sort((a, b) => a.dueAt - b.dueAt);
    const work = [...byScope(due.map(dueNoticeOf).filter((one) => one !== undefined))];
    const count = work.length;
    const until = now + BEGUN_WITHIN_SECONDS;
    const worker = async (): Promise<void> => {
      for (let next = work.shift(); next; next = work.shift()) {
        if (epochSeconds(clock) >= until) return;
        const { scope } = next;
        await workThrough(next, until).catch((error: unknown) => {
          log.error('notices.failed', { organization_id: scope, error: String(error) });
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return count;
  };
};
