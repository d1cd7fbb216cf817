import { html } from 'hono/html';
import { type AppRegistrationStatus, coolDownKind } from '../shared/domain/app-registration-status.ts';
import type { CoolDown } from '../shared/domain/cool-down.ts';
import type { Organization } from '../shared/domain/entities.ts';
import type { MailboxDescription } from '../shared/domain/mailbox-description.ts';
import type { Registration } from '../shared/domain/registration.ts';
import { OUTCOMES } from '../shared/protocol/outcomes.ts';
import { ERROR_TEXTS } from '../shared/protocol/texts/index.ts';
import { ownerOf, registrationFor } from './app-registrations.ts';
import { timeAndDistance } from './elements.ts';
import { textsIn } from './texts/index.ts';
import { type Html, PROVIDER_NAMES, type View } from './view.ts';

const incidentBox = (
  view: View,
  registration: Registration,
  coolDown: CoolDown,
  organizations: readonly Organization[],
): Html => {
  const { cause, since, until, code, message, correlationId } = coolDown;
  const { incident: words, problem, mailbox } = textsIn(view.language);
  const provider = PROVIDER_NAMES[registration.provider];
  const owner = ownerOf(registration, organizations);
  const name = owner === undefined ? provider : `${provider} (${owner})`;
  const happened =
    owner !== undefined && cause === 'registration' ? words.ownRegistration(provider, owner) : words[cause](name);
  const kind = coolDownKind(coolDown);
  const { actor } = OUTCOMES[kind];
  const remedy = cause === 'registration' ? ERROR_TEXTS[view.language][kind][1] : words.nothingToRepair;
  const known: readonly (readonly [name: string, value: unknown])[] = [
    [words.actor, words.actors[actor === 'operator' ? 'operator' : 'nobody']],
    [words.since, timeAndDistance(view, since)],
    [mailbox.nextTry, until > view.nowSeconds ? timeAndDistance(view, until) : words.dueNow],
    [problem.detail, html`<span lang="en">${message}</span>`],
    [problem.code, html`<code>${code}</code>`],
    ...(correlationId === undefined ? [] : [[problem.correlationId, html`<code>${correlationId}</code>`] as const]),
  ];
  return html`
<section class="problem incident" aria-label="${words.label(name)}">
<p><strong>${happened}</strong></p>
<p>${remedy}</p>
<dl>${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</section>`;
};

/** One for each registration that waits, however many mailboxes it has. */
export const incidents = (
  view: View,
  registrations: readonly AppRegistrationStatus[],
  organizations: readonly Organization[],
): Html =>
  html`${registrations.map((registration) => {
    const { coolDown } = registration;
    return coolDown === undefined ? '' : incidentBox(view, registration, coolDown, organizations);
  })}`;

/** Whether the incident of its registration tells what a mailbox suffers from. */
export const isToldByIncident = (
  registrations: readonly AppRegistrationStatus[],
  described: MailboxDescription,
): boolean => {
  const kind = described.lastError?.kind;
  return (
    (kind === 'provider_unavailable' || kind === 'app_registration_refused') &&
    registrationFor(registrations, described)?.coolDown !== undefined
  );
};
