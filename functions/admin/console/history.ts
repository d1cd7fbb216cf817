import type { Hono } from 'hono';
import { auditPage, type HistoryModel } from '../../../console/pages/history.ts';
import { submissionsPage } from '../../../console/pages/submissions.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { paths } from '../../../console/view.ts';
import type { Organization } from '../../../shared/domain/entities.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import { ok, type Result } from '../../../shared/domain/result.ts';
import { isSubmissionState } from '../../../shared/domain/submission.ts';
import { type ConsoleContext, type ConsoleEnv, replyFailure, replyPage } from './context.ts';

/** A few screens on a telephone. */
const ENTRIES_ON_A_PAGE = 25;

/** What the lists give as a cursor: an id. Anything else was typed by somebody. */
const CURSOR = /^[a-z0-9_]{1,64}$/;

export const historyRoutes = (app: Hono<ConsoleEnv>): void => {
  const organizationOf = async ({
    var: { admin },
    req,
  }: ConsoleContext): Promise<Result<Organization | undefined, BrokerError>> => {
    const id = req.query('organization_id');
    return id === undefined ? ok(undefined) : admin.organizations.get(id);
  };

  /** The page of the list that is asked for; or, where there is no such page, that it does not exist. */
  const pageOf = (c: ConsoleContext, organization: Organization | undefined) => {
    const cursor = c.req.query('cursor');
    const exists = cursor === undefined || CURSOR.test(cursor);
    return {
      query: { organizationId: organization?.id, cursor, limit: ENTRIES_ON_A_PAGE },
      isContinued: cursor !== undefined,
      problem: exists ? undefined : { message: textsIn(c.get('view').language).audit.badCursor },
    };
  };

  const nothing = { entries: [], cursor: undefined } as const;
  const statusOf = ({ problem }: Pick<HistoryModel<unknown>, 'problem'>): number => (problem ? 400 : 200);

  app.get(paths.submissions, async (c) => {
    const { view, admin } = c.var;
    const organization = await organizationOf(c);
    if (!organization.ok) return replyFailure(c, organization.error);
    const { mailbox_id: mailboxId, state: wanted = '' } = c.req.query();
    const described = mailboxId === undefined ? undefined : await admin.mailboxes.get(mailboxId);
    if (described && !described.ok) return replyFailure(c, described.error);
    const { query, ...page } = pageOf(c, organization.value);
    const state = isSubmissionState(wanted) ? wanted : undefined;
    const found = page.problem ? ok(nothing) : await admin.history.submissions({ ...query, mailboxId, state });
    if (!found.ok) return replyFailure(c, found.error);
    const of = { organization: organization.value, mailbox: described?.value.mailbox, state };
    return replyPage(c, submissionsPage(view, { ...found.value, ...page, ...of }), statusOf(page));
  });

  app.get(paths.audit, async (c) => {
    const { view, admin } = c.var;
    const organization = await organizationOf(c);
    if (!organization.ok) return replyFailure(c, organization.error);
    const { query, ...page } = pageOf(c, organization.value);
    const found = page.problem ? nothing : await admin.history.audit(query);
    return replyPage(c, auditPage(view, { ...found, ...page, organization: organization.value }), statusOf(page));
  });
};
