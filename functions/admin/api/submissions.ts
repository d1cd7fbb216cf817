import type { Hono } from 'hono';
import { replyResult } from '../../../shared/adapters/http/app.ts';
import { submissionDetailsReply } from '../../../shared/protocol/submission.ts';
import { type AdminEnv, replyNothing } from './context.ts';

/** One message: all there is of it, and what can be done about it. */
export const submissionRoutes = (api: Hono<AdminEnv>): void => {
  api.get('/submissions/:submission_id', async (c) =>
    replyResult(c, await c.var.admin.submissions.get(c.req.param('submission_id')), submissionDetailsReply),
  );
  api.post('/submissions/:submission_id/resend', async (c) =>
    replyResult(c, await c.var.admin.submissions.resend(c.req.param('submission_id')), submissionDetailsReply, 202),
  );
  api.delete('/submissions/:submission_id', async (c) =>
    replyNothing(c, await c.var.admin.submissions.remove(c.req.param('submission_id'))),
  );
};
