import type { Binding } from './entities.ts';

/**
 * R29: somebody has signed in, and the device has not fetched a token since: it was not told, or is not set up for the
 * broker. Undefined: nobody is signed in.
 */
export const isFetchedSince = (
  { lastFetchedAt = 0 }: Pick<Binding, 'lastFetchedAt'>,
  signedInAt: number | undefined,
): boolean | undefined => (signedInAt === undefined ? undefined : lastFetchedAt >= signedInAt);
