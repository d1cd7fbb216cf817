import { configuredIdentityProviders } from '../../shared/adapters/identity-providers/configured.ts';
import { MICROSOFT_REPLIES } from '../../shared/adapters/msal/replies.ts';
import { exchangeThrough } from '../../shared/adapters/oauth-http/exchange.ts';
import { readTokenReply, refusesClientSecret } from '../../shared/adapters/oauth-http/replies.ts';
import { clientSecretsOf } from '../../shared/config/client-secrets.ts';
import type { BrokerConfig, GoogleConfig, MicrosoftConfig } from '../../shared/config/provider-config.ts';
import { type Registration, registrationKey } from '../../shared/domain/registration.ts';
import { fail, type Result } from '../../shared/domain/result.ts';
import type { IdentityProvider, ProviderFailure } from '../../shared/ports/identity-provider.ts';
import { type RedirectVerdict, tryRedirect } from './redirect-probe.ts';

/** What became of one question: yes, no with the reason, or why nobody can tell. */
export type Verdict =
  | { readonly is: 'right' }
  | { readonly is: 'refused'; readonly why: string; readonly code: string }
  | { readonly is: 'unknown'; readonly why: string };

export interface RegistrationReport {
  readonly key: string;
  readonly redirectUri: string;
  /** Each client secret in its order, with the client id it belongs to. */
  readonly secrets: readonly Verdict[];
  readonly redirect: RedirectVerdict;
}

/** No provider ever gave out such. */
const NO_CODE = 'setup-check-no-such-code';
const NO_TOKEN = 'setup-check-no-such-token';
/** Long enough for every PKCE rule (RFC 7636 section 4.1). */
const VERIFIER = 'setup-check-no-such-verifier-0123456789-0123456789';
/** Stands for any secret that is wrong for certain. */
const WRONG_SECRET = 'setup-check-wrong-on-purpose';
const TIMEOUT_MS = 20_000;

type Entry = MicrosoftConfig | GoogleConfig;
type Answer = Result<unknown, ProviderFailure>;

/** A code that nobody was given, and a refresh token likewise. Neither does anything at the provider. */
const PROBES: readonly ((provider: IdentityProvider, redirectUri: string) => Promise<Answer>)[] = [
  (provider, redirectUri) => provider.redeemCode({ code: NO_CODE, codeVerifier: VERIFIER, redirectUri }),
  (provider) => provider.refresh({ refreshToken: NO_TOKEN, audience: 'smtp' }),
];

/** Codes by which Microsoft says that the client id, or the configured directory, is not there (facts 1.9). */
const NO_SUCH_CLIENT = ['AADSTS700016', 'AADSTS90002', 'AADSTS900023'];

const isRefusal = ({ affects, code }: ProviderFailure): boolean =>
  affects === 'registration' || NO_SUCH_CLIENT.includes(code);

const refusesSecret = (answer: Answer): boolean => !answer.ok && (answer.error.refusedClientSecrets ?? []).length > 0;

const withSecret = (entry: Entry, value: string): Entry => {
  const { client_secret: _one, client_secret_expires_on: _on, client_secrets: _list, ...rest } = entry;
  return { ...rest, client_secret: value };
};

const providerFor = ({ provider, organizationId }: Registration, entry: Entry): IdentityProvider => {
  const entries = { [provider]: entry };
  const config =
    organizationId === undefined
      ? { providers: entries, organizations: {} }
      : { providers: {}, organizations: { [organizationId]: { providers: entries } } };
  return configuredIdentityProviders(config as BrokerConfig).of({
    provider,
    ...(organizationId === undefined ? {} : { organizationId }),
  });
};

const refusal = ({ message, code }: ProviderFailure): Verdict => ({ is: 'refused', why: message, code });

/**
 * A grant without a person (RFC 6749 section 4.4), which Microsoft gives every confidential client: it looks at the client
 * and nothing else. The token it yields is good for nothing, as the app has no permissions of its own, and is dropped here.
 */
const tryAlone = async (entry: Entry, secret: string): Promise<Answer> => {
  const { endpoints, tenant } = entry as MicrosoftConfig;
  const url = endpoints?.token_endpoint ?? `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`;
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: entry.client_id,
    client_secret: secret,
    scope: 'https://graph.microsoft.com/.default',
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const exchange = await exchangeThrough((fetch) => fetch(url, { method: 'POST', headers, body: body.toString() }), {
    signal,
    endpoints,
  });
  const reply = readTokenReply(exchange, MICROSOFT_REPLIES, 'refresh', []);
  const isRefused = refusesClientSecret(exchange, MICROSOFT_REPLIES, 'refresh');
  return !reply.ok && isRefused ? fail({ ...reply.error, refusedClientSecrets: [0] }) : reply;
};

/**
 * Whether this secret is the client's. A server should look at the client before it looks at the code (RFC 6749 section
 * 4.1.3), but some look at the form of a code first. So the same is asked with a secret that is wrong for certain: only
 * where that is refused, and this one is not, is this one right.
 */
const checkSecret = async (registration: Registration, entry: Entry, secret: string, redirectUri: string) => {
  const asked = providerFor(registration, withSecret(entry, secret));
  const control = providerFor(registration, withSecret(entry, WRONG_SECRET));
  const pairs: (readonly [() => Promise<Answer>, () => Promise<Answer>])[] = PROBES.map((probe) => [
    () => probe(asked, redirectUri),
    () => probe(control, redirectUri),
  ]);
  if (registration.provider === 'microsoft') {
    pairs.push([() => tryAlone(entry, secret), () => tryAlone(entry, WRONG_SECRET)]);
  }
  for (const [ask, askWrongly] of pairs) {
    const answer = await ask();
    if (!answer.ok && isRefusal(answer.error)) return refusal(answer.error);
    if (!answer.ok && answer.error.affects === 'provider') {
      return { is: 'unknown', why: answer.error.message } as const;
    }
    if (refusesSecret(await askWrongly())) return { is: 'right' } as const;
  }
  return { is: 'unknown', why: 'the provider does not look at the client secret until somebody signs in' } as const;
};

/** Every registration of the document, one after the other: providers take bursts of refused requests for an attack. */
export const checkRegistrations = async (
  config: BrokerConfig,
  publicUrl: string,
): Promise<readonly RegistrationReport[]> => {
  const entryOf = ({ provider, organizationId }: Registration): Entry | undefined =>
    organizationId === undefined
      ? config.providers[provider]
      : config.organizations[organizationId]?.providers[provider];
  const reports: RegistrationReport[] = [];
  for (const registration of await configuredIdentityProviders(config).configured()) {
    const entry = entryOf(registration);
    if (entry === undefined) throw new Error(`${registrationKey(registration)} is configured and has no entry`);
    const redirectUri = `${publicUrl}/oauth/callback/${registration.provider}`;
    const secrets: Verdict[] = [];
    for (const { value } of clientSecretsOf(entry)) {
      secrets.push(await checkSecret(registration, entry, value, redirectUri));
    }
    const redirect = await tryRedirect(providerFor(registration, entry), redirectUri);
    reports.push({ key: registrationKey(registration), redirectUri, secrets, redirect });
  }
  return reports;
};

/** Nothing of it can work: every secret is refused. One that is refused beside one that is not, is being replaced. */
export const isRefused = ({ secrets }: RegistrationReport): boolean => secrets.every(({ is }) => is === 'refused');
