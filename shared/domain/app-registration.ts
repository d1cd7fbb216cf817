import type { CoolDown } from './cool-down.ts';
import { warningDue } from './grant.ts';
import type { ProviderName } from './provider.ts';

/** One of the client secrets of the broker's registration with a provider, in the order they are tried; never its value. */
export interface ClientSecretState {
  /** As the operator entered it, `YYYY-MM-DD`; the provider does not tell. */
  readonly expiresOn?: string;
  /** When the provider last refused it; absent while it is taken, or was not tried. */
  readonly refusedAt?: number;
  /** Operators were told so many days before it expires. */
  readonly warnedDays?: number;
}

/** The broker's registration with a provider, as its workers last found it. */
export interface AppRegistration {
  readonly provider: ProviderName;
  readonly clientId: string;
  readonly clientSecrets: readonly ClientSecretState[];
}

/** What an operator sees: the registration, and why nobody calls this provider just now. */
export interface AppRegistrationDescription extends AppRegistration {
  readonly coolDown: CoolDown | undefined;
}

/** The end of its last day, UTC: secrets are valid through the day that the provider shows. */
export const secretExpiresAt = ({ expiresOn }: ClientSecretState): number | undefined =>
  expiresOn === undefined ? undefined : Date.parse(`${expiresOn}T23:59:59Z`) / 1000;

/** The warning to give now for a secret, in days; undefined: none, or it was given. */
export const secretWarningDue = (secret: ClientSecretState, nowSeconds: number): number | undefined => {
  const expiresAt = secretExpiresAt(secret);
  const days = expiresAt === undefined ? undefined : warningDue(expiresAt, nowSeconds);
  return days === undefined || (secret.warnedDays !== undefined && secret.warnedDays <= days) ? undefined : days;
};

/** What is known, brought in line with what is configured: a secret whose date changed is another secret. */
export const reconciled = (known: AppRegistration | undefined, configured: AppRegistration): AppRegistration => ({
  ...configured,
  clientSecrets: configured.clientSecrets.map((secret, position) => {
    const before = known?.clientId === configured.clientId ? known.clientSecrets[position] : undefined;
    return before?.expiresOn === secret.expiresOn ? { ...before, ...secret } : secret;
  }),
});
