import { isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { ConfigError } from '../../shared/config/config-document.ts';

/** Letters, digits and hyphens (RFC 1123 section 2.1), and the underscore that Windows lets into names. */
const HOST_NAME = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;
const HOST_NAME_LIMIT = 253;

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

const normalName = (name: string): string => {
  const [address = ''] = name.split('%'); // a zone means something on this machine alone (RFC 4007 section 11.2)
  if (isIPv6(address)) return new URL(`http://[${address}]`).hostname.slice(1, -1);
  if (isIP(address) !== 0) return address;
  const plain = name.toLowerCase().replace(/\.$/, '');
  // Not the names that need none: `domainToASCII` takes one of digits, as containers have them, for an address.
  const ascii = isAscii(plain) ? plain : domainToASCII(plain);
  if (HOST_NAME.test(ascii) && ascii.length <= HOST_NAME_LIMIT) return ascii;
  throw new ConfigError(`"${name.slice(0, 80)}" is no host name and no address; correct the gateway's names.`);
};

/** As certificates spell them, each once. Throws `ConfigError`. */
export const certificateNames = (names: readonly string[]): readonly string[] => {
  const normal = [...new Set(names.map(normalName))];
  if (normal.length === 0) throw new ConfigError('The gateway has no name; set at least one host name or address.');
  return normal;
};
