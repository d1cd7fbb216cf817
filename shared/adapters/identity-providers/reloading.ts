import { ConfigError, parseBrokerConfig } from '../../config/provider-config.ts';
import type { ProviderName } from '../../domain/provider.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IdentityProvider } from '../../ports/identity-provider.ts';
import type { Log } from '../../ports/log.ts';
import { configuredIdentityProviders } from './configured.ts';

type Providers = Record<ProviderName, IdentityProvider>;

/** A refused registration is tried again as often (`OPERATOR_RETRY_SECONDS`): a mended client secret is in use soon after. */
const RELOAD_EVERY_MS = 5 * 60_000;

/** Until the next look after one that failed, so that its time-out does not delay every call. */
const LOOK_AGAIN_MS = 30_000;

/** No call waits longer for a look: a refresh holds a lease, and has two seconds of it to spare (`LEASE_NEEDED_SECONDS`). */
const PATIENCE_MS = 1_000;

/** Never the text, which holds client secrets: a `ConfigError` repeats no value, and of other errors the name must do. */
const reasonOf = (error: unknown): string => {
  if (error instanceof ConfigError) return error.message;
  return error instanceof Error ? error.name : 'unknown';
};

/**
 * The providers as the document that `load` gives describes them, as it was at most five minutes ago; so a process that
 * lives for hours takes up another client secret. While the document cannot be had, or is no configuration, what was known
 * before is used. Rejects where the first load fails.
 */
export const reloadingIdentityProviders = async ({
  load,
  clock,
  log,
}: {
  readonly load: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Providers> => {
  const made = (text: string) => ({
    text,
    providers: configuredIdentityProviders(parseBrokerConfig(text, 'the provider configuration')),
  });
  let lookAgainAt = clock.now() + RELOAD_EVERY_MS;
  let known = made(await load());
  let looking: Promise<void> | undefined;
  let told: string | undefined;

  const look = async (): Promise<void> => {
    const begunAt = clock.now();
    try {
      const text = await load();
      // The same text, the same providers: they remember which client secret was accepted.
      if (text !== known.text) {
        known = made(text);
        log.info('config.reloaded');
      }
      lookAgainAt = begunAt + RELOAD_EVERY_MS;
      told = undefined;
    } catch (error) {
      lookAgainAt = clock.now() + LOOK_AGAIN_MS;
      const reason = reasonOf(error);
      if (reason !== told) log.error('config.not_reloaded', { reason });
      told = reason;
    }
  };

  const current = async (): Promise<Providers> => {
    if (clock.now() < lookAgainAt) return known.providers;
    looking ??= look().finally(() => {
      looking = undefined;
    });
    await Promise.race([looking, clock.sleep(PATIENCE_MS)]);
    // Still under way: whoever comes next does not wait for it.
    if (looking !== undefined) lookAgainAt = clock.now() + LOOK_AGAIN_MS;
    return known.providers;
  };

  const reloading = (name: ProviderName): IdentityProvider => ({
    name,
    get clientId() {
      return known.providers[name].clientId;
    },
    get clientSecrets() {
      return known.providers[name].clientSecrets;
    },
    authorizationUrl: async (request) => (await current())[name].authorizationUrl(request),
    redeemCode: async (request) => (await current())[name].redeemCode(request),
    refresh: async (request) => (await current())[name].refresh(request),
    scopeFor: (audience) => known.providers[name].scopeFor(audience),
    explainRedirectError: (query) => known.providers[name].explainRedirectError(query),
  });
  return { microsoft: reloading('microsoft'), google: reloading('google') };
};
