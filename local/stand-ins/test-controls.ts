/**
 * The switches of a test against another process; there only with the option `testControls`.
 *
 * | call                                           | does                                                        |
 * |------------------------------------------------|-------------------------------------------------------------|
 * | `GET /_test/{who}/counters`                    | calls so far; `who` is `microsoft`, `google` or `mail`      |
 * | `POST /_test/{who}/faults` `{place, fault, times?}` | sets a fault (see faults.ts, mail/server.ts)           |
 * | `DELETE /_test/{who}/faults`                   | clears all of them                                          |
 * | the same of `microsoft-api`, `google-api`      | places: counters tell (see api/graph.ts, api/gmail.ts)      |
 * | the same of `pop`, `imap`                      | see mail/receiving.ts                                       |
 * | `POST /_test/{provider}/rotation` `{rotation}` | `none`, `lenient` or `strict`                               |
 * | `POST /_test/{provider}/access-token-ttl` `{seconds}` | of tokens given from now on                          |
 * | `POST /_test/{provider}/revocations` `{account}` | ends all that the account permitted                       |
 * | `POST /_test/microsoft/consents` `{account, scope, given}` | takes consent to one scope away, or gives it back |
 */
import { type Context, Hono } from 'hono';
import * as v from 'valibot';
import { PROVIDERS, type ProviderName } from '../../shared/domain/provider.ts';
import type { ApiStandIn } from './api/requests.ts';
import type { IdentityStandIn } from './identity/server.ts';
import type { ReceiveStandIn } from './mail/receiving.ts';
import type { MailStandIn } from './mail/server.ts';

const Times = v.optional(v.union([v.literal('always'), v.pipe(v.number(), v.integer(), v.minValue(1))]), 1);
const Status = v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599));

const HTTP_FAULTS = [
  v.object({
    kind: v.literal('reply'),
    status: Status,
    body: v.optional(v.union([v.string(), v.record(v.string(), v.unknown())])),
    headers: v.optional(v.record(v.string(), v.string())),
  }),
  v.object({ kind: v.literal('delay'), milliseconds: v.pipe(v.number(), v.minValue(0)) }),
  v.object({ kind: v.literal('hang') }),
  v.object({ kind: v.literal('reset') }),
  v.object({ kind: v.literal('lose_reply') }),
] as const;

const IdentityFault = v.object({
  place: v.picklist(['authorize', 'token', 'devicecode', 'revoke', 'keys']),
  fault: v.variant('kind', HTTP_FAULTS),
  times: Times,
});

const ApiFaultRequest = v.object({
  place: v.string(),
  fault: v.variant('kind', [
    ...HTTP_FAULTS,
    v.object({ kind: v.literal('cut'), afterBytes: v.pipe(v.number(), v.minValue(1)) }),
  ]),
  times: Times,
});

const MailFaultRequest = v.object({
  place: v.picklist(['CONNECT', 'AUTH', 'MAIL', 'RCPT', 'DATA']),
  fault: v.variant('kind', [
    v.object({ kind: v.literal('reply'), code: Status, text: v.string() }),
    v.object({ kind: v.literal('drop'), message: v.picklist(['kept', 'lost']) }),
  ]),
  times: Times,
});

const ReceiveFaultRequest = v.object({
  place: v.picklist(['CONNECT', 'AUTH', 'MAILBOX']),
  fault: v.variant('kind', [
    v.object({ kind: v.literal('refuse'), text: v.string() }),
    v.object({ kind: v.literal('drop') }),
    v.object({ kind: v.literal('slow'), milliseconds: v.pipe(v.number(), v.minValue(0)) }),
    v.object({ kind: v.literal('switched_off') }),
  ]),
  times: Times,
});

const Rotation = v.object({ rotation: v.picklist(['none', 'lenient', 'strict']) });
const Ttl = v.object({ seconds: v.pipe(v.number(), v.integer(), v.minValue(1)) });
const Revocation = v.object({ account: v.string() });
const Consent = v.object({ account: v.string(), scope: v.string(), given: v.boolean() });

