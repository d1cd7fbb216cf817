import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/**
 * Whoever refreshes holds a lease of 30 s and gives the provider 20 s of it; the answer must be in the vault within the
 * other 10. A store is two requests: each has at most two attempts of 1.75 s with at most half a second between them, so
 * 8 s together (a store that is tried again has the lease renewed first). Requests in one region take some 20 ms, so that none of these limits is met by a request that is alive.
 */
const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 1_750;
const MAX_ATTEMPTS = 2;

/** For vaults. The SDK's own client waits for an answer without end, and only warns of a request that takes too long. */
export const secretsManagerClient = (): SecretsManagerClient =>
  new SecretsManagerClient({
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
