import parseAddresses from 'nodemailer/lib/addressparser';
import { type Field, fieldsOf, nameOf, valuesOf } from '../../../shared/adapters/mime/fields.ts';

/** What an API reads of a message it is to send. */
export interface ReadHeader {
  readonly fields: readonly Field[];
  readonly from: string | undefined;
  /** Of To, Cc and Bcc, each once. */
  readonly recipients: readonly string[];
  readonly messageId: string | undefined;
}

const addressesOf = (values: readonly string[]): string[] =>
  values.flatMap((value) => parseAddresses(value, { flatten: true })).map(({ address }) => address.trim());

export const readHeader = (header: Buffer): ReadHeader => {
  const fields = fieldsOf(header);
  const recipients = ['to', 'cc', 'bcc'].flatMap((name) => addressesOf(valuesOf(fields, name)));
  return {
    fields,
    from: addressesOf(valuesOf(fields, 'from'))[0],
    recipients: [...new Set(recipients.filter((address) => address !== ''))],
    messageId: valuesOf(fields, 'message-id')[0],
  };
};

/** As it goes out: Bcc is for the provider alone. */
export const outgoingFields = (fields: readonly Field[]): readonly Field[] =>
  fields.filter((field) => nameOf(field) !== 'bcc');

export const headerText = (fields: readonly Field[]): Buffer =>
  Buffer.from(fields.map((field) => `${field}\r\n`).join(''), 'latin1');

/** RFC 5321 section 4.1.2, as far as a stand-in cares. */
export const isAddress = (text: string): boolean => /^[^\s@<>]+@[^\s@<>]+$/.test(text);
