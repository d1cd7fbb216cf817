/**
 * The pages of a sign-in. Plain forms; the field names are fixed, because tests and demonstrations fill them in:
 *
 * | page    | fields                                                                                              |
 * |---------|-----------------------------------------------------------------------------------------------------|
 * | sign-in | `username`, `password`, `action` = `sign-in` or `cancel`                                            |
 * | consent | `scope` (checkboxes, Google only, one for each scope that may be refused), `action` = `accept` or `refuse` |
 * | device  | `user_code`, then `confirm` = `yes` or `abort` = `yes`; `xsrf` is hidden                             |
 *
 * `<main>` holds one `<form method="post">`; a refused form comes again with a message in `role="alert"`.
 */
import { html } from 'hono/html';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { PAGE_HEADERS, renderPage } from '../layout.ts';
import { PROPOSED_ACCOUNTS, STAND_IN_DOMAINS, STAND_IN_PASSWORD } from './accounts.ts';

const NAMES = { microsoft: 'Microsoft', google: 'Google' } as const satisfies Record<ProviderName, string>;

const bannerOf = (provider: ProviderName): string =>
  `Stand-in for ${NAMES[provider]}, running on this machine. This is not ${NAMES[provider]}: do not type a real ` +
  'password. No real account is asked for, and nothing leaves this machine.';

const alertOf = (message: string | undefined) =>
  message === undefined ? '' : html`<p class="error" role="alert">${message}</p>`;

export const signInPage = (page: {
  readonly provider: ProviderName;
  readonly action: string;
  readonly username: string;
  readonly message?: string | undefined;
}): Promise<string> =>
  renderPage({
    title: `Sign in - stand-in for ${NAMES[page.provider]}`,
    banner: bannerOf(page.provider),
    content: html`<h1>Sign in</h1>
${alertOf(page.message)}
<form method="post" action="${page.action}">
<label for="username">Address</label>
<input id="username" name="username" type="text" inputmode="email" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="username-hint" value="${page.username}">
<p class="hint" id="username-hint">Any address at ${STAND_IN_DOMAINS[page.provider]}, such as ${PROPOSED_ACCOUNTS[page.provider].join(' or ')}.</p>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="off" aria-describedby="password-hint" value="${STAND_IN_PASSWORD}">
<p class="hint" id="password-hint">For every account: <strong>${STAND_IN_PASSWORD}</strong></p>
<div class="actions">
<button name="action" value="sign-in">Sign in</button>
<button class="quiet" name="action" value="cancel">Cancel</button>
</div>
</form>`,
  });

export interface ConsentScope {
  readonly scope: string;
  /** Google lets a person refuse single scopes. */
  readonly optional: boolean;
}

export const consentPage = (page: {
  readonly provider: ProviderName;
  readonly action: string;
  readonly account: string;
  readonly client: string;
  readonly scopes: readonly ConsentScope[];
}): Promise<string> =>
  renderPage({
    title: `Permissions - stand-in for ${NAMES[page.provider]}`,
    banner: bannerOf(page.provider),
    content: html`<h1>Permissions requested</h1>
<p>The application <strong>${page.client}</strong> asks for these permissions on <strong>${page.account}</strong>:</p>
<form method="post" action="${page.action}">
<ul>
${page.scopes.filter(({ optional }) => !optional).map(({ scope }) => html`<li><code>${scope}</code></li>`)}
</ul>
${page.scopes
  .filter(({ optional }) => optional)
  .map(
    ({ scope }) =>
      html`<label class="choice"><input type="checkbox" name="scope" value="${scope}" checked> <code>${scope}</code></label>`,
  )}
<div class="actions">
<button name="action" value="accept">Accept</button>
<button class="quiet" name="action" value="refuse">Refuse</button>
</div>
</form>`,
  });

export const errorPage = (provider: ProviderName, title: string, detail: string): Promise<string> =>
  renderPage({
    title: `${title} - stand-in for ${NAMES[provider]}`,
    banner: bannerOf(provider),
    content: html`<h1>${title}</h1>
<p class="error" role="alert">${detail}</p>
<p>Go back to where the sign-in was started, and start it again.</p>`,
  });

const microsoftPage = async (ctx: KoaContextWithOIDC, title: string, content: ReturnType<typeof html>) => {
  ctx.set(PAGE_HEADERS);
  ctx.body = await renderPage({ title, banner: bannerOf('microsoft'), content });
};

/** oidc-provider hands over a form of its own, without labels; only its token against forgery is taken from it. */
const xsrfIn = (form: string): string => /name="xsrf" value="([^"]*)"/.exec(form)?.[1] ?? '';

/** The pages of the device flow (RFC 8628 section 3.3). */
export const deviceFlowPages = {
  userCodeInputSource: (ctx: KoaContextWithOIDC, form: string, _?: unknown, error?: Error): Promise<void> =>
    microsoftPage(
      ctx,
      'Enter code',
      html`<h1>Enter code</h1>
${alertOf(error && (error.name === 'AbortedError' ? 'The sign-in was cancelled.' : 'That code did not work. Check it and try again.'))}
<form method="post" action="${ctx.oidc.urlFor('code_verification')}">
<input type="hidden" name="xsrf" value="${xsrfIn(form)}">
<label for="user_code">Code shown by the device</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false">
<div class="actions"><button>Next</button></div>
</form>`,
    ),
  userCodeConfirmSource: (
    ctx: KoaContextWithOIDC,
    form: string,
    client: { readonly clientId: string },
    _: unknown,
    userCode: string,
  ): Promise<void> =>
    microsoftPage(
      ctx,
      'Confirm',
      html`<h1>Are you trying to sign in to ${client.clientId}?</h1>
<p>Only continue if the device in front of you shows the code <strong>${userCode}</strong>.</p>
<form method="post" action="${ctx.oidc.urlFor('code_verification')}">
<input type="hidden" name="xsrf" value="${xsrfIn(form)}">
<input type="hidden" name="user_code" value="${userCode}">
<div class="actions">
<button name="confirm" value="yes">Continue</button>
<button class="quiet" name="abort" value="yes">Cancel</button>
</div>
</form>`,
    ),
  successSource: (ctx: KoaContextWithOIDC): Promise<void> =>
    microsoftPage(ctx, 'Signed in', html`<h1>You have signed in</h1><p>You may now close this window.</p>`),
};
