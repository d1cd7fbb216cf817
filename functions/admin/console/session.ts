import type { Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import { loginPage } from '../../../console/pages/login.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { EMPTY_FORM, type Problem, paths, problemOf } from '../../../console/view.ts';
import { readForm } from '../../../shared/adapters/http/bodies.ts';
import { LANGUAGE_COOKIE } from '../../../shared/adapters/http/language.ts';
import { placeOf } from '../../../shared/adapters/http/place.ts';
import { isLanguage } from '../../../shared/protocol/texts/index.ts';
import { SESSION_SECONDS } from '../../../shared/usecases/administration/console-sessions.ts';
import type { Administration, AdministrationOfAll } from '../../../shared/usecases/administration/index.ts';
import { hashOf, matchesAny } from '../../../shared/usecases/secrets.ts';
import {
  type ConsoleContext,
  type ConsoleDependencies,
  type ConsoleEnv,
  localPath,
  redirectAfter,
  replyFailure,
  replyPage,
  replyProblem,
  statusOf,
  viewOf,
} from './context.ts';

const LANGUAGE_SECONDS = 365 * 86_400;

const cookieName = ({ secureCookies }: ConsoleDependencies): string =>
  secureCookies ? '__Host-console_session' : 'console_session';

/**
 * Lax, not Strict: an alert by mail links to a mailbox's page, and whoever follows it is still logged in. Every POST
 * needs the session's CSRF token besides.
 */
const cookieOptions = ({ secureCookies }: ConsoleDependencies) =>
  ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: secureCookies }) as const;

/** Finds the session, and what its key lets somebody do. Refuses nothing. */
export const withSession = (dependencies: ConsoleDependencies) =>
  createMiddleware<ConsoleEnv>(async (c, next) => {
    const token = getCookie(c, cookieName(dependencies));
    const session = token === undefined ? undefined : await dependencies.sessions.find(token);
    c.set('session', session);
    if (session) c.set('admin', dependencies.administrationFor(session.authority));
    c.set('view', viewOf(c, dependencies, session));
    c.set('form', {});
    await next();
  });

/** Asks for the admin key, then goes back to the page that was asked for. */
export const replyLogin = (
  c: ConsoleContext,
  status: number,
  problem?: Problem,
  back = c.get('view').here ?? paths.home,
): Response | Promise<Response> => {
  const form = problem === undefined ? EMPTY_FORM : { values: {}, problem };
  return replyPage(c, loginPage(c.get('view'), form, back), status);
};

/**
 * Whether a browser says that the form came from another site (W3C Fetch Metadata). The header Origin cannot tell: under
 * `Referrer-Policy: no-referrer` it is `null` for our own forms, too (Fetch, section 3.2).
 */
const isFromElsewhere = (c: ConsoleContext): boolean => {
  const site = c.req.header('sec-fetch-site');
  return site !== undefined && site !== 'same-origin' && site !== 'none';
};

const outOfDate = (c: ConsoleContext): Response | Promise<Response> => {
  const { problem } = textsIn(c.get('view').language);
  return replyProblem(c, { message: problem.formOutOfDate, remedy: problem.formOutOfDateRemedy }, 403);
};

/**
 * Reads the form of a POST. With a session it must carry the session's token; but for the login, whose page may be older
 * than the session, and which needs the admin key anyway.
 */
export const withForm = createMiddleware<ConsoleEnv>(async (c, next) => {
  if (c.req.method !== 'POST') return next();
  if (isFromElsewhere(c)) return outOfDate(c);
  const form = await readForm(c);
  if (!form.ok) return replyFailure(c, form.error);
  const session = c.req.path === paths.login ? undefined : c.get('session');
  if (session && !matchesAny(form.value.csrf_token ?? '', [hashOf(session.csrfToken)])) return outOfDate(c);
  c.set('form', Object.fromEntries(Object.entries(form.value).map(([name, value]) => [name, value.trim()])));
  return next();
});

/** Everything behind this is for administrators, each within the reach of the key. */
export const requireSession = createMiddleware<ConsoleEnv>(async (c, next) => {
  if (c.get('session')) return next();
  const { problem } = textsIn(c.get('view').language);
  return replyLogin(c, 401, c.req.method === 'GET' ? undefined : { message: problem.notLoggedIn });
});

/** Before a page that concerns the broker as a whole: somebody has typed its address, since no page leads there. */
export const requireKeyForAll = createMiddleware<{
  Variables: ConsoleEnv['Variables'] & { admin: AdministrationOfAll };
}>(async (c, next) => {
  const { scope }: Administration = c.get('admin');
  if (scope === 'all') return next();
  const { adminKey } = textsIn(c.get('view').language);
  return replyProblem(c, { message: adminKey.forOneOnly, remedy: adminKey.forOneOnlyRemedy }, 401);
});

export const sessionRoutes = (app: Hono<ConsoleEnv>, dependencies: ConsoleDependencies): void => {
  const { sessions, secureCookies } = dependencies;

  app.post(paths.login, async (c) => {
    const { admin_key = '', back } = c.get('form');
    const begun = await sessions.begin(admin_key, placeOf(c));
    if (!begun.ok) {
      const { language } = c.get('view');
      const { login } = textsIn(language);
      const isWrong = begun.error.kind === 'invalid_admin_key';
      const wrong = { message: login.wrongKey, remedy: login.wrongKeyRemedy, field: 'admin_key' };
      return replyLogin(c, statusOf(begun.error), isWrong ? wrong : problemOf(language, begun.error), localPath(back));
    }
    setCookie(c, cookieName(dependencies), begun.value, { ...cookieOptions(dependencies), maxAge: SESSION_SECONDS });
    return redirectAfter(c, localPath(back));
  });

  app.post(paths.logout, async (c) => {
    const token = getCookie(c, cookieName(dependencies));
    if (token !== undefined) await sessions.end(token);
    deleteCookie(c, cookieName(dependencies), cookieOptions(dependencies));
    return redirectAfter(c, paths.home, 'logged_out');
  });

  app.post(paths.language, (c) => {
    const { language = '', back } = c.get('form');
    if (isLanguage(language)) {
      const options = { path: '/', httpOnly: true, sameSite: 'Lax', secure: secureCookies } as const;
      setCookie(c, LANGUAGE_COOKIE, language, { ...options, maxAge: LANGUAGE_SECONDS });
    }
    return redirectAfter(c, localPath(back));
  });
};
