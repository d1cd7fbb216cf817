import type { Context } from 'hono';
import { problemPage } from '../../../console/pages/message.ts';
import { type ConsoleTexts, textsIn } from '../../../console/texts/index.ts';
import { type ConsoleProvider, type Html, type Problem, problemOf, type View } from '../../../console/view.ts';
import type { BrokerEnv } from '../../../shared/adapters/http/app.ts';
import { pageLanguage } from '../../../shared/adapters/http/language.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import { type Clock, epochSeconds } from '../../../shared/ports/clock.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { Random } from '../../../shared/ports/random.ts';
import { type Outcome, outcomeOf } from '../../../shared/protocol/outcomes.ts';
import type { ConsoleSession, ConsoleSessions } from '../../../shared/usecases/administration/console-sessions.ts';
import type { Administration, AdministrationFor } from '../../../shared/usecases/administration/index.ts';

export interface ConsoleDependencies {
  readonly administrationFor: AdministrationFor;
  readonly sessions: ConsoleSessions;
  readonly publicUrl: string;
  readonly providers: readonly ConsoleProvider[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** True wherever the console is reached by HTTPS. */
  readonly secureCookies: boolean;
}

export interface ConsoleEnv {
  Variables: BrokerEnv['Variables'] & {
    view: View;
    session: ConsoleSession | undefined;
    /** Of whoever is logged in: only behind `requireSession`, or where there is a session. */
    admin: Administration;
    /** The fields of a form that was sent with a valid CSRF token, trimmed; an empty one is absent. */
    form: Readonly<Record<string, string>>;
  };
}

/** For who reads a request or replies to it. */
export type ConsoleContext = Omit<Context<ConsoleEnv>, 'set'>;

type Notice = keyof ConsoleTexts['notices'];

const isNotice = (name: string | undefined): name is Notice =>
  name !== undefined && Object.hasOwn(textsIn('en').notices, name);

export const viewOf = (
  c: Context<ConsoleEnv>,
  { providers, clock }: ConsoleDependencies,
  session: ConsoleSession | undefined,
): View => {
  const { pathname, search } = new URL(c.req.url);
  const done = c.req.query('done');
  return {
    language: pageLanguage(c),
    csrfToken: session?.csrfToken,
    isForAll: session?.authority.scope === 'all',
    here: c.req.method === 'GET' ? pathname + search : undefined,
    nowSeconds: epochSeconds(clock),
    providers,
    notice: isNotice(done) ? done : undefined,
  };
};

/** Statuses are numbers in the table of outcomes; Hono wants one it knows to have a body. */
type Status = 200 | 400 | 401 | 403 | 404 | 405 | 409 | 413 | 429 | 500;

export const replyPage = (c: ConsoleContext, page: Html, status: number = 200): Response | Promise<Response> =>
  c.html(page, status as Status);

export const statusOf = (error: BrokerError): number => {
  const { status }: Outcome = outcomeOf(error);
  return status;
};

export const replyProblem = (c: ConsoleContext, problem: Problem, status: number): Response | Promise<Response> =>
  replyPage(c, problemPage(c.get('view'), problem), status);

export const replyFailure = (c: ConsoleContext, error: BrokerError): Response | Promise<Response> => {
  const requestId = error.kind === 'internal' ? c.get('requestId') : undefined;
  return replyProblem(c, { ...problemOf(c.get('view').language, error), requestId }, statusOf(error));
};

/** Post, redirect, get: what was done is said by the next page, and going back does nothing twice. */
export const redirectAfter = (c: ConsoleContext, path: string, done?: Notice): Response =>
  c.redirect(done === undefined ? path : `${path}?done=${done}`, 303);

/** Only a path of this very site, so that no link can send anybody elsewhere after the login. */
export const localPath = (path: string | undefined): string =>
  path !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/';
