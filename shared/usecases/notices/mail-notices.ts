import {
  type Delivery,
  isBrokenBy,
  isPending,
  mailboxOf,
  type NoticeEvent,
  type NoticeScope,
} from '../../domain/notice.ts';
import type { MailUnderWay, NoticePost } from '../../domain/notice-post.ts';
import {
  MAIL_GIVE_UP_SECONDS,
  MAIL_INTERVAL_SECONDS,
  MAIL_LOOK_SECONDS,
  MAIL_MAILBOXES,
  NO_MAILBOX_RETRY_SECONDS,
  NOTICE_CLAIM_SECONDS,
} from '../../domain/notice-timing.ts';
import { wantsKind } from '../../domain/notification-settings.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { type HandOverNoticeMail, makeNewMail } from './hand-over-notice-mail.ts';
import type { IsStillSo } from './is-still-so.ts';
import type { FindNoticeMailbox } from './notice-mailbox.ts';
import { makeSetDelivery } from './set-delivery.ts';
import type { Addressee } from './tell-notice.ts';

interface Dependencies {
  readonly records: Pick<Records, 'notices' | 'mailboxes' | 'submissions'>;
  readonly isStillSo: IsStillSo;
  readonly findMailbox: FindNoticeMailbox;
  readonly handOver: HandOverNoticeMail;
  /** How long mail waits for more to tell. */
  readonly gatherSeconds: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** In one mail; what is left comes with the next. */
const GATHERED = 200;

const NO_MAILBOX = 'No mailbox that works can send it.';

/** The older a mail that waits, the seldomer it is looked at. */
const lookAgainAfter = (age: number): number => Math.min(3600, Math.max(MAIL_LOOK_SECONDS, Math.floor(age / 4)));

/** One look at the post of an organization. */
interface Round extends Addressee {
  readonly now: number;
}

/**
 * Tells the people of an organization by mail: all that has come up in one, through a mailbox that works, and not again
 * before half an hour is over. One worker at a time; what it is about to do is noted first, so that the next one goes on
 * where it died.
 */
export const makeMailNotices = (dependencies: Dependencies) => {
  const { records, isStillSo, findMailbox, handOver, gatherSeconds, clock, log } = dependencies;
  const { notices } = records;
  const newMail = makeNewMail(dependencies);
  const setDelivery = makeSetDelivery(records);

  const setAll = async (scope: NoticeScope, { eventIds }: MailUnderWay, delivery: Delivery): Promise<void> => {
    for (const id of eventIds)
      await setDelivery(scope, id, 'mail', ({ state }) => (state === 'handed_over' ? delivery : undefined));
  };

  const giveUp = async (scope: NoticeScope, mail: MailUnderWay, problem: string): Promise<undefined> => {
    log.error('notice.given_up', { organization_id: scope, submission_id: mail.submissionId, problem });
    await setAll(scope, mail, { state: 'given_up', at: epochSeconds(clock), problem });
    return undefined;
  };

  /** The same mail by another mailbox, where there is one. */
  const byAnother = async ({ scope, now }: Round, mail: MailUnderWay): Promise<MailUnderWay | undefined> => {
    const tried = [...mail.tried, mail.mailboxId];
    if (tried.length >= MAIL_MAILBOXES)
      return giveUp(scope, mail, 'The mailboxes that it was tried by have failed it.');
    const mailbox = await findMailbox(scope, new Set(), tried);
    if (mailbox === undefined) return now - mail.since > MAIL_GIVE_UP_SECONDS ? giveUp(scope, mail, NO_MAILBOX) : mail;
    return { ...newMail(mailbox.id, mail.eventIds, mail.more), tried, since: mail.since };
  };

  /** What has become of a mail; undefined: it need not be looked at again. */
  const followUp = async (round: Round, mail: MailUnderWay): Promise<MailUnderWay | undefined> => {
    const { scope, now } = round;
    const submission = (await records.submissions.get(mail.submissionId))?.submission;
    if (submission === undefined) {
      // Removed by somebody, or not made yet: by a worker that died, or for a mailbox that is gone.
      if (mail.state === 'made') return undefined;
      return (await records.mailboxes.get(mail.mailboxId)) === undefined ? byAnother(round, mail) : mail;
    }
    const { status, account } = submission;
    if (status.state === 'sent') {
      await setAll(scope, mail, { state: 'delivered', at: status.at, by: account });
      return undefined;
    }
    if (status.state === 'failed') return byAnother(round, mail);
    if (now - mail.since > MAIL_GIVE_UP_SECONDS)
      return giveUp(scope, mail, `It still waits in the outbox of ${account}.`);
    return { ...mail, state: 'made' };
  };

  const forget = async (scope: NoticeScope, id: string, delivery?: Delivery): Promise<void> => {
    if (delivery) await setDelivery(scope, id, 'mail', (now) => (isPending(now) ? delivery : undefined));
    await notices.forgetUnmailed(scope, id);
  };

  /** What is to be told now; the rest is put aside. */
  const wanted = async ({ scope, settings }: Round): Promise<readonly NoticeEvent[]> => {
    const ids = await notices.unmailed(scope, GATHERED);
    const events = new Map((await notices.events(scope, ids)).map(({ event }) => [event.id, event]));
    const found: NoticeEvent[] = [];
    for (const id of ids) {
      const event = events.get(id);
      if (event === undefined || !isPending(event.mail)) {
        await forget(scope, id);
        continue;
      }
      const isWanted = settings.emails.length > 0 && wantsKind(settings, event.of?.notice.kind);
      const so = isWanted ? await isStillSo(event) : 'no';
      if (so === 'no') await forget(scope, id, { state: 'not_wanted' });
      if (so === 'yes') found.push(event);
    }
    return found;
  };

  /** Where nothing can send it: said in the console, and tried again. */
  const putOff = async ({ scope, now }: Round, events: readonly NoticeEvent[]): Promise<void> => {
    for (const { id, at } of events) {
      if (now - at > MAIL_GIVE_UP_SECONDS) {
        log.error('notice.given_up', { organization_id: scope, event_id: id, problem: NO_MAILBOX });
        await forget(scope, id, { state: 'given_up', at: now, problem: NO_MAILBOX });
        continue;
      }
      const again = now + NO_MAILBOX_RETRY_SECONDS;
      await setDelivery(scope, id, 'mail', (mail) =>
        isPending(mail) ? { ...mail, at: again, attempts: mail.attempts + 1, problem: NO_MAILBOX } : undefined,
      );
      await notices.postponeUnmailed(scope, id, again);
    }
    log.warn('notice.no_mailbox', { organization_id: scope, notices: events.length });
  };

  const gather = async (round: Round, events: readonly NoticeEvent[]): Promise<MailUnderWay | undefined> => {
    const isDue = ({ mail, phase }: NoticeEvent): boolean => {
      if (!isPending(mail)) return false;
      const waits = phase === 'test' || mail.attempts > 0 ? 0 : gatherSeconds;
      return mail.at + waits <= round.now;
    };
    if (!events.some(isDue)) return undefined;
    const told = events.flatMap(({ of }) => of?.notice ?? []);
    const broken = told.filter(isBrokenBy).flatMap((notice) => mailboxOf(notice) ?? []);
    const concerned = new Set(told.flatMap((notice) => mailboxOf(notice) ?? []));
    // What is over is sent by whichever works, and by what was broken too.
    const over = events.filter(({ phase }) => phase === 'resolved').flatMap(({ of }) => of?.notice ?? []);
    const mended = over.flatMap((notice) => mailboxOf(notice) ?? []);
    const excluded = broken.filter((id) => !mended.includes(id));
    const mailbox = await findMailbox(round.scope, concerned, excluded);
    if (mailbox === undefined) {
      await putOff(round, events.filter(isDue));
      return undefined;
    }
    return newMail(
      mailbox.id,
      events.map(({ id }) => id),
      0,
    );
  };

  /** A test for itself, and at once; the rest together, when its time has come. */
  const newMails = async (round: Round, { nextAt }: NoticePost) => {
    const events = await wanted(round);
    const test = await gather(
      round,
      events.filter(({ phase }) => phase === 'test'),
    );
    const others = events.filter(({ phase }) => phase !== 'test');
    const ordinary = round.now < nextAt ? undefined : await gather(round, others);
    return {
      mails: [test, ordinary].filter((mail) => mail !== undefined),
      nextAt: ordinary === undefined ? nextAt : round.now + MAIL_INTERVAL_SECONDS,
    };
  };

  /** From here on whoever settles a notice knows that people hear of it. */
  const make = async (round: Round, mail: MailUnderWay): Promise<MailUnderWay | undefined> => {
    const { scope, settings } = round;
    const mailbox = await records.mailboxes.get(mail.mailboxId);
    if (mailbox === undefined) return mail;
    const handedOver: Delivery = { state: 'handed_over', at: epochSeconds(clock), by: mailbox.address };
    for (const id of mail.eventIds) {
      await setDelivery(scope, id, 'mail', ({ state }) =>
        state === 'pending' || state === 'handed_over' ? handedOver : undefined,
      );
      await notices.forgetUnmailed(scope, id);
    }
    const events = (await notices.events(scope, mail.eventIds)).map(({ event }) => event);
    // What was settled a moment ago is not told.
    const told = events.filter((event) => event.mail.state === 'handed_over').sort((a, b) => (a.id < b.id ? -1 : 1));
    if (told.length === 0 || settings.emails.length === 0) return undefined;
    await handOver(round, mail, mailbox, told);
    return { ...mail, state: 'made' };
  };

  const dueAt = (underWay: readonly MailUnderWay[], now: number): number | undefined =>
    underWay.length === 0 ? undefined : now + Math.min(...underWay.map(({ since }) => lookAgainAfter(now - since)));

  return async (addressee: Addressee): Promise<void> => {
    const { scope } = addressee;
    const now = epochSeconds(clock);
    const round: Round = { ...addressee, now };
    const known = await notices.post(scope);
    if (known.post.busyUntil > now) return;
    const busyUntil = now + NOTICE_CLAIM_SECONDS;
    const claimed = await notices.replacePost(scope, known, { ...known.post, busyUntil }, busyUntil);
    if (claimed === undefined) return;

    const followed: MailUnderWay[] = [];
    for (const mail of known.post.underWay) {
      const left = await followUp(round, mail);
      if (left) followed.push(left);
    }
    const { mails, nextAt } = await newMails(round, known.post);
    const planned: NoticePost = { underWay: [...followed, ...mails], nextAt, busyUntil };
    const noted = await notices.replacePost(scope, claimed, planned, busyUntil);
    if (noted === undefined) return;

    const underWay: MailUnderWay[] = [];
    for (const mail of planned.underWay) {
      const left = mail.state === 'making' ? await make(round, mail) : mail;
      if (left) underWay.push(left);
    }
    await notices.replacePost(scope, noted, { underWay, nextAt, busyUntil: 0 }, dueAt(underWay, now));
  };
};