interface Controlled extends Partial<Record<ProviderName, IdentityStandIn>> {
  readonly mail?: MailStandIn;
  readonly pop?: ReceiveStandIn;
  readonly imap?: ReceiveStandIn;
  readonly api?: Readonly<Record<ProviderName, ApiStandIn>>;
}

export const testControls = (controlled: Controlled): Hono => {
  const app = new Hono().basePath('/_test');
  for (const provider of PROVIDERS) {
    const standIn = controlled[provider];
    if (standIn !== undefined) addIdentityControls(app, standIn);
  }
  const { mail, api } = controlled;
  if (api !== undefined) for (const provider of PROVIDERS) addApiControls(app, `/${provider}-api`, api[provider]);
  for (const protocol of ['pop', 'imap'] as const) {
    const standIn = controlled[protocol];
    if (standIn !== undefined) addReceiveControls(app, `/${protocol}`, standIn);
  }
  if (mail !== undefined) {
    app.get('/mail/counters', (context) => context.json(mail.counters()));
    app.post('/mail/faults', (context) =>
      withBody(context, MailFaultRequest, ({ place, fault, times }) => mail.setFault(place, fault, times)),
    );
    app.delete('/mail/faults', (context) => {
      mail.clearFaults();
      return context.body(null, 204);
    });
  }
  return app;
};

const addApiControls = (app: Hono, at: string, api: ApiStandIn): void => {
  app.get(`${at}/counters`, (context) => context.json({ ...api.counters(), unfinished: api.unfinished() }));
  app.post(`${at}/faults`, (context) =>
    withBody(context, ApiFaultRequest, ({ place, fault, times }) => api.setFault(place, fault, times)),
  );
  app.delete(`${at}/faults`, (context) => {
    api.clearFaults();
    return context.body(null, 204);
  });
};

const addReceiveControls = (app: Hono, at: string, standIn: ReceiveStandIn): void => {
  app.get(`${at}/counters`, (context) => context.json(standIn.counters()));
  app.post(`${at}/faults`, (context) =>
    withBody(context, ReceiveFaultRequest, ({ place, fault, times }) => standIn.setFault(place, fault, times)),
  );
  app.delete(`${at}/faults`, (context) => {
    standIn.clearFaults();
    return context.body(null, 204);
  });
};

const addIdentityControls = (app: Hono, standIn: IdentityStandIn): void => {
  const at = `/${standIn.provider}`;
  app.get(`${at}/counters`, (context) => context.json(standIn.counters()));
  app.post(`${at}/faults`, (context) =>
    withBody(context, IdentityFault, ({ place, fault, times }) => standIn.setFault(place, fault, times)),
  );
  app.delete(`${at}/faults`, (context) => {
    standIn.clearFaults();
    return context.body(null, 204);
  });
  app.post(`${at}/rotation`, (context) => withBody(context, Rotation, ({ rotation }) => standIn.setRotation(rotation)));
  app.post(`${at}/access-token-ttl`, (context) =>
    withBody(context, Ttl, ({ seconds }) => standIn.setAccessTokenTtl(seconds)),
  );
  app.post(`${at}/revocations`, (context) =>
    withBody(context, Revocation, ({ account }) => standIn.revokeAccount(account)),
  );
  app.post(`${at}/consents`, (context) =>
    withBody(context, Consent, ({ account, scope, given }) => standIn.setConsent(account, scope, given)),
  );
};

const withBody = async <Schema extends v.GenericSchema>(
  context: Context,
  schema: Schema,
  act: (body: v.InferOutput<Schema>) => void,
): Promise<Response> => {
  const parsed = v.safeParse(schema, await context.req.json().catch(() => undefined));
  if (!parsed.success) return context.json({ issues: parsed.issues.map(({ message }) => message) }, 400);
  act(parsed.output);
  return context.body(null, 204);
};
