import type { AdminKey } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { hashOf, longSecret, newId } from '../secrets.ts';
import type { RecordsWithin } from './reach.ts';

export interface NewAdminKey {
  readonly key: AdminKey;
  /** Shown once. */
  readonly adminKey: string;
}

/** Keys beside the one that the broker was set up with: for a key for all. */
export const adminKeyAdministration = ({
  records: { adminKeys, organizations },
  audit,
  clock,
  random,
}: {
  readonly records: Pick<Records, 'adminKeys' | 'organizations'>;
  readonly audit: RecordsWithin['audit'];
  readonly clock: Clock;
  readonly random: Random;
}) => {
  /** In the log of the organization that it is for; of one for all, in that of the broker. */
  const noteDown = ({ organizationId, id, name }: AdminKey, action: string): Promise<void> =>
    audit.add({ organizationId, action, subject: id, detail: name });

  const list = async (): Promise<readonly AdminKey[]> =>
    [...(await adminKeys.list())].sort((one, other) => other.createdAt - one.createdAt);

  const revokeNow = async (key: AdminKey): Promise<void> => {
    if (key.revokedAt !== undefined) return;
    await adminKeys.revoke(key, epochSeconds(clock));
    await noteDown(key, 'admin-key.revoked');
  };

  const get = async (id: string): Promise<Result<AdminKey, BrokerError>> => {
    const key = (await adminKeys.list()).find((listed) => listed.id === id);
    return key ? ok(key) : fail(brokerError('not_found', 'No such admin key.'));
  };

  return {
    get,

    /** Newest first, with those that were revoked. */
    list,

    async create(name: string, organizationId?: string): Promise<Result<NewAdminKey, BrokerError>> {
      if (organizationId !== undefined && (await organizations.get(organizationId)) === undefined) {
        return fail(brokerError('not_found', 'No such organization.'));
      }
      const adminKey = longSecret(random);
      const [id, keyHash, createdAt] = [newId('key', random), hashOf(adminKey), epochSeconds(clock)];
      const key: AdminKey = { id, name, keyHash, organizationId, createdAt };
      await adminKeys.create(key);
      await noteDown(key, 'admin-key.created');
      return ok({ key, adminKey });
    },

    /** It opens nothing any more, and ends every session that was begun with it. To revoke it again changes nothing. */
    async revoke(id: string): Promise<Result<undefined, BrokerError>> {
      const found = await get(id);
      if (!found.ok) return found;
      await revokeNow(found.value);
      return ok(undefined);
    },

    async revokeAllOf(organizationId: string): Promise<void> {
      for (const key of await adminKeys.list()) if (key.organizationId === organizationId) await revokeNow(key);
    },
  };
};

export type AdminKeyAdministration = ReturnType<typeof adminKeyAdministration>;
