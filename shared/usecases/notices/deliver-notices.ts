import { type Delivery, isPending, type NoticeEvent, type NoticeScope } from '../../domain/notice.ts';
import {
  BEFORE_IT_IS_SO_SECONDS,
  NOTICE_CLAIM_SECONDS,
  WEBHOOK_BACK_OFF,
  WEBHOOK_GIVE_UP_SECONDS,
} from '../../domain/notice-timing.ts';
import {
  type NotificationSettings,
  signingSecrets,
  type WebhookSettings,
  wantsKind,
} from '../../domain/notification-settings.ts';
import { backOffSeconds } from '../../domain/timing.ts';
import type { NoticeWording } from '../../domain/told-notice.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { WebhookOutcome, WebhookSender } from '../../ports/webhook-sender.ts';
import type { Records } from '../../records/index.ts';
import type { IsStillSo } from './is-still-so.ts';
import { makeSetDelivery } from './set-delivery.ts';
import { type Addressee, localeOf, type TellNotice } from './tell-notice.ts';

interface Dependencies {
  readonly records: Pick<Records, 'notices' | 'notificationSettings' | 'audit'>;
  readonly isStillSo: IsStillSo;
  readonly tell: TellNotice;
  readonly webhooks: WebhookSender;
  readonly wording: Pick<NoticeWording, 'webhook'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What became of one telling: `failed` says that the receiver is not to be bothered with the next one now. */
export type Brought = 'done' | 'failed';

const NOT_WANTED: Delivery = { state: 'not_wanted' };

/** Settings are changed by people, one at a time. */
const WRITE_ATTEMPTS = 5;

/** Brings one telling to the webhook of those whom it is for. */
export const makeDeliverByWebhook = (dependencies: Dependencies) => {
  const { records, isStillSo, tell, webhooks, wording, clock, random, log } = dependencies;
  const setDelivery = makeSetDelivery(records);

  /** Noted before the request is made: should this worker die, who settles the notice knows that somebody may have heard. */
  const claim = (scope: NoticeScope, id: string): Promise<NoticeEvent | undefined> => {
    const now = epochSeconds(clock);
    return setDelivery(scope, id, 'webhook', (webhook) => {
      if (!isPending(webhook) || webhook.at > now) return undefined;
      return { ...webhook, at: now + NOTICE_CLAIM_SECONDS, attempts: webhook.attempts + 1 };
    });
  };

  const post = async (to: Addressee, event: NoticeEvent, webhook: WebhookSettings): Promise<WebhookOutcome> => {
    const timestamp = epochSeconds(clock);
    const told = await tell(to, event);
    const sealed = signingSecrets(webhook, timestamp);
    const secrets: string[] = [];
    for (const one of sealed) secrets.push(await records.notificationSettings.openSecret(to.scope, one));
    const body = wording.webhook(told, localeOf(to));
    return webhooks.post({ url: webhook.url, id: event.id, timestamp, body, secrets });
  };

  /** HTTP 410: the receiver is gone, and nothing more is sent there until somebody says so. */
  const disable = async (scope: NoticeScope, url: string): Promise<void> => {
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const known = await records.notificationSettings.get(scope);
      const { webhook } = known.settings;
      if (webhook === undefined || webhook.url !== url || webhook.goneAt !== undefined) return;
      const settings = { ...known.settings, webhook: { ...webhook, goneAt: epochSeconds(clock) } };
      if (!(await records.notificationSettings.replace(scope, known, settings))) continue;
      const subject = scope ?? 'broker';
      await records.audit.add({ organizationId: scope, by: 'broker', action: 'notifications.webhook-gone', subject });
      log.error('webhook.gone', { organization_id: scope });
      return;
    }
  };

  const after = (outcome: WebhookOutcome, { at }: NoticeEvent, attempts: number): Delivery => {
    const now = epochSeconds(clock);
    if (outcome.outcome === 'delivered') return { state: 'delivered', at: now };
    if (outcome.outcome === 'gone') return { state: 'given_up', at: now, problem: 'The receiver is gone (HTTP 410).' };
    const { problem } = outcome;
    if (now - at > WEBHOOK_GIVE_UP_SECONDS) return { state: 'given_up', at: now, problem };
    const wait = backOffSeconds(attempts, WEBHOOK_BACK_OFF, random.fraction());
    return { state: 'pending', at: Math.ceil(now + wait), attempts, problem };
  };

  const note = async (scope: NoticeScope, { id, of, phase, webhook: claimed }: NoticeEvent, outcome: Delivery) => {
    const isOurs = (now: Delivery) => isPending(now) && isPending(claimed) && now.attempts === claimed.attempts;
    const noted = await setDelivery(scope, id, 'webhook', (now) => (isOurs(now) ? outcome : undefined));
    const about = { event_id: id, notice_id: of?.id, kind: of?.notice.kind, phase, organization_id: scope };
    if (outcome.state === 'delivered') log.info('notice.posted', about);
    if (outcome.state === 'pending') log.warn('notice.not_posted', { ...about, problem: outcome.problem });
    if (outcome.state === 'given_up') log.error('notice.given_up', { ...about, problem: outcome.problem });
    // It was settled meanwhile; what says so knows that this one was tried.
    if (noted === undefined) log.info('notice.superseded', about);
  };

  /** Why it is not to be posted now, as the state that it has then; undefined: it is. */
  const instead = async (event: NoticeEvent, settings: NotificationSettings): Promise<Delivery | undefined> => {
    const { webhook } = settings;
    if (webhook === undefined || webhook.goneAt !== undefined) return NOT_WANTED;
    if (!wantsKind(settings, event.of?.notice.kind)) return NOT_WANTED;
    const so = await isStillSo(event);
    if (so === 'yes') return undefined;
    return so === 'no' ? NOT_WANTED : { state: 'pending', at: event.at + BEFORE_IT_IS_SO_SECONDS, attempts: 0 };
  };

  return async (to: Addressee, id: string): Promise<Brought> => {
    const { scope, settings } = to;
    const known = await records.notices.event(scope, id);
    if (known === undefined || !isPending(known.event.webhook) || known.event.webhook.at > epochSeconds(clock))
      return 'done';
    const other = await instead(known.event, settings);
    if (other !== undefined) {
      await setDelivery(scope, id, 'webhook', (now) => (isPending(now) ? other : undefined));
      return 'done';
    }
    const event = await claim(scope, id);
    if (event === undefined || !isPending(event.webhook) || settings.webhook === undefined) return 'done';
    const outcome = await post(to, event, settings.webhook);
    if (outcome.outcome === 'gone') await disable(scope, settings.webhook.url);
    await note(scope, event, after(outcome, event, event.webhook.attempts));
    return outcome.outcome === 'delivered' ? 'done' : 'failed';
  };
};
