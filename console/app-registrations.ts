import { html } from 'hono/html';
import type { AppRegistrationStatus, ClientSecretStatus } from '../shared/domain/app-registration-status.ts';
import type { Organization } from '../shared/domain/entities.ts';
import type { MailboxDescription } from '../shared/domain/mailbox-description.ts';
import { type Registration, registrationKey } from '../shared/domain/registration.ts';
import { day, dayAndDistance, secretBadges, table } from './elements.ts';
import { textsIn } from './texts/index.ts';
import { type Html, PROVIDER_NAMES, type View } from './view.ts';

/** Of the organization that has brought it; its id where it is not, or no longer, there. */
export const ownerOf = ({ organizationId }: Registration, organizations: readonly Organization[]): string | undefined =>
  organizations.find(({ id }) => id === organizationId)?.name ?? organizationId;

/** By which a mailbox is refreshed; where nobody is signed in, the one that a sign-in would begin with. */
export const registrationFor = (
  registrations: readonly AppRegistrationStatus[],
  { mailbox, registration }: Pick<MailboxDescription, 'mailbox' | 'registration'>,
): AppRegistrationStatus | undefined => {
  const { provider, organizationId } = mailbox;
  const find = (wanted: Registration) =>
    registrations.find((found) => registrationKey(found) === registrationKey(wanted));
  return registration ? find(registration) : (find({ provider, organizationId }) ?? find({ provider }));
};

const isStandIn = ({ providers }: View, { provider, organizationId }: AppRegistrationStatus): boolean =>
  organizationId === undefined &&
  providers.some(({ name, isStandIn: standsIn = false }) => name === provider && standsIn);

/** Whether an operator should look at it; that a date is not known is no alarm. */
export const hasSecretWarning = ({ clientSecrets }: AppRegistrationStatus): boolean =>
  clientSecrets.some(({ warningDays, refusedAt }) => warningDays !== undefined || refusedAt !== undefined);

/** The badge of a warning says how far away it is. */
const expiry = (view: View, { expiresOn, daysLeft, warningDays }: ClientSecretStatus): Html => {
  if (expiresOn === undefined || daysLeft === undefined)
    return html`${textsIn(view.language).appRegistration.notKnown}`;
  return warningDays === undefined || daysLeft < 0 ? dayAndDistance(view, expiresOn, daysLeft) : day(expiresOn);
};

const remedy = (view: View, { daysLeft, warningDays, refusedAt }: ClientSecretStatus, standsIn: boolean): string => {
  const { appRegistration: words } = textsIn(view.language);
  if (refusedAt !== undefined) return words.replaceRefused;
  if (daysLeft === undefined) return standsIn ? '–' : words.enterDate;
  if (warningDays === undefined) return '–';
  return daysLeft < 0 ? words.replaceExpired : words.replaceExpiring;
};

/** The registrations with the providers, and when each client secret expires. */
export const appRegistrationSection = (
  view: View,
  registrations: readonly AppRegistrationStatus[],
  organizations: readonly Organization[],
): Html => {
  if (registrations.length === 0) return html``;
  const { appRegistration: words, overview, mailbox } = textsIn(view.language);
  const rows = registrations.flatMap((registration) => {
    const standsIn = isStandIn(view, registration);
    const name = PROVIDER_NAMES[registration.provider];
    const remark = standsIn ? overview.standIn : ownerOf(registration, organizations);
    return registration.clientSecrets.map((secret) => [
      remark === undefined ? name : `${name} (${remark})`,
      html`<code class="long">${registration.clientId}</code>`,
      words.position(secret.position),
      html`${expiry(view, secret)} ${secretBadges(view, secret)}`,
      remedy(view, secret, standsIn),
    ]);
  });
  return html`
<h2>${words.title}</h2>
${table(words.title, [mailbox.provider, 'client_id', words.secret, words.expires, overview.whatToDo], rows)}`;
};
