import type { Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { signInResultPage } from '../../console/pages/sign-in-result.ts';
import { type BrokerContext, type BrokerEnv, brokerApp } from '../../shared/adapters/http/app.ts';
import { pageLanguage } from '../../shared/adapters/http/language.ts';
import { pageHeaders } from '../../shared/adapters/http/pages.ts';
import { brokerError } from '../../shared/domain/errors.ts';
import { isProviderName } from '../../shared/domain/provider.ts';
import { SIGN_IN_SECONDS } from '../../shared/domain/sign-in.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Random } from '../../shared/ports/random.ts';
import { type Outcome, outcomeOf } from '../../shared/protocol/outcomes.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import type { Reconnect } from '../../shared/usecases/notices/reconnect.ts';
import type { AnswerPairing } from '../../shared/usecases/pairing/answer-pairing.ts';
import type { BeginPairing } from '../../shared/usecases/pairing/begin-pairing.ts';
import type { RevokeToken } from '../../shared/usecases/pairing/give-up-slot.ts';
import type { DepartForProvider } from '../../shared/usecases/sign-in/begin-sign-in.ts';
import type { CompleteSignIn, SignInError } from '../../shared/usecases/sign-in/complete-sign-in.ts';
import { deviceAuthorizationRoute } from './device-authorization.ts';
import { pairPages } from './pair.ts';
import { reconnectRoutes } from './reconnect.ts';
import { revocationRoute } from './revocation.ts';

/** One cookie for each attempt, so that two mailboxes can be signed in side by side in one browser. */
const cookieName = (signInId: string): string => `sign_in_${signInId.replace(/\W/g, '')}`;

const CALLBACK_PATH = '/oauth/callback';

interface Dependencies {
  readonly departForProvider: DepartForProvider;
  readonly completeSignIn: CompleteSignIn;
  readonly beginPairing: BeginPairing;
  readonly answerPairing: AnswerPairing;
  readonly revokeToken: RevokeToken;
  readonly reconnect: Reconnect;
  readonly publicUrl: string;
  readonly log: Log;
  readonly random: Random;
}

/**
 * A mailbox is signed in by redirect: out to the provider, and back (RFC 6749 section 4.1, RFC 7636). A device may ask for it
 * by a code that a person types (RFC 8628).
 */
export const signInApp = (dependencies: Dependencies): Hono<BrokerEnv> => {
  const { departForProvider, completeSignIn, publicUrl, log, random } = dependencies;
  const app = brokerApp({ errorShape: 'problem', log, random });
  const cookie = {
    path: CALLBACK_PATH,
    httpOnly: true,
    sameSite: 'Lax',
    secure: publicUrl.startsWith('https:'),
  } as const;

  const failedPage = (c: BrokerContext, error: SignInError) => {
    const language = pageLanguage(c);
    const [message, remedy] = ERROR_TEXTS[language][error.kind];
    const { status }: Outcome = outcomeOf(error);
    const { detail, code, correlationId, tookEffect = false, isPaired = false } = error;
    return c.html(
      signInResultPage({
        language,
        result: 'failed',
        message,
        remedy,
        detail,
        code,
        correlationId,
        tookEffect,
        isPaired,
      }),
      status as 400,
    );
  };

  deviceAuthorizationRoute(app, dependencies);
  revocationRoute(app, dependencies);
  reconnectRoutes(app, dependencies);
  app.route('/', pairPages(dependencies));

  for (const path of ['/sign-in/*', `${CALLBACK_PATH}/*`]) app.use(path, pageHeaders());

  app.get('/sign-in/:sign_in_id', async (c) => {
    // Mail scanners look at links with HEAD; that must not disturb a person who is at the provider already.
    if (c.req.method === 'HEAD') return c.body(null, 200);
    const id = c.req.param('sign_in_id');
    const departure = await departForProvider(id);
    if (!departure.ok) return failedPage(c, departure.error);
    setCookie(c, cookieName(id), departure.value.browserSecret, { ...cookie, maxAge: SIGN_IN_SECONDS });
    return c.redirect(departure.value.authorizationUrl, 302);
  });

  app.get(`${CALLBACK_PATH}/:provider`, async (c) => {
    const provider = c.req.param('provider');
    if (!isProviderName(provider)) return failedPage(c, brokerError('not_found'));
    const state = c.req.query('state');
    const name = cookieName(state?.split('.')[0] ?? '');
    const completed = await completeSignIn({
      provider,
      state,
      code: c.req.query('code'),
      error: c.req.query('error'),
      errorDescription: c.req.query('error_description'),
      browserSecret: getCookie(c, name),
    });
    if (!completed.ok) return failedPage(c, completed.error);
    deleteCookie(c, name, cookie);
    const language = pageLanguage(c);
    const { mailbox, tokenStatus, isPaired } = completed.value;
    const mailboxAddress = mailbox.address;
    return c.html(signInResultPage({ language, result: 'completed', mailboxAddress, tokenStatus, isPaired }));
  });

  return app;
};
