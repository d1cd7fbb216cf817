import type { Hono } from 'hono';
import { confirmPage, type Question } from '../../../console/pages/confirm.ts';
import { submissionPage } from '../../../console/pages/submission.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { type Problem, paths, problemOf, type View } from '../../../console/view.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import type { SubmissionDetails } from '../../../shared/domain/resend.ts';
import { type ConsoleContext, type ConsoleEnv, redirectAfter, replyFailure, replyPage, statusOf } from './context.ts';

const question = (view: View, { description, resend }: SubmissionDetails): Question => {
  const { navigation, submission: words } = textsIn(view.language);
  const { submission } = description;
  const isBusy = resend.how === 'not' && resend.why === 'being_sent';
  const here = paths.submission(submission.id);
  return {
    title: `${words.remove}: ${submission.account}`,
    section: 'submissions',
    trail: [
      [paths.submissions, navigation.submissions],
      [here, words.title(submission.account)],
    ],
    consequence: words.removeConsequence,
    yes: words.remove,
    action: `${here}/remove`,
    cancel: here,
    obstacle: isBusy ? words.noResend.being_sent : undefined,
  };
};

/** Why it cannot be sent again, in the person's language where it is known. */
const problemIn = (view: View, error: BrokerError, { resend }: SubmissionDetails): Problem => {
  if (error.kind !== 'conflict' || resend.how !== 'not') return problemOf(view.language, error);
  return { message: textsIn(view.language).submission.noResend[resend.why] };
};

/** One message, and what can be done about it. */
export const submissionRoutes = (app: Hono<ConsoleEnv>): void => {
  /** It was looked at a moment ago, and changed since; the page shows how it is now, and why nothing was done. */
  const replyRefused = async (c: ConsoleContext, id: string, error: BrokerError): Promise<Response> => {
    const { view, admin } = c.var;
    const found = await admin.submissions.get(id);
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, submissionPage(view, found.value, problemIn(view, error, found.value)), statusOf(error));
  };

  app.get('/console/submissions/:id', async (c) => {
    const found = await c.var.admin.submissions.get(c.req.param('id'));
    return found.ok ? replyPage(c, submissionPage(c.get('view'), found.value)) : replyFailure(c, found.error);
  });

  app.post('/console/submissions/:id/resend', async (c) => {
    const id = c.req.param('id');
    const resent = await c.var.admin.submissions.resend(id);
    return resent.ok ? redirectAfter(c, paths.submission(id), 'submission_resent') : replyRefused(c, id, resent.error);
  });

  app.get('/console/submissions/:id/remove', async (c) => {
    const found = await c.var.admin.submissions.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, confirmPage(c.get('view'), question(c.get('view'), found.value)));
  });

  app.post('/console/submissions/:id/remove', async (c) => {
    const id = c.req.param('id');
    const removed = await c.var.admin.submissions.remove(id);
    return removed.ok ? redirectAfter(c, paths.submissions, 'submission_removed') : replyRefused(c, id, removed.error);
  });
};
