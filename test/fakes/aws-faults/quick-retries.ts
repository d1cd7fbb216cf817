/** Of the SDK's retry tokens what its middleware asks. */
interface Token {
  getRetryCount(): number;
  getRetryDelay(): number;
}

const token = (retries: number): Token => ({ getRetryCount: () => retries, getRetryDelay: () => 0 });

/**
 * The SDK's own classes of what is tried again, as often as its clients do, and without their pauses: a throttled request
 * waits up to a second before its second attempt, and up to two before its third.
 */
export const quickRetries = (attempts: number) => ({
  retryStrategy: {
    acquireInitialRetryToken: async (): Promise<Token> => token(0),
    async refreshRetryTokenForRetry(before: Token, { errorType }: { readonly errorType: string }): Promise<Token> {
      const retries = before.getRetryCount() + 1;
      if (retries >= attempts || (errorType !== 'THROTTLING' && errorType !== 'TRANSIENT')) {
        throw new Error('no more attempts');
      }
      return token(retries);
    },
    recordSuccess: (): void => undefined,
  },
});
