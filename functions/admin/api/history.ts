import type { Context, Hono } from 'hono';
import { replyError, replyResult } from '../../../shared/adapters/http/app.ts';
import { readQuery } from '../../../shared/adapters/http/bodies.ts';
import { type BrokerError, brokerError } from '../../../shared/domain/errors.ts';
import { fail, ok, type Result } from '../../../shared/domain/result.ts';
import { isSubmissionState, SUBMISSION_STATES } from '../../../shared/domain/submission.ts';
import { auditReply } from '../../../shared/protocol/administration.ts';
import { adminSubmissionReply } from '../../../shared/protocol/submission.ts';
import type { HistoryQuery, SubmissionQuery } from '../../../shared/usecases/administration/history.ts';
import { type AdminEnv, ID_LIMIT } from './context.ts';

/** The longest page of a list. */
const PAGE_LIMIT = 200;
const PAGE_DEFAULT = 50;

type Parameters = Readonly<Record<string, string>>;

export const historyRoutes = (api: Hono<AdminEnv>): void => {
  const historyQuery = async (
    c: Context<AdminEnv>,
    { organization_id: organizationId, cursor, limit = String(PAGE_DEFAULT) }: Parameters,
  ): Promise<Result<HistoryQuery, BrokerError>> => {
    if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > PAGE_LIMIT) {
      return fail(brokerError('invalid_request', `limit is 1 to ${PAGE_LIMIT}.`));
    }
    for (const [name, id = ''] of Object.entries({ organization_id: organizationId, cursor })) {
      if (id.length <= ID_LIMIT) continue;
      return fail(brokerError('invalid_request', `${name} has at most ${ID_LIMIT} characters.`));
    }
    const organization = organizationId === undefined ? undefined : await c.var.admin.organizations.get(organizationId);
    if (organization && !organization.ok) return organization;
    return ok({ organizationId, cursor, limit: Number(limit) });
  };

  const submissionQuery = async (
    c: Context<AdminEnv>,
    parameters: Parameters,
  ): Promise<Result<SubmissionQuery, BrokerError>> => {
    const { mailbox_id: mailboxId, state } = parameters;
    if (mailboxId !== undefined && mailboxId.length > ID_LIMIT) {
      return fail(brokerError('invalid_request', `mailbox_id has at most ${ID_LIMIT} characters.`));
    }
    if (state !== undefined && !isSubmissionState(state)) {
      return fail(brokerError('invalid_request', `state is one of ${SUBMISSION_STATES.join(', ')}.`));
    }
    const query = await historyQuery(c, parameters);
    return query.ok ? ok({ ...query.value, mailboxId, state }) : query;
  };

  api.get('/submissions', async (c) => {
    const parameters = readQuery(c);
    const query = parameters.ok ? await submissionQuery(c, parameters.value) : parameters;
    if (!query.ok) return replyError(c, query.error);
    return replyResult(c, await c.var.admin.history.submissions(query.value), ({ entries, cursor = null }) => ({
      submissions: entries.map(adminSubmissionReply),
      cursor,
    }));
  });
  api.get('/audit', async (c) => {
    const parameters = readQuery(c);
    const query = parameters.ok ? await historyQuery(c, parameters.value) : parameters;
    if (!query.ok) return replyError(c, query.error);
    const { entries, cursor = null } = await c.var.admin.history.audit(query.value);
    return c.json({ audit: entries.map(auditReply), cursor });
  });
};
