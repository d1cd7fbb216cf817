import { Hono } from 'hono';
import { replyError } from '../../shared/adapters/http/app.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import { brokerError } from '../../shared/domain/errors.ts';
import { parseBearer } from '../../shared/protocol/client-authentication.ts';
import type { CheckAdminKey } from '../../shared/usecases/administration/check-admin-key.ts';
import type { AdministrationFor } from '../../shared/usecases/administration/index.ts';
import { brokerRoutes } from './api/broker.ts';
import { connectionTestRoutes } from './api/connection-tests.ts';
import type { AdminEnv, ApiDependencies } from './api/context.ts';
import { deviceRoutes } from './api/devices.ts';
import { historyRoutes } from './api/history.ts';
import { mailboxRoutes } from './api/mailboxes.ts';
import { notificationRoutes } from './api/notifications.ts';
import { organizationRoutes } from './api/organizations.ts';
import { submissionRoutes } from './api/submissions.ts';

/** The admin API (`/v1/admin/…`): a bearer key for all organizations, or for one. */
export const adminApi = (
  dependencies: ApiDependencies & {
    readonly administrationFor: AdministrationFor;
    readonly checkAdminKey: CheckAdminKey;
  },
): Hono<AdminEnv> => {
  const { administrationFor, checkAdminKey } = dependencies;
  const api = new Hono<AdminEnv>();

  api.use(async (c, next) => {
    const key = parseBearer(c.req.header('authorization'));
    if (key === undefined) return replyError(c, brokerError('invalid_admin_key'));
    const checked = await checkAdminKey(key, placeOf(c));
    if (!checked.ok) return replyError(c, checked.error);
    c.set('admin', administrationFor(checked.value.authority));
    return next();
  });

  organizationRoutes(api, dependencies);
  notificationRoutes(api);
  deviceRoutes(api, dependencies);
  mailboxRoutes(api, dependencies);
  connectionTestRoutes(api);
  brokerRoutes(api);
  historyRoutes(api);
  submissionRoutes(api);
  return api;
};
