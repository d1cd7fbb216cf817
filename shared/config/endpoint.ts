import * as v from 'valibot';
import { INSECURE_URL, isSecureUrl } from '../domain/secure-url.ts';

export const endpoint = v.pipe(
  v.string(),
  v.url('is not a URL'),
  // What cannot be parsed `v.url` has said already, and `new URL` would throw with the value in its message.
  v.check((text) => !URL.canParse(text) || isSecureUrl(new URL(text)), INSECURE_URL),
);
