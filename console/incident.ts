import { html } from 'hono/html';
import { type AppRegistrationStatus, coolDownKind } from '../shared/domain/app-registration-status.ts';
import type { CoolDown } from '../shared/domain/cool-down.ts';
import type { GrantTrouble } from '../shared/domain/grant.ts';
import type { ProviderName } from '../shared/domain/provider.ts';
import { OUTCOMES } from '../shared/protocol/outcomes.ts';
import { ERROR_TEXTS } from '../shared/protocol/texts/index.ts';
import { timeAndDistance } from './elements.ts';
import { textsIn } from './texts/index.ts';
import { type Html, PROVIDER_NAMES, type View } from './view.ts';

const incidentBox = (view: View, provider: ProviderName, coolDown: CoolDown): Html => {
  const { cause, since, until, code, message, correlationId } = coolDown;
  const { incident: words, problem, mailbox } = textsIn(view.language);
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
<section class="problem incident" aria-label="${words.label(PROVIDER_NAMES[provider])}">
<p><strong>${words[cause](PROVIDER_NAMES[provider])}</strong></p>
<p>${remedy}</p>
<dl>${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</section>`;
};

/** One for each provider that is being spared, however many mailboxes it has. */
export const incidents = (view: View, registrations: readonly AppRegistrationStatus[]): Html =>
  html`${registrations.map(({ provider, coolDown }) =>
    coolDown === undefined ? '' : incidentBox(view, provider, coolDown),
  )}`;

/** Whether the incident of its provider tells what a mailbox suffers from. */
export const isToldByIncident = (
  registrations: readonly AppRegistrationStatus[],
  provider: ProviderName,
  { kind }: GrantTrouble,
): boolean =>
  (kind === 'provider_unavailable' || kind === 'app_registration_refused') &&
  registrations.some((registration) => registration.provider === provider && registration.coolDown !== undefined);
