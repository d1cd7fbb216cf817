import { type CoolDown, LONGEST_PAUSE_SECONDS, pauseAt } from '../../domain/cool-down.ts';
import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import {
  audienceRefusal,
  audiencesInUse,
  type Grant,
  type GrantTrouble,
  generationOf,
  grantRefusal,
  isLive,
  type LiveGrant,
  refusedAudience,
} from '../../domain/grant.ts';
import { AUDIENCES, type Audience, GRANT_AUDIENCE } from '../../domain/provider.ts';
import { planRefresh } from '../../domain/refresh-plan.ts';
import type { Registration } from '../../domain/registration.ts';
import {
  backOffSeconds,
  freshEnough,
  issueTimes,
  livesLongEnough,
  OPERATOR_RETRY_SECONDS,
  PROVIDER_FAULT_BACK_OFF,
  PROVIDER_TIMEOUT_SECONDS,
  REFRESH_BACK_OFF,
} from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { ProviderFailure } from '../../ports/identity-provider.ts';
import type { IdentityProviders } from '../../ports/identity-providers.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { RefreshOutcome, RefreshRequest } from '../../ports/refresher.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import type { CoolDownRecord } from '../../records/cool-downs.ts';
import type { CachedAccessToken, Lease } from '../../records/grants.ts';
import type { Records } from '../../records/index.ts';
import { makeNotices } from '../notices/raise-notice.ts';
import { longSecret } from '../secrets.ts';
import { makeCoolDowns } from './cool-downs.ts';
import { makeUseRefreshToken, type Used, type VaultNote } from './use-refresh-token.ts';
import { makeNoteRefusedSecrets } from './watch-app-registrations.ts';

/** How often one who waits for another's refresh looks whether it is done: a provider answers in 100 to 500 ms. */
const LOOK_AGAIN_MS = { first: 100, most: 1000 };

/** Nobody waits longer for another's refresh than that refresh may take; API Gateway would hang up at 30 s. */
const WAIT_LIMIT_MS = (PROVIDER_TIMEOUT_SECONDS + 5) * 1000;

/**
 * An audience that was refused is asked for again, when a device asks, after this: within a working day of the
 * administrator's consent it heals by itself, and a fleet that goes on asking costs two calls an hour.
 */
const REFUSED_AUDIENCE_RETRY_SECONDS = 3600;

