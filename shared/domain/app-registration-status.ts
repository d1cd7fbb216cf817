import { type AppRegistrationDescription, type ClientSecretState, secretExpiresAt } from './app-registration.ts';
import type { CoolDown } from './cool-down.ts';
import type { ErrorKind } from './errors.ts';
import { warningDue } from './grant.ts';
import type { Registration } from './registration.ts';

/** One client secret as people see it. */
export interface ClientSecretStatus {
  /** As the operator entered them, counted from 1. */
  readonly position: number;
  readonly expiresOn: string | undefined;
  /** 0: today is its last day; negative: it has expired. */
  readonly daysLeft: number | undefined;
  /** The warning that stands, one of `WARNING_DAYS`. */
  readonly warningDays: number | undefined;
  readonly refusedAt: number | undefined;
}

/** A registration with a provider as people see it. Times are epoch seconds. */
export interface AppRegistrationStatus extends Registration {
  readonly clientId: string;
  readonly clientSecrets: readonly ClientSecretStatus[];
  /** The one incident of all its mailboxes: the provider is being spared, or is about to be asked whether it is well. */
  readonly coolDown: CoolDown | undefined;
}

const DAY_SECONDS = 86_400;

const secretStatus = (secret: ClientSecretState, index: number, now: number): ClientSecretStatus => {
  const expiresAt = secretExpiresAt(secret);
  return {
    position: index + 1,
    expiresOn: secret.expiresOn,
    daysLeft: expiresAt === undefined ? undefined : Math.floor((expiresAt - now) / DAY_SECONDS),
    warningDays: expiresAt === undefined ? undefined : warningDue(expiresAt, now),
    refusedAt: secret.refusedAt,
  };
};

export const appRegistrationStatus = (
  { provider, organizationId, clientId, clientSecrets, coolDown }: AppRegistrationDescription,
  now: number,
): AppRegistrationStatus => ({
  provider,
  ...(organizationId === undefined ? {} : { organizationId }),
  clientId,
  clientSecrets: clientSecrets.map((secret, index) => secretStatus(secret, index, now)),
  // Failed calls are counted before anybody pauses; so far they are no incident.
  coolDown: coolDown !== undefined && coolDown.until > 0 ? coolDown : undefined,
});

/** What a pause says of every mailbox that waits for it. */
export const coolDownKind = ({ cause }: CoolDown): ErrorKind =>
  cause === 'registration' ? 'app_registration_refused' : 'provider_unavailable';
