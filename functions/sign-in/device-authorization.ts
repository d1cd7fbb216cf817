import type { Hono } from 'hono';
import { type BrokerEnv, replyError, replyResult } from '../../shared/adapters/http/app.ts';
import { readForm } from '../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import { parseClientAuthentication } from '../../shared/protocol/client-authentication.ts';
import { deviceAuthorizationReply, parsePairingWishes } from '../../shared/protocol/device-authorization.ts';
import { preferredLanguage } from '../../shared/protocol/texts/index.ts';
import type { BeginPairing } from '../../shared/usecases/pairing/begin-pairing.ts';

/** A device asks for a code that a person types elsewhere (RFC 8628 section 3.1). */
export const deviceAuthorizationRoute = (
  app: Hono<BrokerEnv>,
  { beginPairing, publicUrl }: { readonly beginPairing: BeginPairing; readonly publicUrl: string },
): void => {
  app.post('/oauth/device_authorization', async (c) => {
    c.set('errorShape', 'oauth');
    const form = await readForm(c);
    if (!form.ok) return replyError(c, form.error);
    const credential = parseClientAuthentication(c.req.header('authorization'), form.value);
    if (!credential.ok) return replyError(c, credential.error);
    const wishes = parsePairingWishes(form.value);
    if (!wishes.ok) return replyError(c, wishes.error);
    const begun = await beginPairing({ ...credential.value, ...wishes.value, place: placeOf(c) });
    return replyResult(c, begun, (pairing) => {
      const language = preferredLanguage(c.req.header('accept-language'), pairing.locale);
      return deviceAuthorizationReply(pairing, publicUrl, language);
    });
  });
};
