const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export const isLoopbackName = (hostname: string): boolean => LOOPBACK.has(hostname);

/** `http://` is for servers on this very machine; everything else is TLS. */
export const isSecureUrl = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && isLoopbackName(hostname));

export const INSECURE_URL = 'must be https:// (http:// is allowed on loopback only)';
