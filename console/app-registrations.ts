import { html } from 'hono/html';
import type { AppRegistrationStatus, ClientSecretStatus } from '../shared/domain/app-registration-status.ts';
import { day, dayAndDistance, secretBadges, table } from './elements.ts';
import { textsIn } from './texts/index.ts';
import { type Html, PROVIDER_NAMES, type View } from './view.ts';

const isStandIn = ({ providers }: View, { provider }: AppRegistrationStatus): boolean =>
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

/** The broker's registrations with the providers, and when each client secret expires. */
export const appRegistrationSection = (view: View, registrations: readonly AppRegistrationStatus[]): Html => {
  if (registrations.length === 0) return html``;
  const { appRegistration: words, overview, mailbox } = textsIn(view.language);
  const rows = registrations.flatMap((registration) => {
    const standsIn = isStandIn(view, registration);
    const name = PROVIDER_NAMES[registration.provider];
    return registration.clientSecrets.map((secret) => [
      standsIn ? `${name} (${overview.standIn})` : name,
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
