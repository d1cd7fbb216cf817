import { isAddress } from '../../domain/envelope.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { decodeWords } from './encoded-words.ts';

/** What one field says of who sends. */
export interface Mailboxes {
  readonly addresses: readonly string[];
  /**
   * What looks like an address in display names and comments: readers show it in the address's place, and the less
   * careful take it for the address. Never anything without an at sign.
   */
  readonly claimed: readonly string[];
}

/**
 * The pieces of a mailbox-list (RFC 5322 section 3.4); what none of them takes is refused. Narrower than the RFC where
 * readers are known to differ: no comments within comments, no quoted local part, no route, no domain literal.
 */
const PIECE = new RegExp(
  [
    '(?<blank>[ \\t]+)',
    '\\((?<comment>(?:[^()\\\\]|\\\\.)*)\\)',
    '"(?<quoted>(?:[^"\\\\]|\\\\.)*)"',
    '<(?<angle>[^<>]*)>',
    '(?<comma>,)',
    // Atoms with dots and characters beyond ASCII (RFC 5322 section 4.1, RFC 6532): names, and bare addresses.
    '(?<word>[^ \\t()<>[\\]:;@\\\\,"]+(?:@[^ \\t()<>[\\]:;@\\\\,"]+)?)',
  ].join('|'),
  'uy',
);

/** Readers take some of them for the end of a line. */
const CONTROL = /[^\P{Cc}\t]|[\u2028\u2029]/u;

/** One mailbox as it is read. `address` ends it, but for blanks and comments. */
interface Entry {
  named: boolean;
  address: string | undefined;
}

/**
 * A field's unfolded value as a mailbox-list that no reader can take for another. Where the grammar leaves room, it is
 * refused: who may send is decided by these addresses, and shown to people by readers more lenient than this one.
 * Error: what is wrong, to stand after a colon.
 */
export const parseMailboxes = (value: string): Result<Mailboxes, string> => {
  if (CONTROL.test(value)) return fail('it holds a control character.');
  const addresses: string[] = [];
  const names: string[] = [];
  let entry: Entry = { named: false, address: undefined };
  const pieces = new RegExp(PIECE);
  while (pieces.lastIndex < value.length) {
    const at = pieces.lastIndex;
    const piece = pieces.exec(value)?.groups;
    if (!piece) return fail(outOfPlace(value, at));
    if (piece.comment !== undefined) names.push(piece.comment);
    if (piece.quoted !== undefined) names.push(piece.quoted);
    if (piece.comma !== undefined) {
      if (entry.address === undefined) return fail(NO_ADDRESS);
      addresses.push(entry.address);
      entry = { named: false, address: undefined };
    }
    const wrong = extend(entry, piece);
    if (wrong !== undefined) return fail(wrong);
  }
  if (entry.address === undefined) return fail(NO_ADDRESS);
  addresses.push(entry.address);
  return claims(value, names, addresses);
};

const NO_ADDRESS = 'an address is missing. Write each as name@domain, or as "Name" <name@domain>.';

const outOfPlace = (value: string, at: number): string =>
  `${JSON.stringify(String.fromCodePoint(value.codePointAt(at) as number))} is out of place at character ${at + 1}. ` +
  'Groups are not allowed; put names with such characters in double quotes.';

/** What is wrong with that piece after those before it. */
const extend = (entry: Entry, { word, quoted, angle }: Record<string, string | undefined>): string | undefined => {
  const text = word ?? quoted ?? angle;
  if (text === undefined) return undefined;
  if (entry.address !== undefined) return 'there is text after an address without a comma between them.';
  const address = angle?.trim() ?? (word?.includes('@') ? word : undefined);
  if (address === undefined) {
    entry.named = true;
    return undefined;
  }
  if (!isAddress(address)) return `${JSON.stringify(address)} is not an address.`;
  if (angle === undefined && entry.named) return 'an at sign stands in a name without double quotes.';
  entry.address = address;
  return undefined;
};

/** Of the names alone, and of the decoded value as a whole: some readers decode before they take apart. */
const claims = (value: string, names: readonly string[], addresses: readonly string[]): Result<Mailboxes, string> => {
  const decoded = decodeWords(value);
  if (decoded === undefined) return fail('it holds an encoded word that cannot be decoded.');
  const shown = names.map((name) => name.replace(/\\(.)/gu, '$1')).flatMap(addressLike);
  // "Scanner @ HQ" is a name, unless it takes decoding to see it.
  const plain = shown.filter((claim) => claim !== '@');
  const known = new Set(addresses);
  const hidden = decoded === value ? [] : addressLike(decoded).filter((claim) => !known.has(claim));
  return ok({ addresses, claimed: [...new Set([...plain, ...hidden])] });
};

const addressLike = (text: string): readonly string[] =>
  text.split(/[\s<>()[\]\\,;:"']/u).filter((word) => word.includes('@'));
