import { X509Certificate } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import { type BrokerContext, type BrokerEnv, brokerApp } from '../../shared/adapters/http/app.ts';
import { readForm } from '../../shared/adapters/http/bodies.ts';
import { pageLanguage } from '../../shared/adapters/http/language.ts';
import { pageHeaders } from '../../shared/adapters/http/pages.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import type { BrokerError } from '../../shared/domain/errors.ts';
import type { Result } from '../../shared/domain/result.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Random } from '../../shared/ports/random.ts';
import { OUTCOMES } from '../../shared/protocol/outcomes.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { type Access, makeAccess } from './access.ts';
import { button, type Html, type PageContent, page, problemOf, type View } from './elements.ts';
import { EXPOSITION_TYPE } from './exposition.ts';
import { gaugesOf } from './gauges.ts';
import { askSpool, healthOf } from './health.ts';
import { statusPage } from './page.ts';
import { paths } from './queue-table.ts';
import type { Actions, GatewayStatus } from './status.ts';
import { STYLE_PATH, style } from './style.css.ts';
import { textsIn } from './texts/index.ts';

export interface StatusDeps {
  readonly status: GatewayStatus;
  readonly actions: Actions;
  readonly metrics: Pick<GatewayMetrics, 'render'>;
  /** Of the user `admin`, by HTTP Basic. */
  readonly password: string;
  /** Whether the page is shown without the password: no recipients, no replies that name them, nothing to press. */
  readonly open: boolean;
  /** Whether the metrics need the password too. */
  readonly protectMetrics?: boolean;
  /** What the gateway is called, besides its addresses; for those names alone the page is open. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

type Done = keyof ReturnType<typeof textsIn>['notices'];

/** As ours are; what is none of ours is not looked for. */
const ID = ':id{[A-Za-z0-9_-]{1,64}}';

const doneIn = (c: Context): Done | undefined =>
  (['resent', 'removed', 'tried'] as const).find((one) => one === c.req.query('done'));

/** What every page of one request starts from. */
const makeViews = ({ clock }: StatusDeps, access: Access) => ({
  view: (c: Context): View => ({
    language: pageLanguage(c),
    nowSeconds: epochSeconds(clock),
    formToken: access.isAdministrator(c) ? access.formToken : undefined,
  }),
});

const passwordNeeded = (c: BrokerContext, view: View): Response | Promise<Response> => {
  const { problem: words } = textsIn(view.language);
  // The challenge in UTF-8 (RFC 7617 section 2.1).
  c.header('WWW-Authenticate', 'Basic realm="MFP gateway", charset="UTF-8"');
  const problem = { message: words.password, remedy: words.passwordRemedy };
  return c.html(page(view, { title: words.passwordTitle, problem, body: '' }), 401);
};

const removePage = (view: View, id: string): Html => {
  const { queue: words } = textsIn(view.language);
  return page(view, {
    title: words.removeTitle,
    body: html`<div class="card"><p>${words.removeConsequence}</p><p><code>${id}</code></p>
${button(view, paths.remove(id), words.removeYes, id, 'danger')} <a href="${paths.home}">${words.back}</a></div>`,
  });
};

/** What people see and do. */
const addPages = (app: Hono<BrokerEnv>, deps: StatusDeps, access: Access): void => {
  const { status, actions, open, clock, log } = deps;
  const { view } = makeViews(deps, access);
  const shown = async (c: Context, said: Pick<PageContent, 'notice' | 'problem'>): Promise<Html> =>
    statusPage(view(c), status, await askSpool(status, clock), said);

  app.get(paths.home, async (c) => {
    const visitor = view(c);
    if (visitor.formToken === undefined && !(open && access.isOwnName(c))) return passwordNeeded(c, visitor);
    const done = doneIn(c);
    return c.html(await shown(c, { notice: done && textsIn(visitor.language).notices[done] }));
  });
  app.get(paths.signIn, (c) => {
    const visitor = view(c);
    return visitor.formToken === undefined ? passwordNeeded(c, visitor) : c.redirect(paths.home, 303);
  });
  app.get(paths.remove(ID), (c) => {
    const visitor = view(c);
    if (visitor.formToken === undefined) return passwordNeeded(c, visitor);
    return c.html(removePage(visitor, c.req.param('id') ?? ''));
  });

  const act = (path: string, done: Done, perform: (id: string) => Promise<Result<undefined, BrokerError>>): void => {
    app.post(path, async (c) => {
      const visitor = view(c);
      if (visitor.formToken === undefined) return passwordNeeded(c, visitor);
      const form = await readForm(c);
      if (!form.ok || !access.isOwnForm(c, form.value.form_token)) {
        const { problem: words } = textsIn(visitor.language);
        return c.html(
          await shown(c, { problem: { message: words.formOutOfDate, remedy: words.formOutOfDateRemedy } }),
          403,
        );
      }
      const id = c.req.param('id') ?? '';
      const result = await perform(id);
      log.info(`status.${done}`, { id, address: placeOf(c), outcome: result.ok ? 'ok' : result.error.kind });
      if (result.ok) return c.redirect(`${paths.home}?done=${done}`, 303);
      const code = OUTCOMES[result.error.kind].status;
      return c.html(await shown(c, { problem: problemOf(visitor, result.error) }), code);
    });
  };
  act(paths.resend(ID), 'resent', actions.resend);
  act(paths.remove(ID), 'removed', actions.remove);
  act(paths.tryNow(ID), 'tried', actions.tryNow);
};

/** What programs and devices ask for. */
const addData = (app: Hono<BrokerEnv>, deps: StatusDeps, access: Access): void => {
  const { status, metrics, protectMetrics = false, clock } = deps;
  const { view } = makeViews(deps, access);

  app.get('/health', async (c) => {
    const health = await healthOf(status, clock);
    return c.json(health, health.status === 'ok' ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    if (protectMetrics && !access.isAdministrator(c)) return passwordNeeded(c, view(c));
    const gauges = await gaugesOf(status, clock);
    const text = `${metrics.render()}${gauges.map((one) => one.render()).join('')}`;
    return c.body(text, 200, { 'Content-Type': EXPOSITION_TYPE });
  });

  const root = (path: string, type: string, encode: (pem: string) => string | Uint8Array<ArrayBuffer>): void => {
    app.get(path, (c) => {
      const { authority } = status.certificate();
      if (authority === undefined) return c.text(textsIn(pageLanguage(c)).certificate.noRoot, 404);
      const name = `mfp-gateway-${path.slice(1)}`;
      return c.body(encode(authority.certificate), 200, {
        'Content-Type': type,
        'Content-Disposition': `attachment; filename="${name}"`,
      });
    });
  };
  root(paths.rootDer, 'application/x-x509-ca-cert', (pem) => new Uint8Array(new X509Certificate(pem).raw));
  root(paths.rootPem, 'application/x-pem-file', (pem) => pem);
  app.get(STYLE_PATH, (c) => c.body(style, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
};

/** The gateway's own pages on the office network, and what monitoring asks for. */
export const statusApp = (deps: StatusDeps): Hono => {
  const { log, random, password, names } = deps;
  const access = makeAccess(password, names, random);
  const app = brokerApp({ errorShape: 'problem', log, random });
  app.use(pageHeaders());
  addPages(app, deps, access);
  addData(app, deps, access);
  // With the policy of the other pages browsers would hide the origin of their own forms (Fetch standard, section 3.2).
  return new Hono().all('*', async (c) => {
    const response = await app.fetch(c.req.raw, c.env);
    response.headers.set('Referrer-Policy', 'same-origin');
    return response;
  });
};
