import { isUtf8 } from 'node:buffer';

/** A header field as it came, folded, without its last line end: a string with one octet in each character (latin1). */
export type Field = string;

/** The lines of a header, each with its CRLF, as fields. What is no field at all stands as one, to be kept as it is. */
export const fieldsOf = (header: Buffer): readonly Field[] => {
  const lines = header.toString('latin1').split('\r\n').slice(0, -1);
  const fields: Field[] = [];
  for (const line of lines) {
    const isFolded = /^[ \t]/.test(line) && fields.length > 0;
    if (isFolded) fields.push(`${fields.pop()}\r\n${line}`);
    else fields.push(line);
  }
  return fields;
};

/** In lower case; empty where it has none. */
export const nameOf = (field: Field): string =>
  field
    .slice(0, Math.max(field.indexOf(':'), 0))
    .trim()
    .toLowerCase();

/** Where the blanks begin that end the text. By hand: of a long run of blanks, a regex tries each as the first. */
export const endOfText = (text: string): number => {
  let end = text.length;
  while (text[end - 1] === ' ' || text[end - 1] === '\t') end--;
  return end;
};

/** Unfolded (RFC 5322 section 2.2.3), still one octet in each character, with the blanks around it. */
export const rawValueOf = (field: Field): string => field.slice(field.indexOf(':') + 1).replaceAll('\r\n', '');

/** As text: UTF-8 (RFC 6532) where it is that, else what Windows takes for Latin-1. */
export const unfoldedOf = (field: Field): string => textOf(rawValueOf(field)).trim();

export const valuesOf = (fields: readonly Field[], name: string): readonly string[] =>
  fields.filter((field) => nameOf(field) === name).map(unfoldedOf);

const WINDOWS_1252 = new TextDecoder('windows-1252');

export const textOf = (octets: string): string => {
  const bytes = Buffer.from(octets, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : WINDOWS_1252.decode(bytes);
};

/** Text as octets, one in each character. */
export const octetsOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
