import type { Hono } from 'hono';
import {
  type ConnectionTestModel,
  connectionTestPage,
  TEST_CHOICES,
  type TestChoice,
} from '../../../console/pages/connection-test.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { EMPTY_FORM, type Problem, problemOf, type View } from '../../../console/view.ts';
import { isAddress } from '../../../shared/domain/envelope.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import type { TestWish } from '../../../shared/ports/mailbox-tester.ts';
import { tooSoonInWords } from '../../../shared/protocol/connection-test.ts';
import { type ConsoleEnv, replyFailure, replyPage, statusOf } from './context.ts';
import { filledIn } from './fields.ts';

const isChoice = (text: string): text is TestChoice => (TEST_CHOICES as readonly string[]).includes(text);

const wishOf = (choice: TestChoice, to: string | undefined): TestWish => {
  if (choice !== 'send') return { direction: 'receive', protocol: choice };
  return to === undefined ? { direction: 'send' } : { direction: 'send', recipient: to };
};

const problemIn = ({ language }: View, error: BrokerError): Problem =>
  error.kind === 'too_many_attempts' ? tooSoonInWords(error, language) : problemOf(language, error);

/** The connection test of R25. Its result is nowhere kept, so the page that asks is the page that shows it. */
export const connectionTestRoutes = (app: Hono<ConsoleEnv>): void => {
  app.get('/console/mailboxes/:id/test', async (c) => {
    const found = await c.var.admin.mailboxes.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, connectionTestPage(c.get('view'), { mailbox: found.value.mailbox, form: EMPTY_FORM }));
  });

  app.post('/console/mailboxes/:id/test', async (c) => {
    const { view, form, admin } = c.var;
    const found = await admin.mailboxes.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const { mailbox } = found.value;
    const show = (model: Omit<ConnectionTestModel, 'mailbox'>, status = 200) =>
      replyPage(c, connectionTestPage(view, { mailbox, ...model }), status);
    const { test: choice = 'send', to } = form;
    const wrong: Problem | undefined =
      choice === 'send' && to !== undefined && !isAddress(to)
        ? { field: 'to', message: textsIn(view.language).mailbox.addressWrong }
        : undefined;
    if (wrong || !isChoice(choice)) {
      const problem = wrong ?? problemOf(view.language, { kind: 'invalid_request', detail: 'test' });
      return show({ form: filledIn(form, problem) }, 400);
    }
    const tested = await admin.connectionTests.run(mailbox.id, wishOf(choice, to), view.language);
    if (!tested.ok) return show({ form: filledIn(form, problemIn(view, tested.error)) }, statusOf(tested.error));
    return show({ form: { values: form }, choice, test: tested.value });
  });
};
