import { ConfigError } from '../../config/config-document.ts';
import { parseBrokerConfig } from '../../config/provider-config.ts';
import type { Registration } from '../../domain/registration.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IdentityProvider } from '../../ports/identity-provider.ts';
import type { IdentityProviders } from '../../ports/identity-providers.ts';
import type { Log } from '../../ports/log.ts';
import { configuredIdentityProviders } from './configured.ts';

/** A refused registration is tried again as often (`OPERATOR_RETRY_SECONDS`): a mended client secret is in use soon after. */
const RELOAD_EVERY_MS = 5 * 60_000;

/**
 * Until the next look after one that failed, so that its time-out does not delay every call; and after any look, however much
 * somebody wants to know.
 */
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
}): Promise<IdentityProviders> => {
  const made = (text: string) => ({
    text,
    providers: configuredIdentityProviders(parseBrokerConfig(text, 'the provider configuration')),
  });
  /** When to look; sooner, if what is known does not do. */
  const next = (ms: number, soonestMs = ms) => ({ at: clock.now() + ms, soonestAt: clock.now() + soonestMs });
  let nextLook = next(RELOAD_EVERY_MS, LOOK_AGAIN_MS);
  let known = made(await load());
  let looking: Promise<void> | undefined;
  let told: string | undefined;

  const look = async (): Promise<void> => {
    const afterThis = next(RELOAD_EVERY_MS, LOOK_AGAIN_MS);
    try {
      const text = await load();
      // The same text, the same providers: they remember which client secret was accepted.
      if (text !== known.text) {
        known = made(text);
        log.info('config.reloaded');
      }
      nextLook = afterThis;
      told = undefined;
    } catch (error) {
      nextLook = next(LOOK_AGAIN_MS);
      const reason = reasonOf(error);
      if (reason !== told) log.error('config.not_reloaded', { reason });
      told = reason;
    }
  };

  const current = async (isWanting = false): Promise<IdentityProviders> => {
    if (clock.now() < (isWanting ? nextLook.soonestAt : nextLook.at)) return known.providers;
    looking ??= look().finally(() => {
      looking = undefined;
    });
    await Promise.race([looking, clock.sleep(PATIENCE_MS)]);
    // Still under way: whoever comes next does not wait for it.
    if (looking !== undefined) nextLook = next(LOOK_AGAIN_MS);
    return known.providers;
  };

  const reloading = (registration: Registration): IdentityProvider => {
    const here = (): IdentityProvider => known.providers.of(registration);
    // One that is not known may have just been entered: another process has begun a sign-in with it.
    const now = async () => (await current(here().clientId === undefined)).of(registration);
    return {
      name: registration.provider,
      get clientId() {
        return here().clientId;
      },
      get clientSecrets() {
        return here().clientSecrets;
      },
      authorizationUrl: async (request) => (await now()).authorizationUrl(request),
      redeemCode: async (request) => (await now()).redeemCode(request),
      refresh: async (request) => (await now()).refresh(request),
      scopeFor: (audience) => here().scopeFor(audience),
      explainRedirectError: (query) => here().explainRedirectError(query),
    };
  };
  return {
    of: reloading,
    forSignIn: async (whose) => (await current()).forSignIn(whose),
    configured: async () => (await current(true)).configured(),
  };
};
