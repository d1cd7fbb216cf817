import { type AppRegistration, reconciled, secretWarningDue } from '../domain/app-registration.ts';
import { PROVIDERS, type ProviderName } from '../domain/provider.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { RefusedClientSecrets } from '../ports/identity-provider.ts';
import type { Log } from '../ports/log.ts';
import type { Records } from '../records/index.ts';
import type { IdentityProviders } from './refresh-grant.ts';

/** A date comes nearer by the day; an hour is soon enough, and a worker that lives on looks so often. */
const LOOK_EVERY_SECONDS = 3600;

/** A bad secret is looked at every hour; one that was not refused for longer has been replaced, or the other way round. */
const REFUSAL_STANDS_SECONDS = 3 * LOOK_EVERY_SECONDS;

interface Dependencies {
  readonly appRegistrations: Records['appRegistrations'];
  readonly providers: IdentityProviders;
  readonly clock: Clock;
  readonly log: Log;
}

const configuredAt = (provider: ProviderName, providers: IdentityProviders): AppRegistration | undefined => {
  const { clientId, clientSecrets } = providers[provider];
  return clientId === undefined ? undefined : { provider, clientId, clientSecrets };
};

/**
 * Notes down the broker's registrations for those who may not read the configuration, and warns the operator 60, 30, 7 and
 * 1 days before a client secret expires. Run as often as like: it looks once an hour.
 */
export const makeWatchAppRegistrations = ({ appRegistrations, providers, clock, log }: Dependencies) => {
  let lookedAt = Number.NEGATIVE_INFINITY;

  const watch = async (configured: AppRegistration, now: number): Promise<void> => {
    const known = await appRegistrations.get(configured.provider);
    const current = reconciled(known, configured);
    const clientSecrets = current.clientSecrets.map(({ refusedAt, ...rest }, index) => {
      const stands = refusedAt !== undefined && now - refusedAt < REFUSAL_STANDS_SECONDS;
      const secret = stands ? { ...rest, refusedAt } : rest;
      const days = secretWarningDue(secret, now);
      if (days === undefined) return secret;
      const about = { provider: configured.provider, client_id: configured.clientId, position: index + 1 };
      log.warn('client_secret.expiring', { ...about, expires_on: secret.expiresOn, days });
      return { ...secret, warnedDays: days };
    });
    const next = { ...current, clientSecrets };
    if (JSON.stringify(next) !== JSON.stringify(known)) await appRegistrations.put(next);
  };

  return async (): Promise<void> => {
    const now = epochSeconds(clock);
    if (now - lookedAt < LOOK_EVERY_SECONDS) return;
    for (const provider of PROVIDERS) {
      const configured = configuredAt(provider, providers);
      if (configured !== undefined) await watch(configured, now);
      else if ((await appRegistrations.get(provider)) !== undefined) await appRegistrations.remove(provider);
    }
    lookedAt = now;
  };
};

/**
 * A provider refused one of the client secrets: no grant suffers while it takes the other, and the operator is told, once
 * an hour, that one is to be replaced.
 */
export const makeNoteRefusedSecrets = ({ appRegistrations, providers, clock, log }: Dependencies) => {
  const notedAt = new Map<string, number>();

  return async (provider: ProviderName, refused: RefusedClientSecrets): Promise<void> => {
    const now = epochSeconds(clock);
    const name = `${provider}|${refused.join()}`;
    if (now - (notedAt.get(name) ?? Number.NEGATIVE_INFINITY) < LOOK_EVERY_SECONDS) return;
    const configured = configuredAt(provider, providers);
    if (configured === undefined) return;
    notedAt.set(name, now);
    const current = reconciled(await appRegistrations.get(provider), configured);
    const clientSecrets = current.clientSecrets.map((secret, position) => {
      if (refused.includes(position)) return { ...secret, refusedAt: now };
      const { refusedAt: _taken, ...rest } = secret;
      return rest;
    });
    await appRegistrations.put({ ...current, clientSecrets });
    const positions = refused.map((position) => String(position + 1));
    log.error('client_secret.refused', { provider, client_id: configured.clientId, positions });
  };
};
