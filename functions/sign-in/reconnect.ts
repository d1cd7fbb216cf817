import type { Hono } from 'hono';
import {
  reconnectNotNeededPage,
  reconnectOverPage,
  reconnectPage,
  reconnectUnknownPage,
} from '../../console/pages/reconnect.ts';
import type { BrokerContext, BrokerEnv } from '../../shared/adapters/http/app.ts';
import { pageLanguage } from '../../shared/adapters/http/language.ts';
import { pageHeaders } from '../../shared/adapters/http/pages.ts';
import type { BrokerError } from '../../shared/domain/errors.ts';
import type { Reconnect } from '../../shared/usecases/notices/reconnect.ts';

/** Of `longSecret`; anything else was typed, or cut off by a mail program. */
const TOKEN = /^[\w-]{43}$/;

/** The link in a notice: a page that asks, and a button that begins the sign-in. */
export const reconnectRoutes = (app: Hono<BrokerEnv>, { reconnect }: { readonly reconnect: Reconnect }): void => {
  /** Whether it has expired or never was is all the same to whoever has it, but for the status. */
  const unknown = (c: BrokerContext, error?: BrokerError) =>
    c.html(reconnectUnknownPage(pageLanguage(c)), error?.kind === 'sign_in_expired' ? 410 : 404);

  app.use('/reconnect/*', pageHeaders({ leadsAway: true }));

  app.get('/reconnect/:token', async (c) => {
    const token = c.req.param('token');
    const looked = TOKEN.test(token) ? await reconnect.look(token) : undefined;
    if (looked === undefined || !looked.ok) return unknown(c, looked?.error);
    const { state, mailbox } = looked.value;
    const language = pageLanguage(c);
    if (state === 'needed') return c.html(reconnectPage(language, mailbox, `/reconnect/${token}`));
    return c.html(state === 'over' ? reconnectOverPage(language, mailbox) : reconnectNotNeededPage(language, mailbox));
  });

  app.post('/reconnect/:token', async (c) => {
    const token = c.req.param('token');
    const begun = TOKEN.test(token) ? await reconnect.begin(token) : undefined;
    if (begun?.ok) return c.redirect(`/sign-in/${begun.value.id}`, 303);
    // It was mended while the page was open: it says so.
    if (begun?.error.kind === 'sign_in_already_used') return c.redirect(`/reconnect/${token}`, 303);
    return unknown(c, begun?.error);
  });
};
