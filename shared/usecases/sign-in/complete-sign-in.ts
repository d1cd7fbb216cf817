import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError, passesByItself } from '../../domain/errors.ts';
import { type ProviderName, type SignedInAccount, sameAddress, scopeGranted } from '../../domain/provider.ts';
import { byRegistration, registrationBy } from '../../domain/registration.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { isPaired, type SignIn } from '../../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { ProviderFailure } from '../../ports/identity-provider.ts';
import type { IdentityProviders } from '../../ports/identity-providers.ts';
import type { KeyRing } from '../../ports/key-ring.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import type { RefreshGrant } from '../grants/refresh-grant.ts';
import { makeNoteRefusedSecrets } from '../grants/watch-app-registrations.ts';
import type { ResumeOutbox } from '../mail/wake-outbox.ts';
import { makeNotices, settleMailbox } from '../notices/raise-notice.ts';
import { finishPairing } from '../pairing/finish-pairing.ts';
import { matchesAny } from '../secrets.ts';
import type { AdoptSignIn, Permission } from './adopt-sign-in.ts';
import { codeVerifierContext, redirectUriOf } from './begin-sign-in.ts';

/** What the browser brought back from the provider (RFC 6749 section 4.1.2). */
export interface Callback {
  readonly provider: ProviderName;
  readonly state: string | undefined;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly errorDescription: string | undefined;
  /** The cookie set at departure. */
  readonly browserSecret: string | undefined;
}

export interface CompletedSignIn {
  readonly mailbox: Mailbox;
  /** `acquired`: the new grant has already yielded an access token. `waiting`: it will, when the provider answers. */
  readonly tokenStatus: 'acquired' | 'waiting';
  /** A device asked for it, and goes on by itself. */
  readonly isPaired: boolean;
}

/**
 * Why there is no working grant. `tookEffect`: the earlier one was replaced before the new one was refused. `isPaired`: a
 * device asked for it, and its code is still good unless the person said no.
 */
export interface SignInError extends BrokerError {
  readonly tookEffect?: true;
  readonly isPaired?: true;
}

