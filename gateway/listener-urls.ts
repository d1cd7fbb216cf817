import type { Gateway } from './gateway.ts';

/** Where devices find the gateway: the first port of each kind, `smtp`, `smtps`, `pop3`, `pop3s`, `imap` or `imaps`. */
export const listenerUrls = (gateway: Gateway): Readonly<Record<string, string>> => {
  const urls: Record<string, string> = {};
  for (const { protocol, host, port, security } of gateway.listeners()) {
    const scheme = security === 'tls' ? `${protocol}s` : protocol;
    urls[scheme] ??= `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }
  return urls;
};
