import type { Mailbox } from '../domain/entities.ts';
import { type BrokerError, brokerError } from '../domain/errors.ts';
import { type Grant, generationOf, grantRefusal, isLive, type LiveGrant } from '../domain/grant.ts';
import { AUDIENCES, type Audience, type ProviderName, scopeGranted } from '../domain/provider.ts';
import {
  backOffSeconds,
  IN_USE_SECONDS,
  livesLongEnough,
  nextKeepAliveAt,
  OPERATOR_RETRY_SECONDS,
  PROVIDER_TIMEOUT_SECONDS,
  REFRESH_BACK_OFF,
  renewAt,
} from '../domain/timing.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { AccessTokenReply, IdentityProvider, ProviderFailure } from '../ports/identity-provider.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { RefreshOutcome, RefreshRequest } from '../ports/refresher.ts';
import type { StoredRefreshToken, TokenVault } from '../ports/token-vault.ts';
import type { CachedAccessToken, Lease } from '../records/grants.ts';
import type { Records } from '../records/index.ts';
import { longSecret } from './secrets.ts';

/** How often one who waits for another's refresh looks whether it is done. A provider answers in 100 to 500 ms. */
const LOOK_AGAIN_MS = 100;

/** Nobody waits longer for another's refresh than that refresh may take; API Gateway would hang up at 30 s. */
const WAIT_LIMIT_MS = (PROVIDER_TIMEOUT_SECONDS + 5) * 1000;

export type IdentityProviders = Readonly<Record<ProviderName, IdentityProvider>>;

interface Dependencies {
  readonly records: Pick<Records, 'grants' | 'mailboxes' | 'audit'>;
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
}

/** `again`: the grant moved on meanwhile (a sign-in, a sign-out, a lost lease); look at it afresh. */
type Step = RefreshOutcome | { readonly outcome: 'again' };

/** What became of the refresh token of a reply. */
type Kept = 'the same' | 'rotated' | 'superseded';

const FRESH: RefreshOutcome = { outcome: 'fresh' };
const AGAIN: Step = { outcome: 'again' };
const failed = (error: BrokerError): RefreshOutcome => ({ outcome: 'failed', error });

/**
 * Gets a fresh access token for a mailbox and puts it into the cache: one call to the provider at a time for each grant,
 * over all processes. The order of writes is the heart of it: a rotated refresh token is durable in the vault before the
 * access token that came with it can be used by anybody.
 */
