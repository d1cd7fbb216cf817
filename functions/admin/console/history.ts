import type { Hono } from 'hono';
import { auditPage, type HistoryModel, submissionsPage } from '../../../console/pages/history.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { type Html, paths, type View } from '../../../console/view.ts';
import type { HistoryPage, HistoryQuery } from '../../../shared/usecases/administration/history.ts';
import { type ConsoleContext, type ConsoleEnv, replyFailure, replyPage } from './context.ts';

/** A few screens on a telephone. */
const ENTRIES_ON_A_PAGE = 25;

/** What the lists give as a cursor: an id. Anything else was typed by somebody. */
const CURSOR = /^[a-z0-9_]{1,64}$/;

export const historyRoutes = (app: Hono<ConsoleEnv>): void => {
  const show = async <Entry>(
    c: ConsoleContext,
    read: (query: HistoryQuery) => Promise<HistoryPage<Entry>>,
    render: (view: View, model: HistoryModel<Entry>) => Html,
  ): Promise<Response> => {
    const { view, admin } = c.var;
    const { cursor, organization_id: organizationId } = c.req.query();
    const organization = organizationId === undefined ? undefined : await admin.organizations.get(organizationId);
    if (organization && !organization.ok) return replyFailure(c, organization.error);
    if (cursor !== undefined && !CURSOR.test(cursor)) {
      const problem = { message: textsIn(view.language).audit.badCursor };
      const nothing = { entries: [], cursor: undefined, isContinued: true, organization: organization?.value, problem };
      return replyPage(c, render(view, nothing), 400);
    }
    const page = await read({ organizationId, cursor, limit: ENTRIES_ON_A_PAGE });
    const isContinued = cursor !== undefined;
    return replyPage(c, render(view, { ...page, isContinued, organization: organization?.value }));
  };

  app.get(paths.submissions, (c) => show(c, c.var.admin.history.submissions, submissionsPage));
  app.get(paths.audit, (c) => show(c, c.var.admin.history.audit, auditPage));
};
