import { BlockList, isIP } from 'node:net';

/** This machine needs no proxy to reach itself. */
const OWN = ['localhost', '127.0.0.0/8', '::1'];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

const isWithin = (address: string, entry: string): boolean => {
  const [from = '', to] = entry.split(/[/-]/);
  if (isIP(from) === 0 || to === undefined) return false;
  const list = new BlockList();
  try {
    if (entry.includes('/')) list.addSubnet(from, Number(to), familyOf(from));
    else list.addRange(from, to, familyOf(from));
  } catch {
    // An entry that is no network names nobody.
    return false;
  }
  return list.check(address, familyOf(address));
};

/** `example.com`, `.example.com` and `*.example.com` name a host and all below it. */
const isNamed = (host: string, entry: string): boolean => {
  const name = entry.replace(/^\*?\./, '');
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
};

/**
 * Whether a host is reached without the proxy. As curl and Node read NO_PROXY: names, `*`, a name with a port, addresses, and
 * networks or ranges of them, between commas or spaces.
 */
export const isDirect = (host: string, port: number, noProxy = ''): boolean => {
  const wanted = host.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  const entries = [...OWN, ...noProxy.toLowerCase().split(/[\s,]+/)].filter((entry) => entry !== '');
  return entries.some((entry) => {
    if (entry === '*') return true;
    const [, name = entry, ownPort] = /^(.+):(\d+)$/.exec(isIP(entry) === 6 ? '' : entry) ?? [];
    if (ownPort !== undefined && Number(ownPort) !== port) return false;
    const bare = name.replace(/^\[|\]$/g, '');
    return isIP(wanted) !== 0 && isWithin(wanted, bare) ? true : isNamed(wanted, bare);
  });
};