export const makeRefreshGrant = ({ records, vault, providers, clock, random, log }: Dependencies) => {
  const { grants } = records;
  const underWay = new Map<string, Promise<RefreshOutcome>>();

  /** When the sweep shall come by: before the first of the tokens in use runs out, else at the daily keep-alive. */
  const nextDueAt = ({ mailbox, lastUsedAt, tokens }: Holding, fresh: CachedAccessToken, now: number): number => {
    const renewals = AUDIENCES.map((audience, index) => {
      const token = audience === fresh.audience ? fresh : tokens[index];
      const inUse = now - (lastUsedAt[audience] ?? 0) < IN_USE_SECONDS;
      return inUse && token ? Math.max(now, renewAt(token)) : Number.POSITIVE_INFINITY;
    });
    return Math.min(nextKeepAliveAt(mailbox.id, now), ...renewals);
  };

  /** A refresh token that came with a reply, made durable before anything else of the reply is used. */
  const keep = async (
    mailboxId: string,
    stored: StoredRefreshToken,
    refreshToken: string | undefined,
  ): Promise<Kept> => {
    if (refreshToken === undefined || refreshToken === stored.refreshToken) return 'the same';
    const rotated = { refreshToken, previousRefreshToken: stored.refreshToken };
    const { outcome } = await vault.store(mailboxId, rotated, stored.version);
    return outcome === 'stored' ? 'rotated' : 'superseded';
  };

  const succeeded = async (holding: Holding, reply: AccessTokenReply, rotated: boolean): Promise<Step> => {
    const { mailbox, audience, lease, revision } = holding;
    const now = epochSeconds(clock);
    const token: CachedAccessToken = {
      audience,
      sealed: await grants.sealAccessToken(mailbox.organizationId, mailbox.id, audience, reply.accessToken),
      issuedAt: clock.now() / 1000,
      expiresAt: now + reply.expiresInSeconds,
      scopes: reply.scopes,
      generation: holding.grant.generation,
    };
    const { trouble: _healed, ...held } = holding.grant;
    const grant: Grant = { ...held, state: 'active', provenAt: now, failures: 0 };
    const dueAt = nextDueAt(holding, token, now);
    if (!(await grants.replaceUnderLease(mailbox.id, lease, revision, grant, dueAt, token))) return AGAIN;
    log.info('grant.refreshed', {
      mailbox_id: mailbox.id,
      audience,
      expires_in: reply.expiresInSeconds,
      rotated,
    });
    return FRESH;
  };

  const retryAfter = (failure: ProviderFailure, failures: number): number => {
    if (failure.class === 'operator_must_act') return OPERATOR_RETRY_SECONDS;
    const backOff = backOffSeconds(failures, REFRESH_BACK_OFF, random.fraction());
    return Math.max(backOff, failure.retryAfterSeconds ?? 0);
  };

  const refused = async (holding: Holding, failure: ProviderFailure): Promise<Step> => {
    const { mailbox, lease, revision } = holding;
    const now = epochSeconds(clock);
    const failures = holding.grant.failures + 1;
    const { kind, code, message, correlationId } = failure;
    const seconds = retryAfter(failure, failures);
    const trouble = {
      kind,
      code,
      message,
      at: now,
      retryAt: now + seconds,
      ...(correlationId ? { correlationId } : {}),
    };
    const ended = failure.class === 'person_must_act';
    const grant: Grant = ended
      ? { ...holding.grant, state: 'invalid', invalidSince: now, reason: kind, failures, trouble }
      : { ...holding.grant, failures, trouble };
    const dueAt = ended ? undefined : trouble.retryAt;
    if (!(await grants.replaceUnderLease(mailbox.id, lease, revision, grant, dueAt))) return AGAIN;
    const fields = { mailbox_id: mailbox.id, class: failure.class, kind, code, message, correlation_id: correlationId };
    if (ended) {
      log.warn('grant.invalid', fields);
      await records.audit.add({
        organizationId: mailbox.organizationId,
        by: `provider:${mailbox.provider}`,
        action: 'grant.invalid',
        subject: mailbox.id,
        detail: `${code}: ${message}`,
      });
    } else {
      log.warn('grant.refresh_failed', { ...fields, failures, retry_in: seconds });
    }
    return failed({
      kind,
      detail: message,
      code,
      ...(correlationId ? { correlationId } : {}),
      ...(ended ? {} : { retryAfterSeconds: seconds }),
    });
  };

  /** Only under the lease. On a refusal the vault is read again: a newer token may have come, and is tried. */
  const callProvider = async (holding: Holding, tried?: string): Promise<Step> => {
    const { mailbox, audience } = holding;
    const stored = await vault.read(mailbox.id);
    if (stored === undefined) {
      const message = 'The vault holds no refresh token for this mailbox.';
      log.error('grant.vault_empty', { mailbox_id: mailbox.id });
      // Not the provider's word: restored, the grant works again.
      return refused(holding, {
        class: 'operator_must_act',
        kind: 'stored_sign_in_missing',
        code: 'vault_empty',
        message,
      });
    }
    const reply = await providers[mailbox.provider].refresh({ refreshToken: stored.refreshToken, audience });
    const kept = await keep(mailbox.id, stored, reply.ok ? reply.value.refreshToken : reply.error.refreshToken);
    if (kept === 'superseded') return AGAIN;
    if (reply.ok) return succeeded(holding, reply.value, kept === 'rotated');
    if (reply.error.class === 'person_must_act' && tried === undefined) {
      const newest = await vault.read(mailbox.id);
      if (newest !== undefined && newest.version !== stored.version) return callProvider(holding, stored.version);
    }
    return refused(holding, reply.error);
  };

  /** One look at the grant, and whatever it asks for. Undefined: another process is refreshing it just now. */
  const step = async (
    mailbox: Mailbox,
    request: RefreshRequest,
    heldLease: Lease | undefined,
  ): Promise<Step | undefined> => {
    const { audience, minTtlSeconds, askedAt, duringBackOff = false } = request;
    const { grant, revision, lastUsedAt, tokens } = await grants.getWithTokens(mailbox.id, AUDIENCES);
    const refusal = grantRefusal(grant);
    if (refusal !== undefined || !isLive(grant)) return failed(brokerError(refusal ?? 'not_signed_in'));
    const now = epochSeconds(clock);
    const token = tokens[AUDIENCES.indexOf(audience)];
    if (token && token.generation === generationOf(grant)) {
      if (livesLongEnough(token, minTtlSeconds, now) || token.issuedAt >= askedAt) return FRESH;
    }
    const scope = providers[mailbox.provider].scopeFor(audience);
    if (scope === undefined) return failed(brokerError('scope_not_offered'));
    if (!scopeGranted(grant.scopes, scope)) return failed(brokerError('scope_not_granted'));
    if (grant.trouble && grant.trouble.retryAt > now && !duringBackOff) {
      const { kind, message, code, retryAt } = grant.trouble;
      return failed({ kind, detail: message, code, retryAfterSeconds: retryAt - now });
    }
    if (heldLease) return callProvider({ mailbox, audience, lease: heldLease, grant, revision, lastUsedAt, tokens });

    const lease = await grants.takeLease(mailbox.id, longSecret(random), now);
    if (lease === undefined) return undefined;
    try {
      // Looked at again under the lease: whoever held it before may have brought what is wanted.
      return await step(mailbox, request, lease);
    } finally {
      await grants.releaseLease(mailbox.id, lease);
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
      await clock.sleep(LOOK_AGAIN_MS);
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
