import { createHmac } from 'node:crypto';
import type { Device } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import type { Audience } from '../../domain/provider.ts';
import {
  EXTENDED_EVERY_SECONDS,
  presentedAs,
  REFRESH_TOKEN_SECONDS,
  type RefreshTokenFamily,
} from '../../domain/refresh-token-family.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import type { AuthenticateDevice, DeviceCredential } from '../devices/authenticate-device.ts';
import type { FetchToken } from '../devices/fetch-token.ts';
import { hashOf, longSecret } from '../secrets.ts';
import type { IssuedTokens } from './redeem-device-code.ts';

/** `<family id>.<secret>`; the family is found by the first part, the token is known by the hash of the second. */
const parse = (text: string): { readonly id: string; readonly secret: string } | undefined => {
  const [, id, secret] = /^([\w-]{43})\.([\w-]{43})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
};

/** Names the family of what looks like a refresh token of the broker's own; undefined: it is none. */
export const refreshTokenFamilyId = (text: string): string | undefined => parse(text)?.id;

const tokenOf = (id: string, secret: string): string => `${id}.${secret}`;

/**
 * The next token follows from the one before, so that whoever repeats a request, its answer being lost, gets the same again.
 * Nobody makes it who does not have that one.
 */
const nextSecret = ({ salt }: RefreshTokenFamily, secret: string): string =>
  createHmac('sha256', salt).update(secret).digest('base64url');

interface Dependencies {
  readonly records: Pick<Records, 'refreshTokenFamilies'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** The first token of a new family, for a slot. */
export const refreshTokenMaker =
  ({ records, clock, random }: Dependencies) =>
  async (of: Pick<RefreshTokenFamily, 'clientId' | 'slot' | 'mailboxId' | 'audience'>): Promise<string> => {
    const [id, salt, secret] = [longSecret(random), longSecret(random), longSecret(random)];
    const expiresAt = epochSeconds(clock) + REFRESH_TOKEN_SECONDS;
    await records.refreshTokenFamilies.create({ ...of, id, salt, currentHash: hashOf(secret), expiresAt });
    return tokenOf(id, secret);
  };

export type MakeRefreshToken = ReturnType<typeof refreshTokenMaker>;

export interface RefreshTokenRequest extends DeviceCredential {
  readonly refreshToken: string;
  /** Undefined: the one that the token was made for, and none but that. */
  readonly audience: Audience | undefined;
  readonly minTtlSeconds: number;
}

/**
 * `grant_type=refresh_token` (RFC 6749 section 6) with the broker's own token: the fetch of its slot, and the next refresh
 * token. Errors: `invalid_client`, `refresh_token_unknown`, and those of the mailbox, after which the token is as good as before.
 */
export const makeRedeemRefreshToken = ({
  records: { refreshTokenFamilies: families, devices },
  authenticateDevice,
  fetchToken,
  clock,
  log,
}: Omit<Dependencies, 'random' | 'records'> & {
  readonly records: Pick<Records, 'refreshTokenFamilies' | 'devices'>;
  readonly authenticateDevice: AuthenticateDevice;
  readonly fetchToken: FetchToken;
  readonly log: Log;
}) => {
  const unknown = fail(brokerError('refresh_token_unknown'));

  /** The family, if this token of it is good. One that was used by two ends all of them. */
  const familyOf = async (
    id: string,
    secret: string,
    clientId: string,
  ): Promise<Result<RefreshTokenFamily, BrokerError>> => {
    const family = await families.get(id);
    if (family?.clientId !== clientId || family.expiresAt <= epochSeconds(clock)) return unknown;
    if (presentedAs(family, hashOf(secret)) !== 'reused') return ok(family);
    await families.remove(id);
    log.warn('refresh_token.reused', { client_id: clientId, slot: family.slot });
    return unknown;
  };

  /** Writes down that this token was used. False: another request moved the family on. */
  const rotate = async (family: RefreshTokenFamily, hash: string, nextHash: string): Promise<boolean> => {
    const expiresAt = epochSeconds(clock) + REFRESH_TOKEN_SECONDS;
    if (presentedAs(family, hash) === 'current') {
      return families.update(family, { currentHash: nextHash, formerHash: hash, expiresAt });
    }
    if (expiresAt - family.expiresAt < EXTENDED_EVERY_SECONDS) return true;
    return families.update(family, { expiresAt });
  };

  const redeem = async (
    request: RefreshTokenRequest,
    { clientId }: Device,
  ): Promise<Result<IssuedTokens, BrokerError>> => {
    const presented = parse(request.refreshToken);
    if (presented === undefined) return unknown;
    const { id, secret } = presented;
    const found = await familyOf(id, secret, clientId);
    if (!found.ok) return found;
    const { slot, audience, mailboxId } = found.value;
    // RFC 6749 section 6: no more than was granted.
    if ((request.audience ?? audience) !== audience) {
      return fail(brokerError('scope_not_granted', `The refresh token is for ${audience}.`));
    }
    const binding = await devices.binding(clientId, slot);
    if (binding && binding.mailboxId !== mailboxId) return unknown;

    // Before the fetch, which may take its time: a second request with the same token, after a time-out, then finds the family
    // as this one left it. Should the fetch fail, the token is as good as before.
    const next = nextSecret(found.value, secret);
    if (!(await rotate(found.value, hashOf(secret), hashOf(next)))) {
      const moved = await families.get(id);
      // A request with the same token was faster, and made the same successor; or two have it, which its next use tells.
      if (moved === undefined || presentedAs(moved, hashOf(secret)) === 'reused') return unknown;
    }
    const token = await fetchToken({ ...request, slot, audience });
    return token.ok ? ok({ ...token.value, refreshToken: tokenOf(id, next) }) : token;
  };

  return async (request: RefreshTokenRequest): Promise<Result<IssuedTokens, BrokerError>> => {
    const device = await authenticateDevice(request);
    if (!device.ok) return device;
    const redeemed = await redeem(request, device.value);
    // Whatever else it was, the fetch has told of it.
    if (!redeemed.ok && redeemed.error.kind === 'refresh_token_unknown') {
      const { clientId, organizationId } = device.value;
      const { kind } = redeemed.error;
      log.info('token.refused', { client_id: clientId, organization_id: organizationId, kind });
    }
    return redeemed;
  };
};

export type RedeemRefreshToken = ReturnType<typeof makeRedeemRefreshToken>;