interface Dependencies {
  readonly records: Pick<Records, 'grants' | 'mailboxes' | 'coolDowns' | 'appRegistrations' | 'audit' | 'notices'>;
  readonly vault: TokenVault;
  readonly providers: IdentityProviders;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What is known of the grant while its lease is held. */
interface Holding {
  readonly mailbox: Mailbox;
  readonly audience: Audience;
  readonly lease: Lease;
  readonly grant: LiveGrant;
  readonly revision: number;
  readonly lastUsedAt: Partial<Record<Audience, number>>;
  /** What is cached, in the order of `AUDIENCES`. */
  readonly tokens: readonly (CachedAccessToken | undefined)[];
  /** By which the provider is asked, and what is known against that. */
  readonly registration: Registration;
  readonly known: CoolDownRecord;
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
}

/** `again`: the grant moved on meanwhile (a sign-in, a sign-out, a lost lease); look at it afresh. */
type Step = RefreshOutcome | { readonly outcome: 'again' };

const FRESH: RefreshOutcome = { outcome: 'fresh' };
const AGAIN: Step = { outcome: 'again' };
const failed = (error: BrokerError): RefreshOutcome => ({ outcome: 'failed', error });

/** What the log says of a failure in the provider's own words. */
const saidFields = ({ kind, code, message, correlationId }: Omit<GrantTrouble, 'at' | 'retryAt'>) => ({
  ...{ kind, code, detail: message },
  provider_correlation_id: correlationId,
});

const notBefore = (retryAt: number, now: number, { kind, message, code }: Omit<GrantTrouble, 'at' | 'retryAt'>) =>
  failed({ kind, detail: message, code, retryAfterSeconds: retryAt - now });

const pausedUntil = ({ cause, until, code, message }: CoolDown, now: number): RefreshOutcome =>
  notBefore(until, now, {
    kind: cause === 'registration' ? 'app_registration_refused' : 'provider_unavailable',
    code,
    message,
  });

/**
 * Gets a fresh access token for a mailbox and puts it into the cache: one call to the provider at a time for each grant,
 * over all processes. The order of writes is the heart of it: a rotated refresh token is durable in the vault before the
 * access token that came with it can be used by anybody (docs/adr/0005).
 */
export const makeRefreshGrant = ({ records, vault, providers, clock, random, log }: Dependencies) => {
  const { grants } = records;
  const coolDowns = makeCoolDowns({ coolDowns: records.coolDowns, clock, random, log });
  const noteRefusedSecrets = makeNoteRefusedSecrets({ ...records, providers, clock, log });
  const useRefreshToken = makeUseRefreshToken({ grants, vault, clock, log });
  const notices = makeNotices({ records, clock, random, log });
  const underWay = new Map<string, Promise<RefreshOutcome>>();
  /** Leases that nobody gives back: they ended with the write they were taken for, or are to run out. */
  const kept = new WeakSet<Lease>();

  const grantFields = ({ mailbox, begunAt }: Holding) => ({
    mailbox_id: mailbox.id,
    provider: mailbox.provider,
    seconds: (clock.now() - begunAt) / 1000,
  });

  const noteDown = ({ id, organizationId, provider }: Mailbox, action: string, detail: string): Promise<void> =>
    records.audit.add({ organizationId, by: `provider:${provider}`, action, subject: id, detail });

  const finish = async (
    { mailbox, lease, revision }: Holding,
    grant: Grant,
    dueAt: number | undefined,
    token?: CachedAccessToken,
  ): Promise<boolean> => {
    const written = await grants.replaceAndRelease(mailbox.id, lease, revision, grant, dueAt, token);
    if (written) kept.add(lease);
    return written;
  };

  /** When the sweep shall come by: before the first of the tokens in use runs out, else at the daily keep-alive. */
  const nextDueAt = (
    { mailbox, lastUsedAt, tokens }: Holding,
    grant: LiveGrant,
    fresh: CachedAccessToken,
    now: number,
  ): number => {
    const known = AUDIENCES.map((audience, index) => [audience, audience === fresh.audience ? fresh : tokens[index]]);
    const inUse = audiencesInUse(grant, lastUsedAt);
    const facts = { mailboxId: mailbox.id, lastUsedAt: inUse, tokens: Object.fromEntries(known) };
    const plan = planRefresh({ ...facts, provenAt: now, retryAt: undefined }, now);
    return plan.refresh.length > 0 ? now : plan.nextDueAt;
  };

  /** Puts a token into the cache, and with it notes that the grant is proven. False: the lease was lost. */
  const store = async (
    holding: Holding,
    audience: Audience,
    { reply, note }: Pick<Extract<Used, { outcome: 'token' }>, 'reply' | 'note'>,
    refused: LiveGrant['refused'],
  ): Promise<boolean> => {
    const { mailbox } = holding;
    const now = epochSeconds(clock);
    const issuedAt = clock.now() / 1000;
    const token: CachedAccessToken = {
      audience,
      sealed: await grants.sealAccessToken(mailbox.organizationId, mailbox.id, audience, reply.accessToken),
      issuedAt,
      issueTimes: issueTimes(issuedAt, holding.tokens[AUDIENCES.indexOf(audience)]?.issueTimes ?? []),
      expiresAt: now + reply.expiresInSeconds,
      scopes: reply.scopes,
      generation: holding.grant.generation,
    };
    const { trouble: _healed, warnedDays, stores: _counted, refused: _before, ...held } = holding.grant;
    const others = refused && { refused };
    const grant: LiveGrant = { ...held, ...note, ...others, state: 'active', provenAt: now, failures: 0 };
    if (!(await finish(holding, grant, nextDueAt(holding, grant, token, now), token))) return false;
    if (warnedDays !== undefined) {
      await notices.settle({ kind: 'grant.expiring', organizationId: mailbox.organizationId, subject: mailbox.id });
    }
    const isNew = note.refreshTokenVersion !== holding.grant.refreshTokenVersion;
    const got = { audience, expires_in: reply.expiresInSeconds, stored: isNew };
    log.info('grant.refreshed', { ...grantFields(holding), ...got });
    return true;
  };

  const succeeded = async (holding: Holding, used: Extract<Used, { outcome: 'token' }>): Promise<Step> => {
    const { [holding.audience]: _granted, ...refused } = holding.grant.refused ?? {};
    const others = Object.keys(refused).length === 0 ? undefined : refused;
    return (await store(holding, holding.audience, used, others)) ? FRESH : AGAIN;
  };

  /** Nothing but this audience is touched; and nobody asks for it again before its time. */
  const withheld = async (holding: Holding, used: Extract<Used, { outcome: 'audience_refused' }>): Promise<Step> => {
    const { mailbox, audience, grant } = holding;
    const now = epochSeconds(clock);
    const { kind, code, message, correlationId } = used.failure;
    const about = { kind, code, message, ...(correlationId ? { correlationId } : {}) };
    const refusal: GrantTrouble = { ...about, at: now, retryAt: now + REFUSED_AUDIENCE_RETRY_SECONDS };
    const refused = { ...grant.refused, [audience]: refusal };
    if (!(await store(holding, GRANT_AUDIENCE, used, refused))) return AGAIN;
    const isNew = grant.refused?.[audience] === undefined;
    const fields = { mailbox_id: mailbox.id, audience, ...saidFields(refusal) };
    log[isNew ? 'warn' : 'info']('grant.audience_refused', fields);
    if (isNew) await noteDown(mailbox, 'grant.audience-refused', `${audience}: ${code}: ${message}`);
    return failed(refusedAudience(audience, refusal));
  };

  const waitSeconds = ({ class: by, affects, retryAfterSeconds = 0 }: ProviderFailure, failures: number): number => {
    if (by === 'operator_must_act' && affects === 'grant') return OPERATOR_RETRY_SECONDS;
    if (affects === 'grant')
      return Math.max(backOffSeconds(failures, REFRESH_BACK_OFF, random.fraction()), retryAfterSeconds);
    const backOff = backOffSeconds(failures, PROVIDER_FAULT_BACK_OFF, random.fraction());
    return Math.max(backOff, Math.min(retryAfterSeconds, LONGEST_PAUSE_SECONDS));
  };

  /** With the lease given up, and what was stored meanwhile written down. */
  const lookAgain = async (holding: Holding, stored: VaultNote | undefined): Promise<Step> => {
    if (stored !== undefined) await finish(holding, { ...holding.grant, ...stored }, epochSeconds(clock));
    return AGAIN;
  };

  /** Also where the refusal brought a token to go on with (`stored`). */
  const refused = async (
    { grant: before, ...held }: Holding,
    stored: VaultNote | undefined,
    failure: ProviderFailure,
  ): Promise<Step> => {
    const holding = { ...held, grant: { ...before, ...stored } };
    const { mailbox } = holding;
    const now = epochSeconds(clock);
    const failures = holding.grant.failures + 1;
    const { kind, code, message, correlationId } = failure;
    const seconds = waitSeconds(failure, failures);
    const about = { kind, code, message, ...(correlationId ? { correlationId } : {}) };
    const trouble: GrantTrouble = { ...about, at: now, retryAt: Math.ceil(clock.now() / 1000 + seconds) };
    const ended = failure.class === 'person_must_act';
    const grant: Grant = ended
      ? { ...holding.grant, state: 'invalid', invalidSince: now, reason: kind, failures, trouble }
      : { ...holding.grant, failures, trouble };
    if (ended) {
      const { id, organizationId, address } = mailbox;
      const subject = { subject: id, mailboxId: id, organizationId, address };
      // First, so that nobody dies between the end of a grant and the word of it; what did not come true is not told.
      await notices.raise({ kind: 'grant.invalid', ...subject, reason: kind, detail: message, code, correlationId });
    }
    if (!(await finish(holding, grant, ended ? undefined : trouble.retryAt))) return AGAIN;
    const fields = { ...grantFields(holding), class: failure.class, ...saidFields(failure) };
    if (ended) {
      log.warn('grant.invalid', fields);
      await noteDown(mailbox, 'grant.invalid', `${code}: ${message}`);
    } else {
      const isOperators = failure.class === 'operator_must_act' && failure.affects === 'grant';
      log[isOperators ? 'error' : 'warn']('grant.refresh_failed', { ...fields, failures, retry_in: seconds });
    }
    const { message: detail, ...error } = about;
    return failed({ ...error, detail, ...(ended ? {} : { retryAfterSeconds: seconds }) });
  };

  /** Only under the lease. */
  const callProvider = async (holding: Holding, byPerson: boolean): Promise<Step> => {
    const { mailbox, audience, registration, known } = holding;
    // A key ring that fails shall do so before the provider is asked: each call costs it a token that nobody could use.
    await grants.sealAccessToken(mailbox.organizationId, mailbox.id, audience, '');
    const admission = await coolDowns.admit(registration, known, byPerson);
    if ('pausing' in admission) return pausedUntil(admission.pausing, epochSeconds(clock));
    let stored: VaultNote | undefined;
    const onStored = (note: VaultNote): void => {
      stored = note;
      // Should it not come to be written down, nobody knows what the vault must give, until it surely gives it.
      kept.add(holding.lease);
    };
    const used = await useRefreshToken({ ...holding, onStored }, providers.of(registration));
    if (used.outcome === 'again') return lookAgain(holding, stored);
    if (used.outcome === 'vault') return refused(holding, stored, used.failure);
    const { refusedClientSecrets } = used.outcome === 'refused' ? used.failure : used.reply;
    if (refusedClientSecrets) await noteRefusedSecrets(registration, refusedClientSecrets);
    // Whatever the provider says of this one grant, it answers, and to this registration.
    if (used.outcome === 'refused') await coolDowns.failed(registration, used.failure, admission);
    if (used.outcome !== 'refused' || used.failure.affects === 'grant')
      await coolDowns.succeeded(registration, admission);
    if (used.outcome === 'refused') return refused(holding, stored, used.failure);
    return used.outcome === 'token' ? succeeded(holding, used) : withheld(holding, used);
  };

  /** One look at the grant, and whatever it asks for. Undefined: another process is refreshing it just now. */
  const step = async (
    mailbox: Mailbox,
    request: RefreshRequest,
    heldLease: Lease | undefined,
  ): Promise<Step | undefined> => {
    const { audience, minTtlSeconds, askedAt, duringBackOff = false } = request;
    const read = await grants.getToRefresh(mailbox);
    const { grant, tokens, known } = read;
    const refusal = grantRefusal(grant);
    if (refusal !== undefined || !isLive(grant)) return failed(brokerError(refusal ?? 'not_signed_in'));
    const now = epochSeconds(clock);
    const token = tokens[AUDIENCES.indexOf(audience)];
    if (token && token.generation === generationOf(grant)) {
      if (livesLongEnough(token, minTtlSeconds, now) || token.issuedAt >= askedAt) return FRESH;
      if (livesLongEnough(token, 0, now) && freshEnough(token.issueTimes, now)) return FRESH;
    }
    const scope = providers.of(read.registration).scopeFor(audience);
    if (scope === undefined) return failed(brokerError('scope_not_offered'));
    const notGranted = audienceRefusal(grant, audience, scope, now);
    if (notGranted !== undefined) return failed(notGranted);
    const { trouble } = grant;
    if (trouble && trouble.retryAt > now && !duringBackOff) return notBefore(trouble.retryAt, now, trouble);
    if (heldLease)
      return callProvider({ ...read, mailbox, audience, lease: heldLease, grant, begunAt: clock.now() }, duringBackOff);
    const pause = pauseAt(known.coolDown, now);
    if (pause !== undefined && !duringBackOff) return pausedUntil(pause, now);

    const lease = await grants.takeLease(mailbox.id, longSecret(random), 'refresh', now);
    if (lease === undefined) return undefined;
    try {
      // Looked at again under the lease: whoever held it before may have brought what is wanted.
      return await step(mailbox, request, lease);
    } finally {
      if (!kept.has(lease)) await grants.releaseLease(mailbox.id, lease);
    }
  };

  /** Until the lease is free, or the time is over. What is looked at is small: hundreds may be waiting. */
  const awaitTurn = async (mailboxId: string, giveUpAt: number): Promise<void> => {
    for (let pause = LOOK_AGAIN_MS.first; clock.now() < giveUpAt; pause = Math.min(pause * 1.5, LOOK_AGAIN_MS.most)) {
      await clock.sleep(Math.min(pause * (0.75 + random.fraction() / 2), giveUpAt - clock.now()));
      if (!(await grants.isLeased(mailboxId, epochSeconds(clock)))) return;
    }
  };

  const run = async (request: RefreshRequest): Promise<RefreshOutcome> => {
    const mailbox = await records.mailboxes.get(request.mailboxId);
    if (mailbox === undefined) return failed(brokerError('not_signed_in'));
    const giveUpAt = clock.now() + WAIT_LIMIT_MS;
    for (;;) {
      const result = await step(mailbox, request, undefined);
      if (result !== undefined && result.outcome !== 'again') return result;
      if (clock.now() >= giveUpAt) {
        return failed({
          ...brokerError('provider_unavailable', 'Another refresh is still waiting.'),
          retryAfterSeconds: 5,
        });
      }
      await awaitTurn(mailbox.id, giveUpAt);
    }
  };

  return async (request: RefreshRequest): Promise<RefreshOutcome> => {
    const { mailboxId, audience, minTtlSeconds, duringBackOff } = request;
    const name = [mailboxId, audience, minTtlSeconds, duringBackOff].join('|');
    const joined = underWay.get(name) ?? run(request).finally(() => underWay.delete(name));
    underWay.set(name, joined);
    return joined;
  };
};

export type RefreshGrant = ReturnType<typeof makeRefreshGrant>;
