import * as v from 'valibot';

/** `http://` is for servers on this very machine; everything else is TLS. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export const endpoint = v.pipe(
  v.string(),
  v.url('is not a URL'),
  v.check((text) => {
    // `v.url` has said it already, and `new URL` would throw with the value in its message.
    if (!URL.canParse(text)) return true;
    const { protocol, hostname } = new URL(text);
    return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
  }, 'must be https:// (http:// is allowed on loopback only)'),
);
