import parseAddresses from 'nodemailer/lib/addressparser';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { MessageFacts } from '../../ports/message-format.ts';
import { decodeWords } from './encoded-words.ts';
import { type Field, valuesOf } from './fields.ts';
import { parseMailboxes } from './mailboxes.ts';

/** RFC 5322 section 2.2: printable ASCII without the colon, then a colon at once. */
const FIELD = /^[\x21-\x39\x3b-\x7e]+:/;

/** Every message has one of these; JSON in one line, which could pass for a field, has none. */
const USUAL_FIELD = /^(from|sender|to|cc|bcc|subject|date|message-id|mime-version|content-type|received):/i;

/** What keeps these fields from being the header of a message. `isCut`: no empty line came after them. */
export const headerFault = (fields: readonly Field[], isCut: boolean): string | undefined => {
  if (fields.length === 0) return isCut ? 'The message is empty.' : 'The message has no header fields.';
  let line = 1;
  for (const field of fields) {
    if (!FIELD.test(field)) return `Line ${line} of the header is neither a header field nor its continuation.`;
    line += field.split('\r\n').length;
  }
  if (fields.some((field) => field.includes('\0'))) return 'The header contains a NUL byte.';
  return fields.some((field) => USUAL_FIELD.test(field)) ? undefined : 'The header has no field that mail has.';
};

export const factsOf = (fields: readonly Field[]): Result<Omit<MessageFacts, 'repairs' | 'bodyStands'>, string> => {
  const values = (name: string): readonly string[] => valuesOf(fields, name);
  const addresses = (name: string): string[] => values(name).flatMap(addressesOf);
  const hasFrom = values('from').some(namesAnAddress);
  const senders = sendersOf(
    SENDER_FIELDS.flatMap((name) => values(name.toLowerCase()).map((value) => [name, value] as const)),
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

const addressesOf = (value: string): string[] =>
  parseAddresses(value, { flatten: true })
    .map(({ address }) => address)
    .filter((address) => address.includes('@'));
