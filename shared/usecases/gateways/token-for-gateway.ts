import type { BrokerError } from '../../domain/errors.ts';
import type { GatewayIdentity, ServedToken } from '../../domain/gateway.ts';
import type { Audience, ProviderName } from '../../domain/provider.ts';
import { ok, type Result } from '../../domain/result.ts';
import { renewAheadAt, USE_RECORDED_EVERY_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { GrantWithTokens } from '../../records/grants.ts';
import type { Records } from '../../records/index.ts';
import type { ServerFor } from '../devices/fetch-token.ts';
import type { AcquireAccessToken } from '../grants/acquire-access-token.ts';
import { makeIsEnabled, makeServedMailbox } from './served-mailbox.ts';

export interface GatewayTokenWish {
  readonly mailboxId: string;
  readonly audience: Audience;
  readonly minTtlSeconds: number;
}

/** A gateway fetches an access token of a mailbox that it serves (`GatewayLink.token`). */
export const makeTokenForGateway = (dependencies: {
  readonly records: Pick<Records, 'gateways' | 'mailboxes' | 'organizations' | 'grants'>;
  readonly acquireAccessToken: AcquireAccessToken;
  readonly serverFor: ServerFor;
  /** The base of the provider's HTTP API. */
  readonly apiFor: (provider: ProviderName) => string;
  readonly clock: Clock;
  readonly log: Log;
}) => {
  const { records, acquireAccessToken, serverFor, apiFor, clock, log } = dependencies;
  const served = makeServedMailbox(dependencies);
  const isEnabled = makeIsEnabled(dependencies);

  /** Keeps the audience warm, as a device's own fetch does. */
  const recordUse = async (mailboxId: string, audience: Audience, { lastUsedAt, tokens }: GrantWithTokens) => {
    const now = epochSeconds(clock);
    if (now - (lastUsedAt[audience] ?? 0) < USE_RECORDED_EVERY_SECONDS) return;
    const [token] = tokens;
    const renewAt = token ? Math.max(now, renewAheadAt(token, mailboxId)) : now;
    await records.grants.recordUse(mailboxId, audience, now, renewAt);
  };

  const issue = async (
    gateway: GatewayIdentity,
    { mailboxId, audience, minTtlSeconds }: GatewayTokenWish,
  ): Promise<Result<ServedToken, BrokerError>> => {
    const mailbox = await served(gateway, mailboxId);
    if (!mailbox.ok) return mailbox;
    const { organizationId, provider } = mailbox.value;
    const [enabled, known] = await Promise.all([
      isEnabled(organizationId),
      records.grants.getWithTokens(mailboxId, [audience]),
    ]);
    if (!enabled.ok) return enabled;
    const wish = { mailbox: mailbox.value, audience, minTtlSeconds };
    const token = await acquireAccessToken(wish, { grant: known, token: known.tokens[0] });
    if (!token.ok) return token;
    await recordUse(mailboxId, audience, known).catch((error: unknown) => {
      // The gateway has its token; that it was used can be noted the next time.
      log.warn('token.use_not_recorded', { mailbox_id: mailboxId, error: String(error) });
    });
    const { accessToken, expiresAt } = token.value;
    log.info('token.issued', {
      gateway_id: gateway.gatewayId,
      organization_id: organizationId,
      mailbox_id: mailboxId,
      audience,
      expires_in: expiresAt - epochSeconds(clock),
    });
    const apiUrl = audience === 'api' ? apiFor(provider) : undefined;
    return ok({ accessToken, expiresAt, server: serverFor(provider, audience), apiUrl });
  };

  return (gateway: GatewayIdentity) =>
    async (wish: GatewayTokenWish): Promise<Result<ServedToken, BrokerError>> => {
      const issued = await issue(gateway, wish);
      if (!issued.ok) {
        const { kind, code } = issued.error;
        const about = { gateway_id: gateway.gatewayId, mailbox_id: wish.mailboxId, audience: wish.audience };
        log.info('token.refused', { ...about, kind, code });
      }
      return issued;
    };
};
