import {
  type AppRegistrationStatus,
  type ClientSecretStatus,
  coolDownKind,
} from '../domain/app-registration-status.ts';
import { formerSecretUntil } from '../domain/client-secret.ts';
import type { CoolDown } from '../domain/cool-down.ts';
import { enrolmentTokenState } from '../domain/enrolment-token.ts';
import type { AdminKey, AuditEntry, Binding, Device, EnrolmentToken, Organization } from '../domain/entities.ts';
import { type GatewayDescription, isSilent } from '../domain/gateway.ts';
import type { GrantTrouble } from '../domain/grant.ts';
import type { AdministeredMailbox, MailWay } from '../domain/mail-way.ts';
import type { Registration } from '../domain/registration.ts';
import { publicSignInState, type SignIn } from '../domain/sign-in.ts';
import { wireMetadata } from './device-metadata.ts';
import { wireSenderPolicy } from './sender-policy.ts';
import { ERROR_TEXTS } from './texts/index.ts';
import { rfc3339, rfc3339OrNull } from './time.ts';

/** Entities in the admin API's spelling. Hashes and sealed texts have no place here. */

export const organizationReply = ({ id, name, locale, enabled, createdAt }: Organization) => ({
  organization_id: id,
  name,
  locale,
  enabled,
  created_at: rfc3339(createdAt),
});

export const enrolmentTokenReply = (token: EnrolmentToken, nowSeconds: number) => ({
  enrolment_token_id: token.id,
  organization_id: token.organizationId,
  state: enrolmentTokenState(token, nowSeconds),
  uses: token.uses,
  uses_left: token.usesLeft,
  expires_at: rfc3339(token.expiresAt),
  created_at: rfc3339(token.createdAt),
  revoked_at: rfc3339OrNull(token.revokedAt),
});

/** The only reply that holds the token. */
export const newEnrolmentTokenReply = (
  made: { readonly token: EnrolmentToken; readonly enrolmentToken: string },
  nowSeconds: number,
) => ({ enrolment_token: made.enrolmentToken, ...enrolmentTokenReply(made.token, nowSeconds) });

/** Without an organization: the gateway in a broker on one machine, which is for all. */
export const gatewayReply = (gateway: GatewayDescription, nowSeconds: number) => ({
  gateway_id: gateway.gatewayId,
  organization_id: gateway.organizationId ?? null,
  name: gateway.name ?? null,
  version: gateway.version,
  way: gateway.way,
  started_at: rfc3339(gateway.startedAt),
  last_seen_at: rfc3339(gateway.lastSeenAt),
  silent: isSilent(gateway, nowSeconds),
  queued: gateway.queued,
  oldest_seconds: gateway.oldestSeconds,
});

type BindingShown = Binding & { readonly fetchedSinceSignIn?: boolean | undefined };

export const bindingReply = ({ clientId, slot, mailboxId, boundAt, lastFetchedAt }: Binding) => ({
  client_id: clientId,
  slot,
  mailbox_id: mailboxId,
  bound_at: rfc3339(boundAt),
  last_fetched_at: rfc3339OrNull(lastFetchedAt),
});

export const deviceReply = (device: Device, nowSeconds: number, bindings?: readonly BindingShown[]) => ({
  client_id: device.clientId,
  organization_id: device.organizationId,
  enabled: device.enabled,
  created_at: rfc3339(device.createdAt),
  former_secret_valid_until: rfc3339OrNull(formerSecretUntil(device, nowSeconds)),
  user_idle_seconds: device.userIdleSeconds || null,
  ...wireMetadata(device.metadata),
  ...wireSenderPolicy(device),
  rewrite_sender: device.rewriteSender === true,
  ...(bindings === undefined
    ? {}
    : {
        bindings: bindings.map((binding) => ({
          ...bindingReply(binding),
          fetched_since_sign_in: binding.fetchedSinceSignIn ?? null,
        })),
      }),
});

/** The only reply that holds the secret. */
export const newSecretReply = (
  { device, clientSecret }: { readonly device: Device; readonly clientSecret: string },
  nowSeconds: number,
) => ({
  client_id: device.clientId,
  client_secret: clientSecret,
  former_secret_valid_until: rfc3339OrNull(formerSecretUntil(device, nowSeconds)),
});

const lastErrorReply = ({ kind, code, message, at, retryAt, correlationId }: GrantTrouble, isOver: boolean) => ({
  kind,
  text: ERROR_TEXTS.en[kind][0],
  remedy: ERROR_TEXTS.en[kind][1],
  code,
  message,
  correlation_id: correlationId ?? null,
  at: rfc3339(at),
  // A grant that has ended is not tried again.
  retry_at: isOver ? null : rfc3339(retryAt),
});

/** Whose client the mailbox is signed in with. */
const whose = ({ organizationId }: Registration) => (organizationId === undefined ? 'broker' : 'organization');

