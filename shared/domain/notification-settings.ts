import type { NoticeKind } from './notice.ts';
import { WEBHOOK_SECRET_GRACE_SECONDS } from './notice-timing.ts';
import { INSECURE_URL, isSecureUrl } from './secure-url.ts';

/** Where notices are posted to. Secrets rest sealed. Times are epoch seconds. */
export interface WebhookSettings {
  readonly url: string;
  readonly sealedSecret: string;
  /** The one before, which signs as well until then. */
  readonly former?: { readonly sealedSecret: string; readonly until: number };
  /** The receiver said that it is gone (HTTP 410): nothing is posted until somebody enters the address anew. */
  readonly goneAt?: number;
}

/** How an organization, or the operator, wants to be told. */
export interface NotificationSettings {
  readonly webhook?: WebhookSettings;
  readonly emails: readonly string[];
  /** Absent: the organization's. */
  readonly locale?: string;
  /** Absent: all. */
  readonly kinds?: readonly NoticeKind[];
  /** The newest test. */
  readonly testId?: string;
}

export const NO_SETTINGS: NotificationSettings = { emails: [] };

export const MOST_EMAILS = 20;

export const wantsKind = ({ kinds }: NotificationSettings, kind: NoticeKind | undefined): boolean =>
  kind === undefined || kinds === undefined || kinds.includes(kind);

/** The sealed secrets that sign now, the newest first. */
export const signingSecrets = ({ sealedSecret, former }: WebhookSettings, now: number): readonly string[] =>
  former !== undefined && former.until > now ? [sealedSecret, former.sealedSecret] : [sealedSecret];

export const withNewSecret = (
  { former: _ended, ...webhook }: WebhookSettings,
  sealedSecret: string,
  now: number,
  graceSeconds: number = WEBHOOK_SECRET_GRACE_SECONDS,
): WebhookSettings => {
  if (graceSeconds <= 0) return { ...webhook, sealedSecret };
  return { ...webhook, sealedSecret, former: { sealedSecret: webhook.sealedSecret, until: now + graceSeconds } };
};

const URL_LIMIT = 2_000;

/** Why an address cannot be a webhook's, in English; undefined: it can. Whether it may be reached is seen when it is. */
export const webhookUrlProblem = (text: string): string | undefined => {
  if (text.length > URL_LIMIT || !URL.canParse(text)) return 'is not a URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must not have a user name or a password: notices are signed';
  return isSecureUrl(url) ? undefined : INSECURE_URL;
};
