import parseAddresses from 'nodemailer/lib/addressparser';
import { isAddress } from '../../domain/envelope.ts';
import { sameAddress } from '../../domain/provider.ts';
import { type Field, fieldsOf, nameOf, octetsOf, valuesOf } from './fields.ts';
import { parseMailboxes } from './mailboxes.ts';

/** Fields in which one API or another may look for recipients (RFC 5322 sections 3.6.3 and 3.6.6). */
const SHOWN = ['To', 'Cc'] as const;
const HIDDEN: readonly string[] = ['bcc', 'resent-to', 'resent-cc', 'resent-bcc'];

/** Whom the message was for besides those who get this copy; a field that nobody takes recipients from. */
const OTHERS_FIELD = 'X-Also-Addressed-To';

/** RFC 5322 section 2.1.1 wishes for lines of at most so many characters. */
const LINE_LENGTH = 78;

/**
 * The header for those APIs that take the recipients from it: it names those of the envelope, and nobody else. Who is in the
 * envelope alone is put into Bcc, which the provider takes out again. Who stands in To or Cc without being in the envelope,
 * as somebody who got the message by an earlier try, is moved into a field of our own: nobody is served twice, and readers
 * still see who else has it. To and Cc fields that name nobody else stay as they are, byte for byte.
 */
export const withRecipients = (header: Buffer, envelope: readonly string[]): Buffer => {
  let fields = fieldsOf(header).filter((field) => !HIDDEN.includes(nameOf(field)));
  const named: string[] = [];
  const others: string[] = [];
  for (const name of SHOWN) {
    const isOne = (field: Field): boolean => nameOf(field) === name.toLowerCase();
    const values = valuesOf(fields, name.toLowerCase());
    const known = values.length === 1 ? addressesWithin(values[0] ?? '', envelope) : undefined;
    if (known) named.push(...known);
    if (known || values.length === 0) continue;
    const entries = values.flatMap((value) => parseAddresses(value, { flatten: true }));
    const kept = entries.filter(({ address }) => isOneOf(address, envelope));
    named.push(...kept.map(({ address }) => address));
    others.push(...entries.map(({ address }) => address).filter((one) => isAddress(one) && !isOneOf(one, envelope)));
    const rest = fields.filter((field) => !isOne(field));
    fields = kept.length > 0 ? [folded(name, kept.map(entryOf)), ...rest] : rest;
  }
  const hidden = envelope.filter((address) => !isOneOf(address, named));
  const more = [
    ...(hidden.length > 0 ? [folded('Bcc', hidden)] : []),
    ...(others.length > 0 ? [folded(OTHERS_FIELD, [...new Set(others)])] : []),
  ];
  return Buffer.from([...more, ...fields].map((field) => `${field}\r\n`).join(''), 'latin1');
};

/** The first Message-ID of the header, with its angle brackets. */
export const messageIdOf = (header: Buffer): string | undefined =>
  valuesOf(fieldsOf(header), 'message-id').find((value) => value !== '');

const isOneOf = (address: string, list: readonly string[]): boolean => list.some((one) => sameAddress(one, address));

/** The field's addresses, where no reader could find one in it that is not of the envelope. */
const addressesWithin = (value: string, envelope: readonly string[]): readonly string[] | undefined => {
  const read = parseMailboxes(value);
  if (!read.ok) return undefined;
  const { addresses, claimed } = read.value;
  return [...addresses, ...claimed].every((address) => isOneOf(address, envelope)) ? addresses : undefined;
};

/** With its name, where that is plain words or encoded ones (RFC 2047), and shows no address. */
const entryOf = ({ name, address }: { readonly name: string; readonly address: string }): string => {
  if (!/^[\x20-\x7e]+$/.test(name) || /["\\@]/.test(name)) return address;
  return /^(=\?[^\s?]+\?[bq]\?[^\s?]*\?=\s?)+$/i.test(name) ? `${name} <${address}>` : `"${name}" <${address}>`;
};

/** Folded between addresses (RFC 5322 section 2.2.3). */
const folded = (name: string, entries: readonly string[]): Field => {
  const lines: string[] = [];
  let line = `${name}:`;
  for (const [index, entry] of entries.entries()) {
    const text = index < entries.length - 1 ? ` ${entry},` : ` ${entry}`;
    if (line.length + text.length > LINE_LENGTH && line !== `${name}:`) {
      lines.push(line);
      line = '';
    }
    line += text;
  }
  return octetsOf([...lines, line].join('\r\n'));
};
