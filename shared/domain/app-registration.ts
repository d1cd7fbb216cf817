import type { CoolDown } from './cool-down.ts';
import { warningDue } from './grant.ts';
import type { Registration } from './registration.ts';

/** One of the client secrets of a registration with a provider, in the order they are tried; never its value. */
export interface ClientSecretState {
  /** As the operator entered it, `YYYY-MM-DD`; the provider does not tell. */
  readonly expiresOn?: string;
  /** Tells whether it is still the same secret. */
  readonly fingerprint?: string;
  /** When the provider last refused it; absent while it is taken, or was not tried. */
  readonly refusedAt?: number;
  /** Operators were told so many days before it expires; 0: that it has expired. */
  readonly warnedDays?: number;
}

/** A registration with a provider, the broker's or an organization's own, as the broker's workers last found it. */
export interface AppRegistration extends Registration {
  readonly clientId: string;
  readonly clientSecrets: readonly ClientSecretState[];
}

/** What an operator sees: the registration, and why nobody calls the provider by it just now. */
export interface AppRegistrationDescription extends AppRegistration {
  readonly coolDown: CoolDown | undefined;
}

/** The end of its last day, UTC: secrets are valid through the day that the provider shows. */
export const secretExpiresAt = ({ expiresOn }: ClientSecretState): number | undefined =>
  expiresOn === undefined ? undefined : Date.parse(`${expiresOn}T23:59:59Z`) / 1000;

/** The warning to give now for a secret, in days (0: it has expired); undefined: none, or it was given. */
export const secretWarningDue = (secret: ClientSecretState, nowSeconds: number): number | undefined => {
  const expiresAt = secretExpiresAt(secret);
  if (expiresAt === undefined) return undefined;
  const days = expiresAt <= nowSeconds ? 0 : warningDue(expiresAt, nowSeconds);
  return days === undefined || (secret.warnedDays !== undefined && secret.warnedDays <= days) ? undefined : days;
};

/** A warning that is due for the secret at a position, counted from 1. */
export interface SecretWarning {
  readonly position: number;
  readonly expiresOn: string | undefined;
  readonly days: number;
}

/** Whatever the order of their attributes, which a table need not keep. */
export const sameRegistration = (one: AppRegistration | undefined, other: AppRegistration | undefined): boolean =>
  flat(one) === flat(other);

const flat = (registration: AppRegistration | undefined): string | undefined =>
  registration &&
  JSON.stringify([
    registration.provider,
    registration.clientId,
    registration.clientSecrets.map(({ expiresOn, fingerprint, refusedAt, warnedDays }) => [
      ...[expiresOn, fingerprint, refusedAt, warnedDays],
    ]),
  ]);

export const isSameSecret = (one: ClientSecretState, other: ClientSecretState): boolean =>
  one.expiresOn === other.expiresOn && one.fingerprint === other.fingerprint;

/** Whether the operator has entered something that the provider may judge anew: another secret, or the registration itself. */
export const isReplaced = (known: AppRegistration | undefined, configured: AppRegistration): boolean =>
  known?.clientId !== configured.clientId ||
  configured.clientSecrets.some(({ fingerprint }, position) => {
    return fingerprint !== known.clientSecrets[position]?.fingerprint;
  });

/** What is known, brought in line with what is configured: what was known of another secret or date is forgotten. */
export const reconciled = (known: AppRegistration | undefined, configured: AppRegistration): AppRegistration => ({
  ...configured,
  clientSecrets: configured.clientSecrets.map((secret, position) => {
    const before = known?.clientId === configured.clientId ? known.clientSecrets[position] : undefined;
    return before && isSameSecret(before, secret) ? { ...before, ...secret } : secret;
  }),
});
