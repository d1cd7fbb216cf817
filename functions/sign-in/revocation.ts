import type { Hono } from 'hono';
import { type BrokerEnv, replyError } from '../../shared/adapters/http/app.ts';
import { readForm } from '../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import { brokerError } from '../../shared/domain/errors.ts';
import { parseClientAuthentication } from '../../shared/protocol/client-authentication.ts';
import { parseSlot } from '../../shared/protocol/slot.ts';
import type { RevokeToken } from '../../shared/usecases/pairing/give-up-slot.ts';

/** A device gives up a slot's token, as when its user logs out (RFC 7009 section 2, with a parameter `slot` of our own). */
export const revocationRoute = (app: Hono<BrokerEnv>, { revokeToken }: { readonly revokeToken: RevokeToken }): void => {
  app.post('/oauth/revoke', async (c) => {
    c.set('errorShape', 'oauth');
    const form = await readForm(c);
    if (!form.ok) return replyError(c, form.error);
    const credential = parseClientAuthentication(c.req.header('authorization'), form.value);
    if (!credential.ok) return replyError(c, credential.error);
    const { token, slot } = form.value;
    if (token === undefined && slot === undefined) {
      return replyError(c, brokerError('invalid_request', 'token is missing.'));
    }
    const named = slot === undefined ? undefined : parseSlot(slot);
    if (named && !named.ok) return replyError(c, named.error);
    const revoked = await revokeToken({
      ...credential.value,
      place: placeOf(c),
      token,
      hint: form.value.token_type_hint,
      slot: named?.value,
    });
    return revoked.ok ? c.body(null, 200) : replyError(c, revoked.error);
  });
};
