import { parametersOf } from './content-type.ts';
import { decodeWords } from './encoded-words.ts';
import { type Field, nameOf, rawValueOf, textOf } from './fields.ts';

/** What a part's header says of it as a file (RFC 2183, RFC 2231). */
export interface FileFacts {
  readonly fileName: string | undefined;
  readonly disposition: 'attachment' | 'inline' | undefined;
  /** Without its angle brackets (RFC 2392). */
  readonly contentId: string | undefined;
}

export const fileFactsOf = (fields: readonly Field[]): FileFacts => {
  const rawOf = (name: string): string => {
    const field = fields.find((one) => nameOf(one) === name);
    return field === undefined ? '' : rawValueOf(field);
  };
  const disposition = rawOf('content-disposition');
  const main = disposition.split(';')[0]?.trim().toLowerCase();
  return {
    fileName: namedIn(disposition, 'filename') ?? namedIn(rawOf('content-type'), 'name'),
    // RFC 2183 section 2.8: what is not known counts as an attachment.
    disposition: main === 'inline' ? 'inline' : main ? 'attachment' : undefined,
    contentId: /<([^<>\s]+)>/.exec(rawOf('content-id'))?.[1],
  };
};

/** Paths and control characters are nobody's file name. */
const tidy = (name: string): string | undefined =>
  name
    .replace(/\p{Cc}/gu, '')
    .replace(/^.*[\\/]/u, '')
    .trim() || undefined;

const namedIn = (value: string, wanted: string): string | undefined => {
  const parameters = parametersOf(value)?.parameters ?? [];
  const sections = parameters
    .map(({ name, value: text }) => ({ ...sectionOf(name.toLowerCase()), text }))
    .filter(({ base }) => base === wanted)
    .sort((one, other) => one.index - other.index);
  const [first] = sections;
  if (first === undefined) return undefined;
  const extended = sections.filter(({ isExtended }) => isExtended);
  if (extended.length === 0) return tidy(plain(sections.map(({ text }) => text).join('')));
  // `filename` beside `filename*` is for readers that do not know the latter (RFC 6266 section 4.3).
  const used = sections.filter(({ index }) => index >= 0);
  const charset = /^([^']*)'[^']*'/.exec(used[0]?.text ?? '')?.[1] ?? 'utf-8';
  const octets = used.map(({ text, isExtended }, at) => {
    const rest = at === 0 ? text.replace(/^[^']*'[^']*'/, '') : text;
    return isExtended
      ? rest.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      : rest;
  });
  return tidy(inCharset(octets.join(''), charset));
};

/** `filename*1*`: its second section, percent-encoded (RFC 2231 sections 3 and 4). -1: the plain one. */
const sectionOf = (name: string): { readonly base: string; readonly index: number; readonly isExtended: boolean } => {
  const [, base = name, section, star] = /^([^*]+)(?:\*(\d+))?(\*)?$/.exec(name) ?? [];
  const isPlain = section === undefined && star === undefined;
  return { base, index: isPlain ? -1 : Number(section ?? 0), isExtended: star !== undefined };
};

/** RFC 2047 section 5 forbids encoded words here, and everybody writes them. */
const plain = (octets: string): string => decodeWords(textOf(octets)) ?? textOf(octets);

const inCharset = (octets: string, charset: string): string => {
  try {
    return new TextDecoder(charset).decode(Buffer.from(octets, 'latin1'));
  } catch {
    return textOf(octets);
  }
};
