import { createHash } from 'node:crypto';
import { brokerError } from '../../shared/domain/errors.ts';
import type { Audience, ProviderName, SignedInAccount } from '../../shared/domain/provider.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { ClientSecretDates, IdentityProvider, ProviderFailure } from '../../shared/ports/identity-provider.ts';
import { type Gate, makeGate } from './gate.ts';

/**
 * What becomes of a refresh token that was used. `strict`: it is retired, and its reuse ends every token of the sign-in
 * (RFC 9700 section 4.14.2). `lenient`: a new one comes, and the old one stays good, as at Microsoft. `none`: the same
 * one serves for good, as at Google.
 */
export type Rotation = 'strict' | 'lenient' | 'none';

/** Everything that comes of one sign-in. */
interface Family {
  readonly id: number;
  readonly account: SignedInAccount;
  readonly scopes: readonly string[];
  alive: boolean;
  newest: number;
  readonly retired: Set<string>;
}

export interface IssuedAccessToken {
  readonly accessToken: string;
  readonly subject: string;
  readonly audience: Audience;
  readonly expiresAt: number;
}

export interface Login {
  readonly account: SignedInAccount;
  readonly scopes?: readonly string[];
  readonly withoutRefreshToken?: boolean;
  readonly withoutAccount?: boolean;
}

export interface ScriptedProvider extends IdentityProvider {
  /** Writable: a test says when they expire. */
  clientSecrets: readonly ClientSecretDates[];
  rotation: Rotation;
  lifeSeconds: number;
  /** How long a refresh takes on the clock. */
  latencyMs: number;
  readonly refreshCalls: number;
  readonly redeemCalls: number;
  /** The most refreshes that were ever under way at once. */
  readonly mostAtOnce: number;
  readonly issued: readonly IssuedAccessToken[];
  /** Every refresh token that was ever given out. */
  readonly refreshTokens: readonly string[];
  /** Closed: a refresh is received and not yet looked at. */
  readonly requestGate: Gate;
  /** Closed: a refresh is decided and not yet answered. */
  readonly answerGate: Gate;
  /** The next refreshes fail so; those after them are looked at. */
  failNext(...failures: readonly ProviderFailure[]): void;
  /** Every refresh fails so from now on; undefined: no more. */
  failAlways(failure: ProviderFailure | undefined): void;
  failNextRedemption(failure: ProviderFailure): void;
  /** Every refresh for this audience fails so, whatever becomes of the others; undefined: no more. */
  refuseAudience(audience: Audience, failure: ProviderFailure | undefined): void;
  /** Ends every sign-in of the account. */
  revoke(subject: string): void;
  /** What the browser brings back after somebody logged in at this address. */
  login(authorizationUrl: string, login: Login): { readonly state: string; readonly code: string };
}

export const INVALID_GRANT: ProviderFailure = {
  class: 'person_must_act',
  affects: 'grant',
  kind: 'sign_in_lapsed',
  code: 'invalid_grant',
  message: 'The refresh token was revoked or has expired.',
};

/** Consent is missing, for what was asked or for all: the reply does not say which. */
export const CONSENT_MISSING: ProviderFailure = {
  class: 'person_must_act',
  affects: 'grant',
  kind: 'consent_withdrawn',
  code: 'AADSTS65001',
  message: 'The permission given to the broker no longer exists.',
  correlationId: 'made-up-correlation-id',
};

export const unavailable = (retryAfterSeconds?: number): ProviderFailure => ({
  class: 'retry_later',
  affects: 'provider',
  kind: 'provider_unavailable',
  code: 'http_503',
  message: 'The provider answered with HTTP status 503.',
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
});

export const REGISTRATION_REFUSED: ProviderFailure = {
  class: 'operator_must_act',
  affects: 'registration',
  kind: 'app_registration_refused',
  code: 'AADSTS7000222',
  message: 'The client secret has expired.',
};

const SCOPES: Record<ProviderName, Partial<Record<Audience, string>>> = {
  microsoft: {
    smtp: 'https://outlook.office.com/SMTP.Send',
    imap: 'https://outlook.office.com/IMAP.AccessAsUser.All',
    pop: 'https://outlook.office.com/POP.AccessAsUser.All',
    api: 'https://graph.microsoft.com/Mail.Send',
  },
  google: {
    smtp: 'https://mail.google.com/',
    imap: 'https://mail.google.com/',
    pop: 'https://mail.google.com/',
    api: 'https://mail.google.com/',
  },
};

const challengeOf = (codeVerifier: string): string => createHash('sha256').update(codeVerifier).digest('base64url');

const invalidCode = (message: string): Result<never, ProviderFailure> =>
  fail({ class: 'person_must_act', affects: 'grant', kind: 'sign_in_refused', code: 'invalid_grant', message });

/** Hands out refresh tokens, and knows what became of each; those of one client are nothing to another. */
const familyBook = (mark: string) => {
  const families: Family[] = [];
  const refreshTokens: string[] = [];

  const hand = (family: Family): string => {
    family.newest++;
    const token = `${mark}refresh-token-of-family-${family.id}-number-${family.newest}`;
    refreshTokens.push(token);
    return token;
  };

  return {
    refreshTokens,
    hand,
    begin({ account, scopes = [] }: Login): Family {
      const family = { id: families.length, account, scopes, alive: true, newest: 0, retired: new Set<string>() };
      families.push(family);
      return family;
    },
    of: (token: string): Family | undefined =>
      refreshTokens.includes(token) ? families[Number(/family-(\d+)-/.exec(token)?.[1])] : undefined,
    revoke(subject: string): void {
      for (const family of families) if (family.account.subject === subject) family.alive = false;
    },
  };
};

