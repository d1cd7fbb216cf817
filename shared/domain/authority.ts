import type { AdminKey } from './entities.ts';

/** How far an administrator's key reaches, and the name under which the audit log knows whoever has it. */
export type Authority = AuthorityOverAll | AuthorityOverOne;

export interface AuthorityOverAll {
  readonly scope: 'all';
  readonly by: string;
}

export interface AuthorityOverOne {
  readonly scope: 'organization';
  readonly organizationId: string;
  readonly by: string;
}

/** Of the key that the broker was set up with (`BROKER_ADMIN_KEY`). */
export const ROOT_AUTHORITY: AuthorityOverAll = { scope: 'all', by: 'admin' };

/** Undefined for a key that was revoked. */
export const authorityOf = ({ id, organizationId, revokedAt }: AdminKey): Authority | undefined => {
  if (revokedAt !== undefined) return undefined;
  const by = `admin:${id}`;
  return organizationId === undefined ? { scope: 'all', by } : { scope: 'organization', organizationId, by };
};

export const reaches = (authority: Authority, organizationId: string): boolean =>
  authority.scope === 'all' || authority.organizationId === organizationId;
