import { TokenVaultError } from '../../ports/token-vault.ts';
import { isPassingFault } from './passing-fault.ts';

/** Secrets Manager's word for a secret that has had its versions for the day. */
const QUOTA_MET = 'LimitExceededException';

/** What the vault's own service fails with, as the port calls it. Anything else is thrown on: a bug, or a missing right. */
const asVaultTrouble = (grantId: string, cause: unknown): unknown => {
  if (cause instanceof TokenVaultError) return cause;
  if (isPassingFault(cause)) {
    const message = `the vault cannot be reached for ${grantId} at the moment; it passes by itself`;
    return new TokenVaultError('busy', message, { cause });
  }
  if (cause instanceof Error && cause.name === QUOTA_MET) {
    const message = `the secret of ${grantId} has had as many versions as it may have in 24 hours; nothing was stored`;
    return new TokenVaultError('full', message, { cause });
  }
  return cause;
};

/** Runs a piece of a vault's work; what its service fails with becomes the port's errors. */
export const explained = async <Value>(grantId: string, work: () => Promise<Value>): Promise<Value> => {
  try {
    return await work();
  } catch (error) {
    throw asVaultTrouble(grantId, error);
  }
};

/** `keyId`: the key that it was sealed under, where there is one. */
export const unreadable = (
  grantId: string,
  { version, keyId, cause }: { version: string; keyId?: string | undefined; cause: unknown },
): TokenVaultError => {
  const what = keyId === undefined ? 'was altered' : `is sealed under the key ${keyId}, which is gone or another`;
  const remedy =
    keyId === undefined ? 'sign this mailbox in again' : 'restore the key ring, or sign this mailbox in again';
  return new TokenVaultError('unreadable', `the refresh token of ${grantId} ${what}; ${remedy}`, { version, cause });
};
