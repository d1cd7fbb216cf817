import { type BrokerError, brokerError } from '../domain/errors.ts';
import { shownUserCode } from '../domain/pairing.ts';
import {
  AUDIENCES,
  type Audience,
  isAudience,
  isProviderName,
  PROVIDERS,
  type ProviderName,
} from '../domain/provider.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { parseSlot } from './slot.ts';
import type { Language } from './texts/index.ts';
import { PAIRING_MESSAGES } from './texts/pairing-messages.ts';

/** Longer than every mail address (RFC 5321 section 4.5.3.1). */
const LOGIN_HINT_LIMIT = 254;

/** What a device wants paired (RFC 8628 section 3.1, with parameters of our own). */
export interface PairingWishes {
  readonly slot: string;
  readonly audience: Audience;
  readonly provider: ProviderName | undefined;
  readonly loginHint: string | undefined;
}

export const parsePairingWishes = (parameters: {
  readonly scope?: string;
  readonly slot?: string;
  readonly provider?: string;
  readonly login_hint?: string;
}): Result<PairingWishes, BrokerError> => {
  const { scope = 'smtp', provider, login_hint: loginHint } = parameters;
  if (!isAudience(scope)) return fail(brokerError('scope_not_offered', `scope is one of ${AUDIENCES.join(', ')}.`));
  const slot = parseSlot(parameters.slot);
  if (!slot.ok) return slot;
  if (provider !== undefined && !isProviderName(provider)) {
    return fail(brokerError('invalid_request', `provider is one of ${PROVIDERS.join(', ')}.`));
  }
  if (loginHint !== undefined && (loginHint.length > LOGIN_HINT_LIMIT || /\p{Cc}/u.test(loginHint))) {
    return fail(brokerError('invalid_request', `login_hint has at most ${LOGIN_HINT_LIMIT} printable characters.`));
  }
  return ok({ slot: slot.value, audience: scope, provider, loginHint });
};

export const pairingAddress = (publicUrl: string): string => `${publicUrl}/pair`;

/** Where a code leads without typing it: what a QR code says. */
export const completePairingAddress = (publicUrl: string, userCode: string): string =>
  `${pairingAddress(publicUrl)}?user_code=${shownUserCode(userCode)}`;

/**
 * RFC 8628 section 3.2. Besides: `message`, the whole in one sentence, as Microsoft's has it; and `verification_qr_uri`, an
 * image of the complete address.
 */
export const deviceAuthorizationReply = (
  pairing: {
    readonly deviceCode: string;
    readonly userCode: string;
    readonly expiresInSeconds: number;
    readonly intervalSeconds: number;
  },
  publicUrl: string,
  language: Language,
) => {
  const code = shownUserCode(pairing.userCode);
  return {
    device_code: pairing.deviceCode,
    user_code: code,
    verification_uri: pairingAddress(publicUrl),
    verification_uri_complete: completePairingAddress(publicUrl, pairing.userCode),
    verification_qr_uri: `${pairingAddress(publicUrl)}/qr.gif?user_code=${code}`,
    expires_in: pairing.expiresInSeconds,
    interval: pairing.intervalSeconds,
    message: PAIRING_MESSAGES[language](pairingAddress(publicUrl), code),
  };
};
