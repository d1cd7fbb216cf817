import type { Authority } from '../../domain/authority.ts';
import { isAddress } from '../../domain/envelope.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import {
  isPending,
  type NoticeEvent,
  type NoticeKind,
  type NoticeScope,
  type OpenNotice,
} from '../../domain/notice.ts';
import { WEBHOOK_SECRET_GRACE_SECONDS } from '../../domain/notice-timing.ts';
import {
  MOST_EMAILS,
  type NotificationSettings,
  type WebhookSettings,
  webhookUrlProblem,
  withNewSecret,
} from '../../domain/notification-settings.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { NotificationSettingsRecord } from '../../records/notification-settings.ts';
import { makeNewEvent } from '../notices/raise-notice.ts';
import { newWebhookSecret } from '../secrets.ts';
import { needsKeyForAll, type RecordsWithin } from './reach.ts';

/** What an administrator changes; what is absent stays, and `undefined` in its place is the default again. */
export interface NotificationChanges {
  readonly webhookUrl?: string | undefined;
  readonly emails?: readonly string[];
  readonly locale?: string | undefined;
  readonly kinds?: readonly NoticeKind[] | undefined;
}

/** The settings, and what became of the newest test. */
export interface ShownNotifications {
  readonly settings: NotificationSettings;
  readonly test: NoticeEvent | undefined;
  /** Only where one was just made; shown once. */
  readonly webhookSecret?: string;
}

/** An open notice with its newest telling. */
export interface ShownNotice extends OpenNotice {
  readonly told: NoticeEvent | undefined;
}

export interface NoticePage {
  readonly notices: readonly ShownNotice[];
  /** Pass as `cursor` for the rest; undefined at the end. */
  readonly cursor: string | undefined;
}

interface Dependencies {
  readonly records: Pick<RecordsWithin, 'organizations' | 'notices' | 'notificationSettings' | 'audit'>;
  readonly scope: Authority['scope'];
  readonly clock: Clock;
  readonly random: Random;
}

const missing = fail(brokerError('not_found', 'No such organization.'));
const busy = fail(brokerError('conflict', 'Somebody else is changing these settings.'));
const invalid = (detail: string) => fail(brokerError('invalid_request', detail));

const problemOf = ({ webhookUrl, emails = [] }: NotificationChanges): string | undefined => {
  const wrong = webhookUrl === undefined ? undefined : webhookUrlProblem(webhookUrl);
  if (wrong !== undefined) return `webhook_url ${wrong}.`;
  if (emails.length > MOST_EMAILS) return `emails has more than ${MOST_EMAILS} addresses.`;
  // Beyond ASCII an address needs servers that take it (RFC 6531); the one of a notice must arrive anywhere.
  const malformed = emails.find((address) => !isAddress(address) || !/^[\x21-\x7e]+$/.test(address));
  return malformed === undefined ? undefined : `Not a mail address: ${JSON.stringify(malformed)}`;
};

