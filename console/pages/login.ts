import { html } from 'hono/html';
import { postForm, submitButton, textField } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';

/** `back`: the page that was asked for, to be shown after the login. */
export const loginPage = (view: View, form: FormState, back: string): Html => {
  const { login } = textsIn(view.language);
  const fields = html`
<input type="hidden" name="back" value="${back}">
${textField(form, {
  name: 'admin_key',
  label: login.adminKey,
  hint: login.adminKeyHint,
  type: 'password',
  autocomplete: 'current-password',
  required: true,
})}
${submitButton(login.submit)}`;
  return page(view, {
    title: login.title,
    problem: form.problem,
    body: html`<div class="card narrow"><p>${login.intro}</p>${postForm(view, paths.login, fields)}</div>`,
  });
};
