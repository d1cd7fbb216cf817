import { html } from 'hono/html';
import { type ConnectionTest, failedStep, type TestStep } from '../../shared/domain/connection-test.ts';
import type { Mailbox } from '../../shared/domain/entities.ts';
import { panelCodeOf, stepInWords } from '../../shared/protocol/connection-test.ts';
import { CONNECTION_TEST_TEXTS } from '../../shared/protocol/connection-test-texts/index.ts';
import { linkButton, postForm, selectField, submitButton, table, textField } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';

/** What the form offers: sending, and the two ways of receiving. */
export const TEST_CHOICES = ['send', 'pop', 'imap'] as const;
export type TestChoice = (typeof TEST_CHOICES)[number];

export interface ConnectionTestModel {
  readonly mailbox: Mailbox;
  readonly form: FormState;
  /** What was tested, where there is a result. */
  readonly choice?: TestChoice;
  readonly test?: ConnectionTest;
}

const BADGES = { passed: 'acquired', failed: 'failed', left_out: 'not_acquired' } as const satisfies Record<
  TestStep['outcome'],
  string
>;

/** What was seen; where it failed what to do besides, and what there is to look up. */
const account = (view: View, step: TestStep): Html => {
  const { problem, mailbox, connectionTest: words } = textsIn(view.language);
  const { detail, remedy, reply, code, correlationId } = stepInWords(step, view.language);
  const toLookUp = [
    [words.reply, reply && html`<span lang="en">${reply}</span>`],
    [problem.code, code && html`<code>${code}</code>`],
    [problem.correlationId, correlationId && html`<code>${correlationId}</code>`],
  ] as const;
  return html`${detail}${remedy === undefined ? '' : html`<span class="because"><strong>${mailbox.remedy}:</strong> ${remedy}</span>`}${toLookUp
    .filter(([, value]) => value)
    .map(([name, value]) => html`<span class="because quiet">${name}: ${value}</span>`)}`;
};

const resultOf = (view: View, test: ConnectionTest): Html => {
  const { connectionTest: words } = textsIn(view.language);
  const failure = failedStep(test);
  const panelCode = panelCodeOf(test);
  const rows = test.steps.map((step) => [
    stepInWords(step, view.language).label,
    html`<span class="badge badge-${BADGES[step.outcome]}">${words.outcomes[step.outcome]}</span>`,
    account(view, step),
    words.milliseconds(step.durationMs),
  ]);
  return html`
<h2>${words.result}</h2>
<div data-result="${failure === undefined ? 'passed' : 'failed'}">
<p role="status">${failure === undefined ? words.allPassed : words.failedAt(stepInWords(failure, view.language).label)}
${panelCode === undefined ? '' : words.panelCode(panelCode)}
${test.route === 'api' ? CONNECTION_TEST_TEXTS[view.language].goesByApi : ''}</p>
${table(words.result, [words.step, words.outcome, words.seen, words.duration], rows)}
</div>`;
};

export const connectionTestPage = (view: View, { mailbox, form, choice = 'send', test }: ConnectionTestModel): Html => {
  const { connectionTest: words, overview, common } = textsIn(view.language);
  const here = paths.connectionTest(mailbox.id);
  const options = TEST_CHOICES.map((one) => [one, words.choices[one]] as const);
  const fields = html`
${selectField(form, { name: 'test', label: words.what, options, initial: choice })}
${textField(form, { name: 'to', label: words.to, hint: words.toHint, type: 'email', maxLength: 254, initial: form.values.to ?? '' })}
<p class="actions">${submitButton(words.run)} ${linkButton(paths.mailbox(mailbox.id), common.back)}</p>`;
  return page(view, {
    title: words.title(mailbox.address),
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [paths.mailbox(mailbox.id), mailbox.address],
    ],
    problem: form.problem,
    body: html`
${test === undefined ? html`<p>${words.intro}</p>` : resultOf(view, test)}
<div class="card narrow">${postForm(view, here, fields)}</div>`,
  });
};
