import {
  type AppRegistration,
  isReplaced,
  isSameSecret,
  reconciled,
  type SecretWarning,
  sameRegistration,
  secretWarningDue,
} from '../../domain/app-registration.ts';
import { clientSecretSubject } from '../../domain/notice.ts';
import { type Registration, registrationFields, registrationKey } from '../../domain/registration.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { RefusedClientSecrets } from '../../ports/identity-provider.ts';
import type { IdentityProviders } from '../../ports/identity-providers.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { makeNotices } from '../notices/raise-notice.ts';

/** A date comes nearer by the day; an hour is soon enough, and a worker that lives on looks so often. */
const LOOK_EVERY_SECONDS = 3600;

/** A bad secret is looked at every hour; one that was not refused for longer has been replaced, or the other way round. */
const REFUSAL_STANDS_SECONDS = 3 * LOOK_EVERY_SECONDS;

/** Enough for any race of workers that start at once: after the first the others find it done, and have nothing to write. */
const WRITE_ATTEMPTS = 5;

interface Dependencies {
  readonly coolDowns: Records['coolDowns'];
  readonly appRegistrations: Records['appRegistrations'];
  readonly providers: IdentityProviders;
  readonly clock: Clock;
  readonly log: Log;
}

interface Telling {
  readonly notices: Records['notices'];
  readonly random: Random;
}

/** What the record shall say (undefined: be gone), and what the one whose write wins tells the operator. */
interface Change {
  readonly next: AppRegistration | undefined;
  readonly tell: () => void;
}

/** True when the record says what it shall, whoever wrote it; only the worker that did tells, so it is told once. */
const changeRecord = async (
  appRegistrations: Records['appRegistrations'],
  registration: Registration,
  change: (known: AppRegistration | undefined) => Change,
): Promise<boolean> => {
  for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
    const known = await appRegistrations.get(registration);
    const { next, tell } = change(known.registration);
    if (sameRegistration(next, known.registration)) return true;
    const won = await (next ? appRegistrations.replace(known, next) : appRegistrations.remove(registration, known));
    if (!won) continue;
    tell();
    return true;
  }
  return false;
};

const configuredAs = (registration: Registration, providers: IdentityProviders): AppRegistration | undefined => {
  const { clientId, clientSecrets } = providers.of(registration);
  return clientId === undefined ? undefined : { ...registration, clientId, clientSecrets };
};

/** The registration without refusals that stand no longer, with the warnings that are due now noted in it. */
const lookAt = (registration: AppRegistration, now: number) => {
  const warnings: SecretWarning[] = [];
  const clientSecrets = registration.clientSecrets.map(({ refusedAt, ...rest }, index) => {
    const stands = refusedAt !== undefined && now - refusedAt < REFUSAL_STANDS_SECONDS;
    const secret = stands ? { ...rest, refusedAt } : rest;
    const days = secretWarningDue(secret, now);
    if (days === undefined) return secret;
    warnings.push({ position: index + 1, expiresOn: secret.expiresOn, days });
    return { ...secret, warnedDays: days };
  });
  return { next: { ...registration, clientSecrets }, warnings };
};

/**
 * Notes down all registrations for those who may not read the configuration, and warns the operator 60, 30, 7 and 1 days
 * before a client secret expires, and when it has. A registration that was mended is tried at once. Run as often as
 * like: it looks once an hour.
 */
