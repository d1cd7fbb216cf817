import type { Hono } from 'hono';
import * as v from 'valibot';
import { type AnyContext, replyError, replyResult } from '../../../shared/adapters/http/app.ts';
import { readJsonAs } from '../../../shared/adapters/http/bodies.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import { NOTICE_KINDS, type NoticeScope } from '../../../shared/domain/notice.ts';
import { MOST_WEBHOOK_SECRET_GRACE_SECONDS } from '../../../shared/domain/notice-timing.ts';
import { noticeReply, notificationsReply } from '../../../shared/protocol/notifications.ts';
import type { NotificationChanges } from '../../../shared/usecases/administration/notifications.ts';
import { type AdminEnv, somethingToChange } from './context.ts';

const URL_LIMIT = 2_000;
const ADDRESS_LIMIT = 254;
const NOTICES_LIMIT = 200;

/** As the use case gives it: kind and subject, both made by the broker. */
const CURSOR = /^[\w.@/:#-]{1,256}$/;

/** `null` takes a setting away. */
const CHANGES = v.pipe(
  v.strictObject({
    webhook_url: v.exactOptional(v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(URL_LIMIT)))),
    emails: v.exactOptional(v.array(v.pipe(v.string(), v.trim(), v.maxLength(ADDRESS_LIMIT)))),
    locale: v.exactOptional(
      v.nullable(v.pipe(v.string(), v.regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/i, 'is not a language tag'))),
    ),
    kinds: v.exactOptional(v.nullable(v.pipe(v.array(v.picklist(NOTICE_KINDS)), v.minLength(1, 'is empty')))),
  }),
  somethingToChange(),
);
const ROTATION = v.strictObject({
  grace_seconds: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MOST_WEBHOOK_SECRET_GRACE_SECONDS)),
  ),
});

const changesOf = (body: v.InferOutput<typeof CHANGES>): NotificationChanges => ({
  ...('webhook_url' in body ? { webhookUrl: body.webhook_url ?? undefined } : {}),
  ...('emails' in body ? { emails: [...new Set(body.emails)] } : {}),
  ...('locale' in body ? { locale: body.locale ?? undefined } : {}),
  ...('kinds' in body ? { kinds: body.kinds ?? undefined } : {}),
});

/** For one organization, and, where no organization is named, for the operator. */
const routesFor = (api: Hono<AdminEnv>, prefix: string, scopeOf: (c: AnyContext) => NoticeScope): void => {
  api.get(`${prefix}/notifications`, async (c) =>
    replyResult(c, await c.var.admin.notifications.get(scopeOf(c)), notificationsReply),
  );
  api.patch(`${prefix}/notifications`, async (c) => {
    const body = await readJsonAs(c, CHANGES);
    if (!body.ok) return replyError(c, body.error);
    return replyResult(
      c,
      await c.var.admin.notifications.update(scopeOf(c), changesOf(body.value)),
      notificationsReply,
    );
  });
  api.post(`${prefix}/notifications/secret`, async (c) => {
    const body = await readJsonAs(c, ROTATION, {});
    if (!body.ok) return replyError(c, body.error);
    const rotated = await c.var.admin.notifications.rotateSecret(scopeOf(c), body.value.grace_seconds);
    return replyResult(c, rotated, notificationsReply, 201);
  });
  api.post(`${prefix}/notifications/test`, async (c) =>
    replyResult(c, await c.var.admin.notifications.test(scopeOf(c)), notificationsReply, 202),
  );
  api.get(`${prefix}/notices`, async (c) => {
    const cursor = c.req.query('cursor');
    if (cursor !== undefined && !CURSOR.test(cursor)) {
      return replyError(c, brokerError('invalid_request', 'cursor is none that a page of this list has given.'));
    }
    const page = await c.var.admin.notifications.notices(scopeOf(c), NOTICES_LIMIT, cursor);
    return replyResult(c, page, ({ notices, cursor: next }) => ({
      notices: notices.map(noticeReply),
      cursor: next ?? null,
    }));
  });
};

export const notificationRoutes = (api: Hono<AdminEnv>): void => {
  routesFor(api, '/organizations/:id', (c) => c.req.param('id') ?? '');
  routesFor(api, '', () => undefined);
};
