import { html } from 'hono/html';
import type { Organization } from '../../shared/domain/entities.ts';
import { NOTICE_KINDS, type NoticeEvent, type NoticeKind } from '../../shared/domain/notice.ts';
import type { NotificationSettings } from '../../shared/domain/notification-settings.ts';
import { isLanguage, LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { buttonForm, facts, linkButton, postForm, selectField, submitButton, textField, time } from '../elements.ts';
import { page } from '../layout.ts';
import { deliveryLine, type ListedNotice, noticeTable } from '../notices.ts';
import { LANGUAGE_NAMES, textsIn } from '../texts/index.ts';
import { notificationTextsIn } from '../texts/notifications/index.ts';
import { EMPTY_FORM, type FormState, type Html, type Problem, paths, type View } from '../view.ts';

export interface NotificationsModel {
  /** Undefined: the operator's. */
  readonly organization: Organization | undefined;
  readonly settings: NotificationSettings;
  readonly test: NoticeEvent | undefined;
  readonly notices: readonly ListedNotice[];
  readonly hasMore: boolean;
}

type Whose = Pick<NotificationsModel, 'organization'>;

const titleOf = (view: View, { organization }: Whose): string => {
  const { settings } = notificationTextsIn(view.language);
  return organization === undefined ? settings.ofBroker : settings.title;
};

const trailTo = (view: View, { organization }: Whose, here = false) =>
  [
    [paths.home, textsIn(view.language).overview.title],
    ...(organization === undefined ? [] : [[paths.organization(organization.id), organization.name] as const]),
    ...(here ? [[paths.notifications(organization?.id), titleOf(view, { organization })] as const] : []),
  ] as const;

const lastTest = (view: View, test: NoticeEvent | undefined): Html | undefined => {
  if (test === undefined) return undefined;
  const { settings } = notificationTextsIn(view.language);
  return html`${time(test.at)}<br>${deliveryLine(view, settings.byWebhook, test.webhook)}<br>${deliveryLine(
    view,
    settings.byMail,
    test.mail,
  )}`;
};

const settingsCard = (view: View, { organization, settings, test }: NotificationsModel): Html => {
  const { settings: words } = notificationTextsIn(view.language);
  const { webhook, emails, locale, kinds } = settings;
  const here = paths.notifications(organization?.id);
  const isNobody = webhook === undefined && emails.length === 0;
  const former = webhook?.former;
  return html`
<div class="card">
${isNobody ? html`<p>${words.nobody}</p>` : ''}
${webhook?.goneAt === undefined ? '' : html`<p class="wrong">${words.gone}</p>`}
${facts([
  [words.webhook, webhook === undefined ? words.none : html`<code>${webhook.url}</code>`],
  [words.former, former === undefined || former.until <= view.nowSeconds ? undefined : time(former.until)],
  [words.emails, emails.length === 0 ? words.none : emails.join(', ')],
  [words.locale, locale === undefined ? words.localeOwn : isLanguage(locale) ? LANGUAGE_NAMES[locale] : locale],
  [words.kinds, kinds === undefined ? words.all : kinds.map((kind) => words.kindNames[kind]).join(', ')],
  [words.lastTest, lastTest(view, test)],
])}
<div class="actions">
${linkButton(`${here}/edit`, words.change, 'primary')}
${isNobody ? '' : buttonForm(view, `${here}/test`, words.test)}
${webhook === undefined ? '' : linkButton(`${here}/secret`, words.newSecret)}
</div>
${isNobody ? '' : html`<p class="quiet">${words.testHint}</p>`}
</div>`;
};

/** Who is told, and of what they are told now. */
export const notificationsPage = (view: View, model: NotificationsModel, problem?: Problem): Html => {
  const { settings: words, open } = notificationTextsIn(view.language);
  return page(view, {
    title: titleOf(view, model),
    section: 'overview',
    trail: trailTo(view, model),
    problem,
    body: html`
<p>${model.organization === undefined ? words.introOfBroker : words.intro}</p>
${settingsCard(view, model)}
<h2>${open.title}</h2>
${noticeTable(view, model.notices, model.hasMore)}`,
  });
};

/** What a list of ticks is called in a form. */
export const kindField = (kind: NoticeKind): string => `kind_${kind.replace('.', '_')}`;

const kindTicks = (view: View, form: FormState, chosen: readonly NoticeKind[]): Html => {
  const { settings: words } = notificationTextsIn(view.language);
  const isTicked = (kind: NoticeKind) =>
    form.problem === undefined ? chosen.includes(kind) : form.values[kindField(kind)] !== undefined;
  const ticks = NOTICE_KINDS.map((kind) => {
    const name = kindField(kind);
    const checked = isTicked(kind) ? html` checked` : '';
    return html`
<p class="tick"><input id="${name}" name="${name}" type="checkbox" value="on"${checked}>
<label for="${name}">${words.kindNames[kind]}</label></p>`;
  });
  const problem = form.problem?.field === 'kinds' ? html`<p class="wrong">${form.problem.message}</p>` : '';
  return html`<fieldset class="field" id="kinds"><legend>${words.kinds}</legend>${problem}${ticks}</fieldset>`;
};

const emailsField = (view: View, form: FormState, initial: string): Html => {
  const { settings: words } = notificationTextsIn(view.language);
  const { problem, values } = form;
  const isWrong = problem?.field === 'emails';
  const text = problem === undefined ? initial : (values.emails ?? '');
  return html`
<div class="field">
<label for="emails">${words.emails}</label>
<p class="hint" id="emails-hint">${words.emailsHint}</p>
${isWrong ? html`<p class="wrong" id="emails-problem">${problem.message}</p>` : ''}
<textarea id="emails" name="emails" rows="4" autocomplete="off" aria-describedby="emails-hint${
    isWrong ? ' emails-problem' : ''
  }"${isWrong ? html` aria-invalid="true"` : ''}>${text}</textarea>
</div>`;
};

export const notificationsFormPage = (
  view: View,
  { organization, settings }: Pick<NotificationsModel, 'organization' | 'settings'>,
  form: FormState = EMPTY_FORM,
): Html => {
  const { settings: words } = notificationTextsIn(view.language);
  const { common } = textsIn(view.language);
  const here = paths.notifications(organization?.id);
  const languages = LANGUAGES.map((language) => [language, LANGUAGE_NAMES[language]] as const);
  const fields = html`
${textField(form, {
  name: 'webhook_url',
  label: words.webhook,
  hint: words.webhookHint,
  maxLength: 2000,
  initial: settings.webhook?.url ?? '',
})}
${emailsField(view, form, settings.emails.join('\n'))}
${selectField(form, {
  name: 'locale',
  label: words.locale,
  options: organization === undefined ? languages : [['', words.localeOwn], ...languages],
  initial: settings.locale ?? (organization === undefined ? view.language : ''),
})}
${kindTicks(view, form, settings.kinds ?? NOTICE_KINDS)}
<p class="actions">${submitButton(common.save)} ${linkButton(here, common.cancel)}</p>`;
  return page(view, {
    title: words.change,
    section: 'overview',
    trail: trailTo(view, { organization }, true),
    problem: form.problem,
    body: html`<div class="card narrow">${postForm(view, here, fields)}</div>`,
  });
};

/** The only time the secret is shown. */
export const webhookSecretPage = (
  view: View,
  { organization, webhookSecret }: Whose & { readonly webhookSecret: string },
): Html => {
  const { settings: words } = notificationTextsIn(view.language);
  const { common } = textsIn(view.language);
  return page(view, {
    title: words.secretTitle,
    section: 'overview',
    trail: trailTo(view, { organization }, true),
    body: html`
<p class="notice">${common.shownOnce}</p>
<div class="card">
${facts([[words.secret, html`<code class="secret">${webhookSecret}</code>`]])}
<p>${words.secretHint}</p>
</div>
<p>${linkButton(paths.notifications(organization?.id), common.done, 'primary')}</p>`,
  });
};

/** Asks before the receiver has to be changed. */
export const newWebhookSecretPage = (view: View, { organization }: Whose): Html => {
  const { settings: words } = notificationTextsIn(view.language);
  const { common } = textsIn(view.language);
  const here = paths.notifications(organization?.id);
  const buttons = html`<p class="actions">${submitButton(words.newSecretYes)} ${linkButton(here, common.cancel)}</p>`;
  return page(view, {
    title: words.newSecret,
    section: 'overview',
    trail: trailTo(view, { organization }, true),
    body: html`<div class="card narrow"><p>${words.newSecretConsequence}</p>${postForm(view, `${here}/secret`, buttons)}</div>`,
  });
};
