import Headers from 'mailsplit/lib/headers.js';
import parseAddresses from 'nodemailer/lib/addressparser';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { MessageFacts, MessageFormat } from '../../ports/message-format.ts';
import { decodeWords } from './encoded-words.ts';
import { cutMessage, withCrlf } from './lines.ts';
import { parseMailboxes } from './mailboxes.ts';

/** Exchange Online takes 256 KB, Gmail 500 KB; a device's own are under 2 KB. */
const HEADER_LIMIT_BYTES = 64 * 1024;

/** RFC 5322 section 2.2: printable ASCII without the colon, then a colon at once. */
const FIELD = /^[\x21-\x39\x3b-\x7e]+:/;
const FIELD_NAME = /^[\x21-\x39\x3b-\x7e]+$/;

/** Every message has one of these; JSON in one line, which could pass for a field, has none. */
const USUAL_FIELD = /^(from|sender|to|cc|bcc|subject|date|message-id|mime-version|content-type|received):/i;

export const mimeMessageFormat: MessageFormat = {
  inspect: (message) => {
    const { header } = cutMessage(withCrlf(message));
    const fault = faultOf(message, header);
    return fault === undefined ? factsOf(header) : fail(fault);
  },
  prepare: (message, { headers: added, without }) => {
    for (const field of added) checkField(field);
    const mended = withCrlf(message);
    const { header, rest } = cutMessage(mended);
    const headers = parsed(header);
    if (added.length === 0 && !without.some((name) => headers.hasHeader(name))) return mended;
    for (const name of without) headers.remove(name);
    for (const [name, value] of added.toReversed()) headers.addFormatted(name, byteString(`${name}: ${value}`));
    // `build` ends with an empty line of its own, which takes the place of the message's.
    const empty = headers.getList().length === 0;
    return Buffer.concat([empty ? Buffer.from('\r\n') : headers.build(), rest.subarray(2)]);
  },
};

/** mailsplit makes one empty field of an empty block. */
const parsed = (header: Uint8Array): Headers => new Headers(header.length === 0 ? [] : header);

/** mailsplit works on strings that hold one byte in each character. */
const byteString = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Names and values come from the broker; a line break in one would be header injection by a bug of ours. */
const checkField = ([name, value]: readonly [name: string, value: string]): void => {
  if (!FIELD_NAME.test(name) || /[\r\n\0]/.test(value)) throw new TypeError(`not a header field: ${name}`);
};

const faultOf = (message: Uint8Array, header: Uint8Array): string | undefined => {
  if (message.length === 0) return 'The message is empty.';
  if (header.length === 0) return 'The message has no header fields.';
  if (header.length > HEADER_LIMIT_BYTES) return 'The header is larger than 64 KB.';
  if (header.includes(0)) return 'The header contains a NUL byte.';
  const lines = Buffer.from(header).toString('latin1').split('\r\n');
  if (lines.at(-1) === '') lines.pop();
  const wrong = lines.findIndex((line, index) => !FIELD.test(line) && (index === 0 || !/^[ \t]/.test(line)));
  if (wrong !== -1) return `Line ${wrong + 1} of the header is neither a header field nor its continuation.`;
  return lines.some((line) => USUAL_FIELD.test(line)) ? undefined : 'The header has no field that mail has.';
};

const factsOf = (header: Uint8Array): Result<MessageFacts, string> => {
  const headers = parsed(header);
  const values = (name: string): string[] => headers.get(name).map(fieldValue);
  const addresses = (name: string): string[] => values(name).flatMap(addressesOf);
  const hasFrom = values('from').some(namesAnAddress);
  const senders = sendersOf(
    SENDER_FIELDS.flatMap((name) => values(name).map((value) => [name, value] as const)),
    hasFrom,
  );
  if (!senders.ok) return senders;
  return ok({
    senders: senders.value,
    hasFrom,
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    messageId: values('message-id').find((value) => value !== ''),
    hasDate: values('date').some((value) => value !== ''),
  });
};

/** Every field that readers name as the author or the sender (RFC 5322 sections 3.6.2 and 3.6.6). */
const SENDER_FIELDS = ['From', 'Sender', 'Resent-From', 'Resent-Sender'] as const;
type SenderField = readonly [name: (typeof SENDER_FIELDS)[number], value: string];

const sendersOf = (fields: readonly SenderField[], hasFrom: boolean): Result<readonly string[], string> => {
  const senders: string[] = [];
  for (const [name, value] of fields) {
    // Fields that name nobody are taken out, and the broker's put in their place: but not where another one stays.
    if (name === 'From' && !hasFrom) continue;
    const mailboxes = parseMailboxes(value);
    if (!mailboxes.ok) return fail(`It is not certain whom the ${name} field means: ${mailboxes.error}`);
    const { addresses, claimed } = mailboxes.value;
    if (name.endsWith('Sender') && addresses.length > 1) return fail(`The ${name} field has more than one address.`);
    senders.push(...addresses, ...claimed);
  }
  return ok(senders);
};

/** What cannot be decoded might be one. */
const namesAnAddress = (value: string): boolean => decodeWords(value)?.includes('@') ?? true;

/** RFC 5322 section 2.2.3 unfolding; RFC 6532 for the characters. */
const fieldValue = (line: string): string =>
  Buffer.from(line.slice(line.indexOf(':') + 1).replace(/\r\n/g, ''), 'latin1')
    .toString('utf8')
    .trim();

const addressesOf = (value: string): string[] =>
  parseAddresses(value, { flatten: true })
    .map(({ address }) => address)
    .filter((address) => address.includes('@'));
