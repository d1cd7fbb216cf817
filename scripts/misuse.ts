import { ConfigError } from '../shared/config/config-document.ts';

/** What whoever runs a command can mend, as text; undefined where it is no misuse but a bug, to be thrown on. */
export const misuseOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof ConfigError || code?.startsWith('ERR_PARSE_ARGS')) return error.message;
  // The AWS SDK's words for what is missing on this machine.
  const lacks = error.name === 'CredentialsProviderError' || error.message === 'Region is missing';
  return lacks
    ? 'AWS is not set up here: set AWS_REGION, and credentials as for the aws command (AWS_PROFILE).'
    : undefined;
};