const detourReply = ({ detour }: MailWay) =>
  detour === undefined
    ? null
    : {
        kind: detour.reason,
        text: ERROR_TEXTS.en[detour.reason][0],
        remedy: ERROR_TEXTS.en[detour.reason][1],
        message: detour.response,
        since: rfc3339(detour.since),
        until: rfc3339(detour.until),
      };

const stopReply = ({ stop }: MailWay) =>
  stop === undefined
    ? null
    : {
        cause: stop.cause,
        kind: stop.reason,
        text: ERROR_TEXTS.en[stop.reason][0],
        remedy: ERROR_TEXTS.en[stop.reason][1],
        message: stop.response,
        since: rfc3339(stop.since),
        retry_at: rfc3339(stop.until),
      };

export const mailboxReply = (description: AdministeredMailbox) => {
  const { mailbox, tokenStatus, statusReason, lastError, way } = description;
  return {
    mailbox_id: mailbox.id,
    organization_id: mailbox.organizationId,
    provider: mailbox.provider,
    address: mailbox.address,
    aliases: mailbox.aliases,
    route: way.choice,
    route_in_effect: way.route,
    detour: detourReply(way),
    stop: stopReply(way),
    token_status: tokenStatus,
    status_reason: statusReason ?? null,
    status_text: statusReason === undefined ? null : ERROR_TEXTS.en[statusReason][0],
    remedy: statusReason === undefined ? null : ERROR_TEXTS.en[statusReason][1],
    signed_in_account: description.signedInAccount ?? null,
    app_registration: description.registration === undefined ? null : whose(description.registration),
    scopes: description.scopes,
    access_token_expires_at: rfc3339OrNull(description.accessTokenExpiresAt),
    lapses_at: rfc3339OrNull(description.lapsesAt),
    lapse_warning_days: description.lapseWarningDays ?? null,
    last_refreshed_at: rfc3339OrNull(description.lastRefreshedAt),
    last_error: lastError === undefined ? null : lastErrorReply(lastError, tokenStatus === 'invalid'),
    created_at: rfc3339(mailbox.createdAt),
  };
};

export const signInReply = (signIn: SignIn, publicUrl: string, nowSeconds: number) => ({
  sign_in_id: signIn.id,
  mailbox_id: signIn.mailboxId,
  state: publicSignInState(signIn, nowSeconds),
  url: `${publicUrl}/sign-in/${signIn.id}`,
  expires_at: rfc3339(signIn.expiresAt),
  ...(signIn.state === 'failed'
    ? {
        error: {
          kind: signIn.error.kind,
          message: ERROR_TEXTS.en[signIn.error.kind][0],
          remedy: ERROR_TEXTS.en[signIn.error.kind][1],
          ...(signIn.error.detail === undefined ? {} : { detail: signIn.error.detail }),
          ...(signIn.error.code === undefined ? {} : { code: signIn.error.code }),
          ...(signIn.error.correlationId === undefined ? {} : { correlation_id: signIn.error.correlationId }),
        },
      }
    : {}),
});

export const adminKeyReply = ({ id, name, organizationId, createdAt, revokedAt }: AdminKey) => ({
  admin_key_id: id,
  name,
  organization_id: organizationId ?? null,
  created_at: rfc3339(createdAt),
  revoked_at: rfc3339OrNull(revokedAt),
});

/** The only reply that holds the key. */
export const newAdminKeyReply = (made: { readonly key: AdminKey; readonly adminKey: string }) => ({
  admin_key: made.adminKey,
  ...adminKeyReply(made.key),
});

export const auditReply = ({ id, organizationId, at, by, action, subject, detail }: AuditEntry) => ({
  audit_id: id,
  organization_id: organizationId ?? null,
  at: rfc3339(at),
  by,
  action,
  subject,
  detail: detail ?? null,
});

const clientSecretReply = ({ position, expiresOn, daysLeft, refusedAt }: ClientSecretStatus) => ({
  position,
  expires_on: expiresOn ?? null,
  days_left: daysLeft ?? null,
  refused_at: rfc3339OrNull(refusedAt),
});

const coolDownReply = (coolDown: CoolDown) => ({
  cause: coolDown.cause,
  until: rfc3339(coolDown.until),
  since: rfc3339(coolDown.since),
  code: coolDown.code,
  message: coolDown.message,
  correlation_id: coolDown.correlationId ?? null,
  remedy: ERROR_TEXTS.en[coolDownKind(coolDown)][1],
});

export const appRegistrationReply = (status: AppRegistrationStatus) => ({
  provider: status.provider,
  organization_id: status.organizationId ?? null,
  client_id: status.clientId,
  client_secrets: status.clientSecrets.map(clientSecretReply),
  cool_down: status.coolDown === undefined ? null : coolDownReply(status.coolDown),
});
