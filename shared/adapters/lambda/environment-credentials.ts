import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * In the bundles this stands in for `@aws-sdk/credential-provider-node` (scripts/build.ts): Lambda gives a function its
 * role's credentials in the environment, and nothing there is to be found in files, at metadata services or by sign-on.
 */
export const defaultProvider: typeof fromEnv = fromEnv;
