import { createMiddleware } from 'hono/factory';
import * as v from 'valibot';
import { type AnyContext, type BrokerEnv, replyError } from '../../../shared/adapters/http/app.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import type { Result } from '../../../shared/domain/result.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import type { Administration, AdministrationOfAll } from '../../../shared/usecases/administration/index.ts';
import { needsKeyForAll } from '../../../shared/usecases/administration/reach.ts';

export interface ApiDependencies {
  readonly publicUrl: string;
  readonly clock: Clock;
}

/** What a route has to work with: no more than the key of the request reaches. */
export interface AdminEnv {
  Variables: BrokerEnv['Variables'] & { admin: Administration };
}

/** Before a route that concerns the broker as a whole. */
export const ofAll = createMiddleware<{ Variables: BrokerEnv['Variables'] & { admin: AdministrationOfAll } }>(
  async (c, next) => {
    const { scope }: Administration = c.var.admin;
    if (scope === 'all') return next();
    return replyError(c, needsKeyForAll());
  },
);

/** Done, and nothing to say; or the error. */
export const replyNothing = (c: AnyContext, result: Result<undefined, BrokerError>): Response =>
  result.ok ? c.body(null, 204) : replyError(c, result.error);

/** Longer than every id; what is asked for becomes part of a key, and those have a limit in the table. */
export const ID_LIMIT = 128;

/** A name that people give to something: printable, and short enough for a list. */
export const name = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1),
  v.maxLength(128),
  v.regex(/^[^\p{Cc}]*$/u, 'has control characters'),
);

export const somethingToChange = <Changes extends object>() =>
  v.check((changes: Changes) => Object.keys(changes).length > 0, 'has nothing to change');
