import type { Mailbox } from '../../domain/entities.ts';
import { timeSortedId } from '../../domain/identifiers.ts';
import {
  CHANNELS,
  type Channel,
  type Delivery,
  heardBy,
  isNearer,
  type Notice,
  type NoticeEvent,
  type NoticeName,
  type NoticePhase,
  type OpenNotice,
  scopeOf,
} from '../../domain/notice.ts';
import { REMINDER_SECONDS } from '../../domain/notice-timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Notices } from '../../ports/notices.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import type { NoticeEventRecord, OpenNoticeRecord } from '../../records/notices.ts';
import { newId } from '../secrets.ts';

interface Dependencies {
  readonly records: Pick<Records, 'notices'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A worker that tells, one that raises and one that settles may meet; after that something is wrong. */
const WRITE_ATTEMPTS = 5;

/** Where somebody has heard of it: an earlier telling, or its newest. */
const heardOf = ({ open }: OpenNoticeRecord, newest: NoticeEventRecord | undefined): readonly Channel[] => {
  const channels = newest ? heardBy(newest.event) : [];
  return [...new Set([...open.heardBy, ...channels])];
};

/** Makes tellings; nothing of it is stored. */
export const makeNewEvent =
  ({ clock, random }: Pick<Dependencies, 'clock' | 'random'>) =>
  (phase: NoticePhase, of: NoticeEvent['of'], channels: readonly Channel[] = CHANNELS): NoticeEvent => {
    const at = epochSeconds(clock);
    const delivery = (channel: Channel): Delivery =>
      channels.includes(channel) ? { state: 'pending', at, attempts: 0 } : { state: 'not_wanted' };
    return {
      id: timeSortedId('evt', clock.now(), random.bytes),
      phase,
      at,
      webhook: delivery('webhook'),
      mail: delivery('mail'),
      ...(of === undefined ? {} : { of }),
    };
  };

/** Notes down what people are to be told of. Whatever raises a notice tells nobody itself, so it waits for nobody. */
export const makeNotices = ({ records: { notices }, clock, random, log }: Dependencies) => {
  const newEvent = makeNewEvent({ clock, random });
  const tomorrow = (): number => epochSeconds(clock) + REMINDER_SECONDS;

  const newestOf = ({ open }: OpenNoticeRecord): Promise<NoticeEventRecord | undefined> =>
    notices.event(scopeOf(open.notice), open.eventId);

  const begin = async (notice: Notice): Promise<boolean> => {
    const of = { id: newId('ntc', random), notice, since: epochSeconds(clock), reminders: 0 };
    const event = newEvent('raised', of);
    if (!(await notices.begin({ ...of, eventId: event.id, heardBy: [] }, event, tomorrow()))) return false;
    log.warn('notice.raised', { notice_id: of.id, kind: notice.kind, subject: notice.subject });
    return true;
  };

  /** In the place of the telling before, which need no longer be brought to anybody. */
  const tellAgain = async (record: OpenNoticeRecord, notice: Notice, reminders: number): Promise<boolean> => {
    const newest = await newestOf(record);
    const { id, since } = record.open;
    const of = { id, since, notice, reminders };
    const event = newEvent('reminder', of);
    const open: OpenNotice = { ...of, eventId: event.id, heardBy: heardOf(record, newest) };
    return notices.tellAgain(record, open, event, newest, tomorrow());
  };

  const raiseOnce = async (notice: Notice): Promise<boolean> => {
    const record = await notices.open(notice);
    if (record === undefined) return begin(notice);
    return !isNearer(record.open.notice, notice) || tellAgain(record, notice, record.open.reminders);
  };

  /** `resolution`: whether who has heard of it is told that it is over. */
  const closeOnce = async (name: NoticeName, resolution: 'told' | 'silent'): Promise<boolean> => {
    const record = await notices.open(name);
    if (record === undefined) return true;
    const newest = await newestOf(record);
    const { id, notice, since, reminders } = record.open;
    const channels = resolution === 'told' ? heardOf(record, newest) : [];
    const resolved =
      channels.length === 0 ? undefined : newEvent('resolved', { id, notice, since, reminders }, channels);
    if (!(await notices.close(record, newest, resolved))) return false;
    log.info('notice.settled', { notice_id: id, kind: notice.kind, subject: notice.subject });
    return true;
  };

  const untilDone = async (what: string, attempt: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; tries < WRITE_ATTEMPTS; tries++) if (await attempt()) return;
    throw new Error(`${what}: others were faster each time`);
  };

  const close = (name: NoticeName, resolution: 'told' | 'silent'): Promise<void> =>
    untilDone(`${name.kind} of ${name.subject}`, () => closeOnce(name, resolution)).catch((error: unknown) => {
      // Found when it is looked at the next day.
      log.error('notice.not_settled', { kind: name.kind, subject: name.subject, error: String(error) });
    });

  return {
    async raise(notice) {
      const { organizationId, subject } = notice;
      if (notice.kind === 'mailbox.held') {
        // A sign-in that has ended is why its mail is held: one alert for one mailbox.
        if (await notices.open({ kind: 'grant.invalid', organizationId, subject })) return;
      }
      await untilDone(`${notice.kind} of ${subject}`, () => raiseOnce(notice));
      // What was foretold has come.
      if (notice.kind === 'grant.invalid') await close({ kind: 'grant.expiring', organizationId, subject }, 'silent');
    },

    settle: (name) => close(name, 'told'),

    /** Nobody is told: it never was so, or is of no more interest. */
    drop: (name: NoticeName) => close(name, 'silent'),

    /** Says once more that it is so. False: somebody was faster. */
    remind: (record: OpenNoticeRecord): Promise<boolean> =>
      tellAgain(record, record.open.notice, record.open.reminders + 1),
  } satisfies Notices & Record<string, unknown>;
};

export type NoticeBook = ReturnType<typeof makeNotices>;

type WhichMailbox = Pick<Mailbox, 'id' | 'organizationId'>;

const OF_MAILBOX = ['grant.invalid', 'grant.expiring', 'mailbox.held'] as const;

/** Everything that is told of a mailbox itself is over: it was signed in anew. */
export const settleMailbox = async (
  notices: Pick<Notices, 'settle'>,
  { id, organizationId }: WhichMailbox,
): Promise<void> => {
  for (const kind of OF_MAILBOX) await notices.settle({ kind, organizationId, subject: id });
};

/** It was signed out, or removed: whoever did so knows, and nobody is told that it is mended. */
export const dropMailbox = async (
  notices: Pick<NoticeBook, 'drop'>,
  { id, organizationId }: WhichMailbox,
): Promise<void> => {
  for (const kind of OF_MAILBOX) await notices.drop({ kind, organizationId, subject: id });
};