export const makeWatchAppRegistrations = (dependencies: Dependencies & Telling) => {
  const { coolDowns, appRegistrations, providers, clock, random, log } = dependencies;
  const notices = makeNotices({ records: { notices: dependencies.notices }, clock, random, log });
  let lookedAt = Number.NEGATIVE_INFINITY;

  /** Whoever looks after the registration is told before it is noted that they were. */
  const raise = async ({ organizationId, provider, clientId }: AppRegistration, warnings: readonly SecretWarning[]) => {
    const key = registrationKey({ provider, ...(organizationId === undefined ? {} : { organizationId }) });
    for (const { position, expiresOn, days: daysLeft } of warnings) {
      const about = { organizationId, provider, clientId, position, expiresOn, daysLeft };
      await notices.raise({ kind: 'client_secret.expiring', subject: clientSecretSubject(key, position), ...about });
    }
  };

  /** What was warned of, and is no longer there: replaced, given another date, or left out with its registration. */
  const settle = async (before: AppRegistration | undefined, after: AppRegistration | undefined) => {
    for (const [index, { warnedDays }] of (before?.clientSecrets ?? []).entries()) {
      if (before === undefined || warnedDays === undefined) continue;
      const now = after?.clientSecrets[index];
      if (now?.warnedDays !== undefined && isSameSecret(before.clientSecrets[index] ?? {}, now)) continue;
      const subject = clientSecretSubject(registrationKey(before), index + 1);
      await notices.settle({ kind: 'client_secret.expiring', organizationId: before.organizationId, subject });
    }
  };

  /** What the provider said of another secret is no reason to spare it. */
  const liftPause = async (registration: Registration): Promise<void> => {
    const { coolDown, revision } = await coolDowns.get(registration);
    if (coolDown?.cause !== 'registration' || !(await coolDowns.replace(registration, revision, undefined))) return;
    log.info('app_registration.changed', registrationFields(registration));
  };

  const watch = async (registration: Registration, before: AppRegistration | undefined, now: number) => {
    const configured = configuredAs(registration, providers);
    if (configured && isReplaced(before, configured)) await liftPause(registration);
    const change = (known: AppRegistration | undefined): Change => {
      if (configured === undefined) return { next: undefined, tell: () => undefined };
      const { next, warnings } = lookAt(reconciled(known, configured), now);
      const tell = () => {
        for (const { position, expiresOn, days } of warnings) {
          const about = { ...registrationFields(registration), client_id: configured.clientId, position };
          if (days === 0) log.error('client_secret.expired', { ...about, expires_on: expiresOn });
          else log.warn('client_secret.expiring', { ...about, expires_on: expiresOn, days });
        }
      };
      return { next, tell };
    };
    const { next } = change(before);
    // With hundreds of organizations most is as it was: one reading told so of all.
    if (sameRegistration(next, before)) return true;
    await settle(before, next);
    if (configured) await raise(configured, lookAt(reconciled(before, configured), now).warnings);
    return changeRecord(appRegistrations, registration, change);
  };

  return async (): Promise<void> => {
    const now = epochSeconds(clock);
    if (now - lookedAt < LOOK_EVERY_SECONDS) return;
    const [met, configured] = await Promise.all([appRegistrations.list(), providers.configured()]);
    const known = new Map(met.map((registration) => [registrationKey(registration), registration]));
    // With those that were met and are configured no more.
    const all = new Map([...met, ...configured].map((registration) => [registrationKey(registration), registration]));
    let done = true;
    for (const [key, registration] of all) done = (await watch(registration, known.get(key), now)) && done;
    if (done) lookedAt = now;
  };
};

/** The registration with the refusals noted; `news`: one of them was not noted within the last hour. */
const refuse = (registration: AppRegistration, refused: RefusedClientSecrets, now: number) => {
  let news = false;
  const clientSecrets = registration.clientSecrets.map(({ refusedAt, ...secret }, position) => {
    if (!refused.includes(position)) return secret;
    if (refusedAt !== undefined && now - refusedAt < LOOK_EVERY_SECONDS) return { ...secret, refusedAt };
    news = true;
    return { ...secret, refusedAt: now };
  });
  return { next: { ...registration, clientSecrets }, news };
};

/**
 * A provider refused client secrets. Where it takes another, no grant suffers, and the operator is told, once an hour by
 * whichever worker, that one is to be replaced. Where it refuses all, `app_registration.refused` tells.
 */
export const makeNoteRefusedSecrets = ({
  appRegistrations,
  providers,
  clock,
  log,
}: Omit<Dependencies, 'coolDowns'>) => {
  /** What this process knows to be noted, so that not each of its refreshes reads the record. */
  const notedAt = new Map<string, number>();

  return async (registration: Registration, refused: RefusedClientSecrets): Promise<void> => {
    const now = epochSeconds(clock);
    const configured = configuredAs(registration, providers);
    if (configured === undefined) return;
    // The configuration may change while this process lives: what was known of other secrets does not count.
    const name = JSON.stringify([configured, refused]);
    if (now - (notedAt.get(name) ?? Number.NEGATIVE_INFINITY) < LOOK_EVERY_SECONDS) return;
    const othersAreLeft = configured.clientSecrets.some((_, position) => !refused.includes(position));
    const noted = await changeRecord(appRegistrations, registration, (known) => {
      const { next, news } = refuse(reconciled(known, configured), refused, now);
      const tell = () => {
        const positions = refused.map((position) => String(position + 1));
        const about = { ...registrationFields(registration), client_id: configured.clientId };
        if (news && othersAreLeft) log.error('client_secret.refused', { ...about, positions });
      };
      return { next, tell };
    });
    if (noted) notedAt.set(name, now);
  };
};
