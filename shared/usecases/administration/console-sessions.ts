import { type Authority, authorityOf, ROOT_AUTHORITY } from '../../domain/authority.ts';
import type { BrokerError } from '../../domain/errors.ts';
import { ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import type { SessionKey } from '../../records/sessions.ts';
import { hashOf, longSecret } from '../secrets.ts';
import type { CheckAdminKey } from './check-admin-key.ts';

/** A working day and its overtime. */
export const SESSION_SECONDS = 12 * 3600;

export interface ConsoleSession {
  /** Must come back with every form. */
  readonly csrfToken: string;
  readonly authority: Authority;
}

/** People at the console: from the admin key that they log in with to the cookie that stands for it. */
export const consoleSessions = ({
  records: { sessions, adminKeys },
  adminKeyHash,
  checkAdminKey,
  clock,
  random,
}: {
  readonly records: Pick<Records, 'sessions' | 'adminKeys'>;
  /** Of `hashOf`. */
  readonly adminKeyHash: string;
  readonly checkAdminKey: CheckAdminKey;
  readonly clock: Clock;
  readonly random: Random;
}) => {
  /** The broker's own admin key is part of it, so that a new one ends every session. */
  const tokenHash = (token: string): string => hashOf(`${token}.${adminKeyHash}`);

  /** As the key stands now: a session is worth no more than the key that it was begun with. */
  const authorityNow = async (key: SessionKey): Promise<Authority | undefined> => {
    if (key.kind === 'root') return ROOT_AUTHORITY;
    const made = await adminKeys.get(key.keyHash);
    return made && authorityOf(made);
  };

  return {
    /** The session's token, for a cookie. Errors as `checkAdminKey` has them. */
    async begin(adminKey: string, place: string): Promise<Result<string, BrokerError>> {
      const checked = await checkAdminKey(adminKey, place);
      if (!checked.ok) return checked;
      const token = longSecret(random);
      const expiresAt = epochSeconds(clock) + SESSION_SECONDS;
      await sessions.create(tokenHash(token), { csrfToken: longSecret(random), expiresAt, key: checked.value.key });
      return ok(token);
    },

    async find(token: string): Promise<ConsoleSession | undefined> {
      const session = await sessions.get(tokenHash(token), epochSeconds(clock));
      const authority = session && (await authorityNow(session.key));
      return authority && { csrfToken: session.csrfToken, authority };
    },

    end: (token: string): Promise<void> => sessions.remove(tokenHash(token)),
  };
};

export type ConsoleSessions = ReturnType<typeof consoleSessions>;
