import { type BrokerError, brokerError } from './errors.ts';
import { fail, ok, type Result } from './result.ts';

/** Exchange Online takes 500 by default (facts M64), Gmail 100 by SMTP (G14): the smaller is safe everywhere. */
const RECIPIENTS_LIMIT = 100;

/** RFC 5321 section 4.5.3.1: local part 64 octets, path 256. */
const LOCAL_PART_LIMIT = 64;
const ADDRESS_LIMIT = 254;

/** Atoms and dots (RFC 5322 section 3.2.3), also beyond ASCII (RFC 6531); no quoting, no control characters. */
const ADDRESS = /^[^\s@<>()[\]\\,;:"\p{Cc}]+@[^\s@<>()[\]\\,;:"\p{Cc}.]+(?:\.[^\s@<>()[\]\\,;:"\p{Cc}.]+)*$/u;

export const isAddress = (text: string): boolean =>
  text.length <= ADDRESS_LIMIT && text.lastIndexOf('@') <= LOCAL_PART_LIMIT && ADDRESS.test(text);

/**
 * A comma-separated list of bare addresses, or of addresses in angle brackets; each once, in order. Anything that could
 * smuggle a line or a command into SMTP is refused, with the address named.
 */
export const parseEnvelopeTo = (list: string): Result<readonly string[], BrokerError> => {
  const addresses: string[] = [];
  for (const part of list.split(',')) {
    // Only blanks are trimmed: a line end inside a list is an attempt at header injection.
    const address = part.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, '').replace(/^<(.*)>$/, '$1');
    if (address === '') continue;
    if (!isAddress(address))
      return fail(brokerError('invalid_recipient', `Not an address: ${JSON.stringify(address)}`));
    if (!addresses.includes(address)) addresses.push(address);
  }
  if (addresses.length === 0) {
    return fail(brokerError('invalid_recipient', 'Nobody to send to: give X-Envelope-To, or To, Cc or Bcc.'));
  }
  if (addresses.length > RECIPIENTS_LIMIT) {
    return fail(
      brokerError('invalid_recipient', `At most ${RECIPIENTS_LIMIT} recipients; these are ${addresses.length}.`),
    );
  }
  return ok(addresses);
};
