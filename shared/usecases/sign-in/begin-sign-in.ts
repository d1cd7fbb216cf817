import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import type { ProviderName } from '../../domain/provider.ts';
import { byRegistration } from '../../domain/registration.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type MailboxSignIn, SIGN_IN_SECONDS, type SignIn } from '../../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { IdentityProviders } from '../../ports/identity-providers.ts';
import type { KeyRing } from '../../ports/key-ring.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { hashOf, longSecret, newId } from '../secrets.ts';

/** The code verifier opens only for the attempt it was sealed for. */
export const codeVerifierContext = (signInId: string): string => `code-verifier|${signInId}`;

/** One redirect URI for each provider: the defence against mix-up (RFC 9700 section 4.4). */
export const redirectUriOf = (publicUrl: string, provider: ProviderName): string =>
  `${publicUrl}/oauth/callback/${provider}`;

/** Makes an attempt and its link; nothing has happened at the provider yet. */
export const makeBeginSignIn =
  ({ signIns, clock, random }: { signIns: Records['signIns']; clock: Clock; random: Random }) =>
  async (mailbox: Mailbox): Promise<MailboxSignIn> => {
    const signIn: MailboxSignIn = {
      id: newId('sgn', random),
      mailboxId: mailbox.id,
      organizationId: mailbox.organizationId,
      provider: mailbox.provider,
      expiresAt: epochSeconds(clock) + SIGN_IN_SECONDS,
      state: 'pending',
    };
    await signIns.create(signIn);
    return signIn;
  };

export interface Departure {
  /** The provider's login page. */
  readonly authorizationUrl: string;
  /** To be kept by this browser alone, as a cookie, until it comes back. */
  readonly browserSecret: string;
  readonly provider: ProviderName;
}

/**
 * Somebody opened the link: binds the attempt to that browser and sends it to the provider, by the app registration that is
 * configured now, with PKCE S256 (RFC 7636) and a single-use `state`. Opening the link again starts over, and only the last
 * opened browser can finish.
 */
export const makeDepartForProvider =
  ({
    records,
    providers,
    attemptKeys,
    publicUrl,
    clock,
    random,
  }: {
    records: Pick<Records, 'signIns' | 'mailboxes' | 'organizations'>;
    providers: IdentityProviders;
    attemptKeys: KeyRing;
    publicUrl: string;
    clock: Clock;
    random: Random;
  }) =>
  async (signInId: string): Promise<Result<Departure, BrokerError>> => {
    const signIn = await records.signIns.get(signInId);
    if (!signIn) return fail(brokerError('sign_in_not_found'));
    const mailbox = signIn.mailboxId === undefined ? undefined : await records.mailboxes.get(signIn.mailboxId);
    if (signIn.mailboxId !== undefined && !mailbox) return fail(brokerError('sign_in_not_found'));
    if (signIn.state !== 'pending' && signIn.state !== 'started') return fail(brokerError('sign_in_already_used'));
    if (signIn.expiresAt <= epochSeconds(clock)) return fail(brokerError('sign_in_expired'));
    const organization = await records.organizations.get(signIn.organizationId);
    if (!organization?.enabled) return fail(brokerError('sign_in_refused', 'The organization is disabled.'));
    const registration = await providers.forSignIn(signIn);
    const client = providers.of(registration);
    if (client.clientId === undefined) {
      const { name } = client;
      return fail(brokerError('app_registration_refused', `No app registration for ${name} is configured.`));
    }

    const state = `${signIn.id}.${longSecret(random)}`;
    const browserSecret = longSecret(random);
    const codeVerifier = longSecret(random);
    const { id, provider } = signIn;
    const started: SignIn = {
      ...signIn,
      state: 'started',
      attempt: {
        stateHash: hashOf(state),
        browserHash: hashOf(browserSecret),
        sealedCodeVerifier: await attemptKeys.seal(codeVerifier, codeVerifierContext(id)),
        ...byRegistration(registration),
      },
    };
    if (!(await records.signIns.move(signIn, started))) return fail(brokerError('sign_in_already_used'));
    const authorizationUrl = await client.authorizationUrl({
      redirectUri: redirectUriOf(publicUrl, provider),
      state,
      codeChallenge: hashOf(codeVerifier),
      loginHint: mailbox?.address ?? signIn.pairing?.loginHint,
    });
    return ok({ authorizationUrl, browserSecret, provider });
  };

export type DepartForProvider = ReturnType<typeof makeDepartForProvider>;
