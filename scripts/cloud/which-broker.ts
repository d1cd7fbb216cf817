/** The options by which every command finds its broker. */
export const WHICH_BROKER = {
  name: { type: 'string', default: 'token-broker' },
  region: { type: 'string' },
} as const;

/** A client's region: as for the aws command, unless one is given. */
export const inRegion = (region: string | undefined): { readonly region?: string } =>
  region === undefined ? {} : { region };
