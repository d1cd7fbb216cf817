import { type AdminKeyDependencies, adminKeyCheck } from './check-admin-key.ts';
import { consoleSessions } from './console-sessions.ts';
import { type AdministrationDependencies, makeAdministrationFor } from './index.ts';

/** Who administers, how far, and what they can do: composed once for every composition. */
export const adminUseCases = (dependencies: AdministrationDependencies & AdminKeyDependencies) => {
  const { adminKeyHash, checkAdminKey } = adminKeyCheck(dependencies);
  return {
    checkAdminKey,
    sessions: consoleSessions({ ...dependencies, adminKeyHash, checkAdminKey }),
    administrationFor: makeAdministrationFor(dependencies),
  };
};
