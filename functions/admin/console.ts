import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { ICON_PATH, icon } from '../../console/icon.svg.ts';
import { STYLE_PATH, style } from '../../console/style.css.ts';
import { kindOfThrown, logThrown, SMALL_BODY_BYTES } from '../../shared/adapters/http/app.ts';
import { pageHeaders } from '../../shared/adapters/http/pages.ts';
import { brokerError } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/usecases/secrets.ts';
import { adminKeyRoutes } from './console/admin-keys.ts';
import { connectionTestRoutes } from './console/connection-tests.ts';
import {
  type ConsoleContext,
  type ConsoleDependencies,
  type ConsoleEnv,
  replyFailure,
  viewOf,
} from './console/context.ts';
import { deviceRoutes } from './console/devices.ts';
import { historyRoutes } from './console/history.ts';
import { mailboxRoutes } from './console/mailboxes.ts';
import { notificationRoutes } from './console/notifications.ts';
import { organizationRoutes } from './console/organizations.ts';
import { requireSession, sessionRoutes, withForm, withSession } from './console/session.ts';
import { submissionRoutes } from './console/submissions.ts';

export type { ConsoleDependencies, ConsoleEnv } from './console/context.ts';

/** What the console answers for; every other path is left to the apps beside it. */
const PATHS = ['/', '/console/*'] as const;

/** Longer than every id; the parts of a path become keys, and those have a limit in the table. */
const PATH_PART_LIMIT = 64;

/**
 * The console: pages for administrators, to be mounted beside other apps. All of it works without scripts.
 */
export const consoleApp = (dependencies: ConsoleDependencies): Hono<ConsoleEnv> => {
  const { log, random } = dependencies;
  const app = new Hono<ConsoleEnv>();
  const notFound = (c: ConsoleContext) => replyFailure(c, brokerError('not_found'));

  for (const path of PATHS) {
    app.use(path, pageHeaders(), async (c, next) => {
      const requestId = c.get('requestId') ?? newId('req', random);
      c.set('requestId', requestId);
      // Shown to whoever is not logged in, and where the session cannot be read.
      c.set('view', viewOf(c, dependencies, undefined));
      await next();
      c.header('X-Request-Id', requestId);
      c.header('Cache-Control', 'no-store');
    });
  }
  app.get(STYLE_PATH, (c) => c.body(style, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
  app.get(ICON_PATH, (c) => c.body(icon, 200, { 'Content-Type': 'image/svg+xml' }));

  const wrongMethod = methodNotAllowed({
    app,
    onMethodNotAllowed: async (c, methods) => {
      const allow = methods.join(', ');
      const refusal = brokerError('method_not_allowed', `Allow: ${allow}`);
      const reply = await replyFailure(c as unknown as ConsoleContext, refusal);
      reply.headers.set('Allow', allow);
      return reply;
    },
  });
  const limit = bodyLimit({
    maxSize: SMALL_BODY_BYTES,
    onError: (c) => replyFailure(c as Context<ConsoleEnv>, brokerError('payload_too_large')),
  });
  for (const path of PATHS) {
    app.use(path, withSession(dependencies), wrongMethod, limit, withForm);
    app.use(path, async (c, next) =>
      c.req.path.split('/').some((part) => part.length > PATH_PART_LIMIT) ? notFound(c) : next(),
    );
  }

  sessionRoutes(app, dependencies);
  app.use('/console/*', requireSession);
  organizationRoutes(app, dependencies);
  notificationRoutes(app);
  deviceRoutes(app, dependencies);
  mailboxRoutes(app, dependencies);
  connectionTestRoutes(app);
  historyRoutes(app);
  submissionRoutes(app);
  adminKeyRoutes(app);
  app.all('/console/*', notFound);
  app.all('/', notFound);

  app.onError((error, c) => {
    logThrown(log, c, error);
    return replyFailure(c, brokerError(kindOfThrown(error)));
  });
  return app;
};
