import type { Hono } from 'hono';
import * as v from 'valibot';
import { type AnyContext, replyError } from '../../../shared/adapters/http/app.ts';
import { readJsonAs } from '../../../shared/adapters/http/bodies.ts';
import { RECEIVE_PROTOCOLS } from '../../../shared/domain/connection-test.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import type { TestWish } from '../../../shared/ports/mailbox-tester.ts';
import { connectionTestReply, tooSoonInWords } from '../../../shared/protocol/connection-test.ts';
import { problemReply } from '../../../shared/protocol/error-replies.ts';
import { type Language, preferredLanguage } from '../../../shared/protocol/texts/index.ts';
import type { AdminEnv } from './context.ts';

const TEST = v.variant('direction', [
  v.strictObject({
    direction: v.literal('send'),
    to: v.exactOptional(v.pipe(v.string(), v.trim(), v.maxLength(254))),
  }),
  v.strictObject({ direction: v.literal('receive'), protocol: v.optional(v.picklist(RECEIVE_PROTOCOLS), 'pop') }),
]);

const wishOf = (asked: v.InferOutput<typeof TEST>): TestWish => {
  if (asked.direction === 'receive') return asked;
  return asked.to === undefined ? { direction: 'send' } : { direction: 'send', recipient: asked.to };
};

/** The words of this kind are of wrong passwords; here it is too many tests. */
const replyTooSoon = (c: AnyContext, error: BrokerError, language: Language): Response => {
  const { status, headers, contentType, body } = problemReply({ error, language, requestId: c.get('requestId') });
  const { message: title } = tooSoonInWords(error, 'en');
  const words = {
    title,
    error_description: `${title} ${error.detail ?? ''}`.trim(),
    ...tooSoonInWords(error, language),
  };
  return new Response(JSON.stringify({ ...body, ...words }), {
    status,
    headers: { 'Content-Type': contentType, ...headers },
  });
};

/** The connection test of R25. A step that fails is a result: the reply is 200 all the same. */
export const connectionTestRoutes = (api: Hono<AdminEnv>): void => {
  api.post('/mailboxes/:id/test', async (c) => {
    const asked = await readJsonAs(c, TEST);
    if (!asked.ok) return replyError(c, asked.error);
    const language = preferredLanguage(c.req.header('accept-language'));
    const tested = await c.var.admin.connectionTests.run(c.req.param('id'), wishOf(asked.value), language);
    if (tested.ok) return c.json(connectionTestReply(tested.value, language), 200, { 'Content-Language': language });
    if (tested.error.kind === 'too_many_attempts') return replyTooSoon(c, tested.error, language);
    return replyError(c, tested.error);
  });
};