interface Dependencies {
  readonly records: Records;
  readonly providers: IdentityProviders;
  readonly adoptSignIn: AdoptSignIn;
  readonly refreshGrant: RefreshGrant;
  readonly resumeOutbox: ResumeOutbox;
  readonly attemptKeys: KeyRing;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Longer than every id; the table's keys have a limit. */
const ID_LIMIT = 64;

const isAccountOf = ({ addresses }: SignedInAccount, mailbox: Mailbox): boolean =>
  addresses.some((address) => sameAddress(address, mailbox.address));

type StartedSignIn = Extract<SignIn, { state: 'started' }>;

/**
 * The way back from the provider: checks that this is the attempt, the browser and the account it should be, makes the
 * refresh token durable, and only then replaces the grant. Whatever goes wrong leaves the earlier grant as it was (R8).
 */
export const makeCompleteSignIn = (dependencies: Dependencies) => {
  const { records, providers, adoptSignIn, refreshGrant, resumeOutbox, attemptKeys, publicUrl, clock, log } =
    dependencies;

  const pairings = finishPairing(dependencies);
  const noteRefusedSecrets = makeNoteRefusedSecrets({ ...records, providers, clock, log });
  const notices = makeNotices(dependencies);

  /** The attempt that this callback belongs to, good for nobody else from here on. */
  const claim = async (callback: Callback): Promise<Result<StartedSignIn, BrokerError>> => {
    const id = callback.state?.split('.')[0];
    const signIn = id && id.length <= ID_LIMIT ? await records.signIns.get(id) : undefined;
    if (!signIn || signIn.provider !== callback.provider) return fail(brokerError('sign_in_not_found'));
    if (signIn.state !== 'started') return fail(brokerError('sign_in_already_used'));
    const { stateHash, browserHash } = signIn.attempt;
    // An earlier opening of the same link, or a guess: the link still works, and its last opening counts.
    if (!matchesAny(callback.state ?? '', [stateHash])) return fail(brokerError('sign_in_other_browser'));
    if (!matchesAny(callback.browserSecret ?? '', [browserHash])) return fail(brokerError('sign_in_other_browser'));
    if (signIn.expiresAt <= epochSeconds(clock)) return fail(brokerError('sign_in_expired'));
    const { attempt: _spent, ...rest } = signIn;
    if (!(await records.signIns.move(signIn, { ...rest, state: 'redeeming' }))) {
      return fail(brokerError('sign_in_already_used'));
    }
    return ok(signIn);
  };

  const redeem = async (
    signIn: StartedSignIn,
    mailbox: Mailbox | undefined,
    callback: Callback,
  ): Promise<Result<Permission, BrokerError>> => {
    // The code is good for the client that it was issued to, and so is all that comes of it (RFC 6749 section 4.1.3).
    const registration = registrationBy(signIn, signIn.attempt);
    const provider = providers.of(registration);
    const { code, error, errorDescription } = callback;
    if (error !== undefined) return fail(provider.explainRedirectError({ error, errorDescription }));
    if (code === undefined) return fail(brokerError('sign_in_refused', 'The provider sent neither code nor error.'));
    const reply = await provider.redeemCode({
      code,
      codeVerifier: await attemptKeys.open(signIn.attempt.sealedCodeVerifier, codeVerifierContext(signIn.id)),
      redirectUri: redirectUriOf(publicUrl, signIn.provider),
    });
    const { refusedClientSecrets } = reply.ok ? reply.value : reply.error;
    if (refusedClientSecrets) await noteRefusedSecrets(registration, refusedClientSecrets);
    if (!reply.ok) return fail(redemptionError(reply.error));
    const { refreshToken, account, scopes } = reply.value;
    if (account === undefined || (mailbox && !isAccountOf(account, mailbox))) {
      const who = account?.addresses[0] ?? 'an account that the provider did not name';
      const expected = mailbox === undefined ? '' : `; expected was ${mailbox.address}`;
      return fail(brokerError('sign_in_wrong_account', `Signed in was ${who}${expected}.`));
    }
    const sendScope = provider.scopeFor('smtp');
    if (sendScope !== undefined && !scopeGranted(scopes, sendScope)) {
      return fail(brokerError('sign_in_scope_missing', `Missing is: ${sendScope}`));
    }
    if (refreshToken === undefined) return fail(brokerError('sign_in_no_refresh_token'));
    return ok({ refreshToken, account, scopes, ...byRegistration(registration) });
  };

  /** Adopted, and proven by a first refresh, which also fills the cache before a device asks. */
  const establish = async (
    mailbox: Mailbox,
    permission: Permission,
  ): Promise<Result<CompletedSignIn['tokenStatus'], SignInError>> => {
    const adopted = await adoptSignIn(mailbox, permission);
    if (!adopted.ok) return adopted;
    const askedAt = clock.now() / 1000;
    const proof = await refreshGrant({
      ...{ mailboxId: mailbox.id, audience: 'smtp', minTtlSeconds: 1, askedAt },
      // The provider has just redeemed the code: whatever pause an outage caused, it answers again.
      duringBackOff: true,
    });
    if (proof.outcome === 'fresh') return ok('acquired');
    return passesByItself(proof.error) ? ok('waiting') : fail({ ...proof.error, tookEffect: true });
  };

  const finish = async (signIn: StartedSignIn, mailbox: Mailbox | undefined, error?: BrokerError): Promise<void> => {
    const { attempt: _spent, ...rest } = signIn;
    const outcome = error ? ({ state: 'failed', error } as const) : ({ state: 'completed' } as const);
    await records.signIns.move({ ...rest, state: 'redeeming' }, { ...rest, ...outcome });
    await records.signIns.close(signIn);
    await records.audit.add({
      organizationId: signIn.organizationId,
      by: 'person',
      action: error ? 'sign-in.failed' : 'sign-in.completed',
      subject: mailbox?.id ?? signIn.id,
      detail: error ? `${error.kind}${error.detail ? `: ${error.detail}` : ''}` : (mailbox?.address ?? ''),
    });
    log.info(error ? 'sign_in.failed' : 'sign_in.completed', {
      mailbox_id: mailbox?.id,
      sign_in_id: signIn.id,
      kind: error?.kind,
      code: error?.code,
    });
  };

  /** Everything between the claim of an attempt and its end. */
  const carryOut = async (
    signIn: StartedSignIn,
    expected: Mailbox | undefined,
    callback: Callback,
  ): Promise<Result<CompletedSignIn, SignInError>> => {
    const permission = await redeem(signIn, expected, callback);
    if (!permission.ok) return permission;
    const standing = isPaired(signIn) ? await pairings.check(signIn) : undefined;
    if (standing && !standing.ok) return standing;
    const mailbox = expected ? ok(expected) : await pairings.mailboxFor(signIn, permission.value.account);
    if (!mailbox.ok) return mailbox;
    const established = await establish(mailbox.value, permission.value);
    if (!established.ok) return established;
    await resumeOutbox(mailbox.value.id);
    await settleMailbox(notices, mailbox.value);
    if (isPaired(signIn) && standing) {
      const granted = await pairings.grant(signIn, mailbox.value, standing.value);
      if (!granted.ok) return fail({ ...granted.error, tookEffect: true });
    }
    return ok({ mailbox: mailbox.value, tokenStatus: established.value, isPaired: isPaired(signIn) });
  };

  return async (callback: Callback): Promise<Result<CompletedSignIn, SignInError>> => {
    const claimed = await claim(callback);
    if (!claimed.ok) {
      log.info('sign_in.refused', { provider: callback.provider, kind: claimed.error.kind });
      return claimed;
    }
    const signIn = claimed.value;
    const expected = signIn.mailboxId === undefined ? undefined : await records.mailboxes.get(signIn.mailboxId);
    if (signIn.mailboxId !== undefined && !expected) return fail(brokerError('sign_in_not_found'));
    const completed = await carryOut(signIn, expected, callback);
    await finish(signIn, completed.ok ? completed.value.mailbox : expected, completed.ok ? undefined : completed.error);
    if (completed.ok || !isPaired(signIn)) return completed;
    await pairings.refuse(signIn, completed.error);
    return fail({ ...completed.error, isPaired: true });
  };
};

export type CompleteSignIn = ReturnType<typeof makeCompleteSignIn>;

/** A failed exchange is no verdict on the earlier grant; it only ends this attempt. */
const redemptionError = ({ kind, message, code, correlationId }: ProviderFailure): BrokerError => ({
  kind: kind === 'sign_in_lapsed' ? 'sign_in_refused' : kind,
  detail: message,
  code,
  ...(correlationId === undefined ? {} : { correlationId }),
});