/** A model of an authorization server: codes with PKCE and refresh tokens as the standards have them, faults by script. */
export const scriptedProvider = (name: ProviderName, clock: Clock, clientId?: string): ScriptedProvider => {
  const mark = clientId === undefined ? '' : `${clientId}-`;
  const book = familyBook(mark);
  const issued: IssuedAccessToken[] = [];
  const codes = new Map<string, { readonly login: Login; readonly challenge: string; readonly redirectUri: string }>();
  const script: ProviderFailure[] = [];
  const refusedAudiences = new Map<Audience, ProviderFailure>();
  let always: ProviderFailure | undefined;
  let redemptionFailure: ProviderFailure | undefined;
  let refreshCalls = 0;
  let redeemCalls = 0;
  let underWay = 0;
  let mostAtOnce = 0;

  const issue = (family: Family, audience: Audience): string => {
    const accessToken = `access-token-${name}-${issued.length}-of-${family.account.subject}`;
    const expiresAt = Math.floor(clock.now() / 1000) + provider.lifeSeconds;
    issued.push({ accessToken, subject: family.account.subject, audience, expiresAt });
    return accessToken;
  };

  const decide = (refreshToken: string, audience: Audience) => {
    const scripted = script.shift() ?? always;
    if (scripted) return fail(scripted);
    const family = book.of(refreshToken);
    if (family?.retired.has(refreshToken)) family.alive = false;
    if (!family?.alive) return fail(INVALID_GRANT);
    const refusal = refusedAudiences.get(audience);
    if (refusal) return fail(refusal);
    const rotated = provider.rotation === 'none' ? undefined : book.hand(family);
    if (provider.rotation === 'strict') family.retired.add(refreshToken);
    return ok({
      accessToken: issue(family, audience),
      expiresInSeconds: provider.lifeSeconds,
      scopes: family.scopes,
      formerStaysValid: provider.rotation === 'lenient',
      ...(rotated === undefined ? {} : { refreshToken: rotated }),
    });
  };

  const provider: ScriptedProvider = {
    name,
    clientId: clientId ?? `client-at-${name}`,
    clientSecrets: [{}],
    rotation: 'strict',
    lifeSeconds: 3600,
    latencyMs: 0,
    issued,
    refreshTokens: book.refreshTokens,
    requestGate: makeGate(),
    answerGate: makeGate(),
    get refreshCalls() {
      return refreshCalls;
    },
    get redeemCalls() {
      return redeemCalls;
    },
    get mostAtOnce() {
      return mostAtOnce;
    },
    failNext: (...failures) => script.push(...failures),
    failAlways: (failure) => {
      always = failure;
    },
    failNextRedemption: (failure) => {
      redemptionFailure = failure;
    },
    refuseAudience: (audience, failure) => {
      if (failure) refusedAudiences.set(audience, failure);
      else refusedAudiences.delete(audience);
    },
    revoke: book.revoke,

    login(authorizationUrl, login) {
      const { searchParams } = new URL(authorizationUrl);
      const scopes = login.scopes ?? Object.values(SCOPES[name]);
      const code = `${mark}code-${codes.size}`;
      codes.set(code, {
        login: { ...login, scopes },
        challenge: searchParams.get('code_challenge') ?? '',
        redirectUri: searchParams.get('redirect_uri') ?? '',
      });
      return { state: searchParams.get('state') ?? '', code };
    },

    async authorizationUrl({ redirectUri, state, codeChallenge, loginHint }) {
      const query = {
        client_id: provider.clientId ?? '',
        redirect_uri: redirectUri,
        state,
        code_challenge: codeChallenge,
        login_hint: loginHint ?? '',
      };
      return `https://${name}.example/authorize?${new URLSearchParams({ ...query, code_challenge_method: 'S256' })}`;
    },

    async redeemCode({ code, codeVerifier, redirectUri }) {
      redeemCalls++;
      const failure = redemptionFailure;
      redemptionFailure = undefined;
      if (failure) return fail(failure);
      const known = codes.get(code);
      if (!known) return invalidCode('The code is not known, or was used.');
      codes.delete(code);
      codes.set(`${code} (used)`, known);
      if (challengeOf(codeVerifier) !== known.challenge) return invalidCode('The code verifier does not fit.');
      if (redirectUri !== known.redirectUri) return invalidCode('The redirect URI is another.');
      const family = book.begin(known.login);
      return ok({
        accessToken: issue(family, 'smtp'),
        expiresInSeconds: provider.lifeSeconds,
        scopes: family.scopes,
        formerStaysValid: provider.rotation === 'lenient',
        account: known.login.withoutAccount ? undefined : family.account,
        ...(known.login.withoutRefreshToken ? {} : { refreshToken: book.hand(family) }),
      });
    },

    async refresh({ refreshToken, audience }) {
      refreshCalls++;
      underWay++;
      mostAtOnce = Math.max(mostAtOnce, underWay);
      try {
        await provider.requestGate.pass();
        await clock.sleep(provider.latencyMs);
        const answer = decide(refreshToken, audience);
        await provider.answerGate.pass();
        return answer;
      } finally {
        underWay--;
      }
    },

    scopeFor: (audience) => SCOPES[name][audience],

    explainRedirectError: ({ error }) =>
      brokerError(error === 'access_denied' ? 'sign_in_cancelled' : 'sign_in_refused', 'The provider said no.'),
  };
  return provider;
};
