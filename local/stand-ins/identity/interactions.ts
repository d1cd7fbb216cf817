import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InteractionResults, Provider } from 'oidc-provider';
import { readBody, sendHtml } from '../http.ts';
import { PAGE_HEADERS } from '../layout.ts';
import { findStandInAccount, STAND_IN_DOMAINS, STAND_IN_PASSWORD } from './accounts.ts';
import { type ConsentScope, consentPage, errorPage, signInPage } from './pages.ts';
import type { IdentityShape } from './shape.ts';
import type { IdentityStorage } from './storage.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** Asked for by every sign-in; refusing them singly makes no sense. */
const FIXED_SCOPES = new Set(['openid', 'profile', 'email', 'offline_access']);

const DECLINED = {
  error: 'access_denied',
  error_description: 'The user declined the request.',
} as const;

/** Serves `/interaction/{uid}`: the sign-in page, then the consent page. */
export const interactionHandler =
  (server: Provider, shape: IdentityShape, storage: IdentityStorage) =>
  async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const show = async (page: Promise<string>, status = 200) => sendHtml(response, status, PAGE_HEADERS, await page);
    const finish = (result: InteractionResults) => server.interactionFinished(request, response, result);

    const interaction = await server.interactionDetails(request, response).catch(() => undefined);
    if (interaction === undefined) {
      const detail = 'This page belongs to a sign-in that has ended, or to another browser.';
      return show(errorPage(shape.provider, 'Sign-in not found', detail), 400);
    }
    const action = request.url ?? '';
    const signIn = (username: string, message?: string) =>
      signInPage({ provider: shape.provider, action, username, message });

    if (request.method !== 'POST') {
      if (interaction.prompt.name === 'login') return show(signIn(String(interaction.params.login_hint ?? '')));
      const account = storage.findAccount(interaction.session?.accountId ?? '');
      return show(consentPageOf(interaction, shape, action, account?.address ?? ''));
    }
    const form = new URLSearchParams((await readBody(request))?.toString('utf8'));
    const pressed = form.get('action');
    if (pressed === 'cancel' || pressed === 'refuse') return finish(DECLINED);
    if (interaction.prompt.name !== 'login') {
      return finish({ consent: { grantId: await grantOf(server, shape, interaction, form.getAll('scope')) } });
    }
    const username = form.get('username') ?? '';
    const account = findStandInAccount(shape.provider, username);
    if (account === undefined) {
      const message = `This stand-in knows only addresses at ${STAND_IN_DOMAINS[shape.provider]}.`;
      return show(signIn(username, message));
    }
    if (form.get('password') !== STAND_IN_PASSWORD) {
      return show(signIn(username, 'The address or the password is wrong. The password is shown below the field.'));
    }
    // Not remembered: the next sign-in asks again, as in a private window.
    storage.rememberAccount(account);
    return finish({ login: { accountId: account.subject, remember: false } });
  };

interface ScopesAsked {
  readonly openid: readonly string[];
  readonly resources: { readonly [resource: string]: readonly string[] };
}

const scopesAsked = ({ prompt }: Interaction): ScopesAsked => {
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details as {
    missingOIDCScope?: string[];
    missingResourceScopes?: { [resource: string]: string[] };
  };
  return { openid: missingOIDCScope, resources: missingResourceScopes };
};

const consentPageOf = (
  interaction: Interaction,
  { provider, granularConsent }: IdentityShape,
  action: string,
  account: string,
) => {
  const { openid, resources } = scopesAsked(interaction);
  const scopes = [...openid, ...Object.values(resources).flat()].map(
    (scope): ConsentScope => ({ scope, optional: granularConsent && !FIXED_SCOPES.has(scope) }),
  );
  return consentPage({ provider, action, account, client: String(interaction.params.client_id), scopes });
};

/** A new grant for every sign-in, so that ending one leaves the others alone. */
const grantOf = async (
  server: Provider,
  { granularConsent }: IdentityShape,
  interaction: Interaction,
  ticked: readonly string[],
): Promise<string> => {
  const grant = new server.Grant({
    accountId: interaction.session?.accountId ?? '',
    clientId: String(interaction.params.client_id),
  });
  const { openid, resources } = scopesAsked(interaction);
  for (const scope of openid) {
    grant.addOIDCScope(scope);
    if (granularConsent && !FIXED_SCOPES.has(scope) && !ticked.includes(scope)) grant.rejectOIDCScope(scope);
  }
  for (const [resource, scopes] of Object.entries(resources)) grant.addResourceScope(resource, scopes.join(' '));
  return grant.save();
};