/** How an organization, or, where `scope` is undefined, the operator is told of what needs somebody. */
export const notificationAdministration = ({ records, scope: reach, clock, random }: Dependencies) => {
  const { notices, notificationSettings: stored, audit } = records;
  const newEvent = makeNewEvent({ clock, random });

  const within = async <Value>(
    scope: NoticeScope,
    act: () => Promise<Result<Value, BrokerError>>,
  ): Promise<Result<Value, BrokerError>> => {
    if (scope === undefined) return reach === 'all' ? act() : fail(needsKeyForAll());
    return (await records.organizations.get(scope)) === undefined ? missing : act();
  };

  const noteDown = (scope: NoticeScope, action: string, detail?: string): Promise<void> =>
    audit.add({
      organizationId: scope,
      action,
      subject: scope ?? 'broker',
      ...(detail === undefined ? {} : { detail }),
    });

  const shown = async (scope: NoticeScope, settings: NotificationSettings): Promise<ShownNotifications> => {
    const { testId } = settings;
    const test = testId === undefined ? undefined : await notices.event(scope, testId);
    return { settings, test: test?.event };
  };

  const sealed = async (scope: NoticeScope) => {
    const webhookSecret = newWebhookSecret(random);
    return { webhookSecret, sealedSecret: await stored.sealSecret(scope, webhookSecret) };
  };

  /** The webhook as changed, and its secret where it is a new one. To enter the address anew calls back one that was gone. */
  const webhookAfter = async (
    scope: NoticeScope,
    before: WebhookSettings | undefined,
    changes: NotificationChanges,
  ): Promise<{ readonly webhook?: WebhookSettings; readonly webhookSecret?: string }> => {
    if (!('webhookUrl' in changes)) return before === undefined ? {} : { webhook: before };
    const { webhookUrl: url } = changes;
    if (url === undefined) return {};
    if (before !== undefined) {
      const { goneAt: _calledBack, ...rest } = before;
      return { webhook: { ...rest, url } };
    }
    const { webhookSecret, sealedSecret } = await sealed(scope);
    return { webhook: { url, sealedSecret }, webhookSecret };
  };

  const changed = async (
    scope: NoticeScope,
    { settings }: NotificationSettingsRecord,
    changes: NotificationChanges,
  ): Promise<{ readonly settings: NotificationSettings; readonly webhookSecret?: string }> => {
    const { webhook: before, emails, locale, kinds, ...rest } = settings;
    const { webhookSecret, ...webhook } = await webhookAfter(scope, before, changes);
    const chosen = 'locale' in changes ? changes.locale : locale;
    const wanted = 'kinds' in changes ? changes.kinds : kinds;
    return {
      settings: {
        ...{ ...rest, ...webhook, emails: changes.emails ?? emails },
        ...(chosen === undefined ? {} : { locale: chosen }),
        ...(wanted === undefined ? {} : { kinds: wanted }),
      },
      ...(webhookSecret === undefined ? {} : { webhookSecret }),
    };
  };

  return {
    get: (scope: NoticeScope) =>
      within<ShownNotifications>(scope, async () => ok(await shown(scope, (await stored.get(scope)).settings))),

    update: (scope: NoticeScope, changes: NotificationChanges) =>
      within<ShownNotifications>(scope, async () => {
        const problem = problemOf(changes);
        if (problem !== undefined) return invalid(problem);
        const known = await stored.get(scope);
        const { settings, webhookSecret } = await changed(scope, known, changes);
        if (!(await stored.replace(scope, known, settings))) return busy;
        await noteDown(scope, 'notifications.changed', Object.keys(changes).join(', '));
        return ok({ ...(await shown(scope, settings)), ...(webhookSecret === undefined ? {} : { webhookSecret }) });
      }),

    /** A new secret, shown once. The former one signs as well for so long; with 0 it stops at once. */
    rotateSecret: (scope: NoticeScope, graceSeconds = WEBHOOK_SECRET_GRACE_SECONDS) =>
      within<ShownNotifications>(scope, async () => {
        const known = await stored.get(scope);
        const { webhook } = known.settings;
        if (webhook === undefined)
          return fail(brokerError('conflict', 'There is no webhook: enter its address first.'));
        const { webhookSecret, sealedSecret } = await sealed(scope);
        const renewed = withNewSecret(webhook, sealedSecret, epochSeconds(clock), graceSeconds);
        const settings = { ...known.settings, webhook: renewed };
        if (!(await stored.replace(scope, known, settings))) return busy;
        await noteDown(scope, 'notifications.secret-rotated');
        return ok({ ...(await shown(scope, settings)), webhookSecret });
      }),

    /** Says "this is a test" by every channel, within a minute. One at a time. */
    test: (scope: NoticeScope) =>
      within<ShownNotifications>(scope, async () => {
        const known = await stored.get(scope);
        const { webhook, emails } = known.settings;
        if (webhook === undefined && emails.length === 0) {
          return fail(brokerError('conflict', 'There is nobody to be told: enter a webhook or a mail address first.'));
        }
        const before = await shown(scope, known.settings);
        if (before.test && (isPending(before.test.webhook) || isPending(before.test.mail))) return ok(before);
        const event = newEvent('test', undefined);
        const settings = { ...known.settings, testId: event.id };
        if (!(await stored.replace(scope, known, settings))) return busy;
        await notices.createEvent(scope, event);
        await noteDown(scope, 'notifications.tested');
        return ok({ settings, test: event });
      }),

    /** What needs somebody now, and whether they were told. */
    notices: (scope: NoticeScope, limit: number, cursor?: string) =>
      within<NoticePage>(scope, async () => {
        const { open, next } = await notices.list(scope, limit, cursor);
        const found = await notices.events(
          scope,
          open.map(({ eventId }) => eventId),
        );
        const told = new Map(found.map(({ event }) => [event.id, event]));
        return ok({ notices: open.map((one) => ({ ...one, told: told.get(one.eventId) })), cursor: next });
      }),
  };
};

export type NotificationAdministration = ReturnType<typeof notificationAdministration>;
