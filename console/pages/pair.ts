import { html } from 'hono/html';
import type { Device, Mailbox, Organization } from '../../shared/domain/entities.ts';
import type { Pairing } from '../../shared/domain/pairing.ts';
import { PROVIDERS } from '../../shared/domain/provider.ts';
import type { Language } from '../../shared/protocol/texts/index.ts';
import { facts, selectField, textField } from '../elements.ts';
import { page, visitorView } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { EMPTY_FORM, type Html, PROVIDER_NAMES, type Problem, type View } from '../view.ts';

const PATH = '/pair';

export interface PairForm {
  readonly userCode?: string | undefined;
}

/** With the choice of a language, which leads back to the code. */
const viewOf = (language: Language, userCode = ''): View => ({
  ...visitorView(language),
  here: userCode === '' ? PATH : `${PATH}?user_code=${encodeURIComponent(userCode)}`,
});

const form = (content: unknown): Html => html`<form method="post" action="${PATH}" class="form">${content}</form>`;

/** Where a person types the code that a device shows. */
export const pairPage = ({
  language,
  userCode = '',
  problem,
}: PairForm & { readonly language: Language; readonly problem: Problem | undefined }): Html => {
  const { pair: words } = textsIn(language);
  const fields = html`
${textField(
  { values: { user_code: userCode }, problem },
  { name: 'user_code', label: words.code, hint: words.codeHint, required: true, maxLength: 32, initial: userCode },
)}
<p class="actions"><button type="submit" class="button primary">${words.next}</button></p>`;
  return page(viewOf(language, userCode), {
    title: words.title,
    problem,
    body: html`<div class="card narrow"><p>${words.intro}</p>${form(fields)}</div>`,
  });
};

export interface ConsentModel {
  readonly language: Language;
  readonly asked: {
    readonly pairing: Pairing;
    readonly device: Device;
    readonly organization: Organization;
    readonly mailbox: Mailbox | undefined;
  };
  /** As the device shows it. */
  readonly userCode: string;
  /** Shows that the button was pressed on this very page. */
  readonly confirmation: string;
  /** The button was pressed, and the browser has kept no cookie. */
  readonly needsCookie: boolean;
}

const slotName = (language: Language, slot: string): string => {
  const { slots } = textsIn(language);
  const [kind = '', login] = slot.split(':');
  const name = Object.hasOwn(slots, kind) ? slots[kind as keyof typeof slots] : kind;
  return login === undefined ? name : `${name}: ${login}`;
};

/** Which device asks, and for what; nothing happens before the button. */
export const consentPage = ({ language, asked, userCode, confirmation, needsCookie }: ConsentModel): Html => {
  const { pair: words, device: ofDevice, mailbox: ofMailbox } = textsIn(language);
  const { pairing, device, organization, mailbox } = asked;
  const { clientName, vendor, model, serialNumber, location } = device.metadata;
  const provider = mailbox?.provider ?? pairing.provider;
  const choice =
    provider === undefined
      ? selectField(EMPTY_FORM, {
          name: 'provider',
          label: ofMailbox.provider,
          options: PROVIDERS.map((name) => [name, PROVIDER_NAMES[name]]),
          initial: PROVIDERS[0],
        })
      : '';
  const fields = html`
<input type="hidden" name="user_code" value="${userCode}">
<input type="hidden" name="confirmation" value="${confirmation}">
${choice}
<p class="actions">
<button type="submit" class="button primary" name="action" value="continue">${words.signIn}</button>
<button type="submit" class="button plain" name="action" value="cancel">${words.cancel}</button>
</p>`;
  return page(viewOf(language, userCode), {
    title: words.consentTitle,
    problem: needsCookie ? { message: words.cookieMissing, remedy: words.cookieRemedy } : undefined,
    body: html`
<div class="card narrow">
<p>${words.consentText}</p>
${facts([
  [ofDevice.device, clientName],
  [ofDevice.model, [vendor, model].filter(Boolean).join(' ')],
  [ofDevice.serialNumber, serialNumber],
  [ofDevice.location, location],
  [words.organization, organization.name],
  [ofDevice.slot, slotName(language, pairing.slot)],
  [ofMailbox.provider, provider && PROVIDER_NAMES[provider]],
  [ofMailbox.mailbox, mailbox?.address ?? words.yourMailbox],
  [words.code, userCode],
])}
<p class="notice">${words.warning}</p>
${form(fields)}
</div>`,
  });
};
