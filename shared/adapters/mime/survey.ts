import { isAscii, isUtf8 } from 'node:buffer';
import type { ContentRepair, MessageFacts, PartRepair } from '../../ports/message-format.ts';
import { isIdentity } from './content-type.ts';
import { factsOf, headerFault } from './facts.ts';
import { type Field, nameOf } from './fields.ts';
import { repairField } from './header-repair.ts';
import { LINE_LIMIT, type LineEnd } from './lines.ts';
import { ACCEPTABLE, headerTooLarge, MimeFault, type Part, type Visitor } from './walk.ts';

/** What was seen of a part's content. */
interface Content {
  octets: number;
  octetsBeyondAscii: number;
  hasNul: boolean;
  hasLongLine: boolean;
  /** A line ended otherwise than with CRLF. */
  hasLoneEnd: boolean;
  isUtf8: boolean;
  column: number;
}

const NOTHING_YET: Content = {
  octets: 0,
  octetsBeyondAscii: 0,
  hasNul: false,
  hasLongLine: false,
  hasLoneEnd: false,
  isUtf8: true,
  column: 0,
};

/** Text with more than one octet in six beyond ASCII is shorter in base64. */
const isMostlyAscii = ({ octets, octetsBeyondAscii }: Content): boolean => octetsBeyondAscii * 6 <= octets;

const repairOf = ({ kind, encoding, mediaType }: Part, content: Content): ContentRepair | undefined => {
  const { hasNul, hasLongLine, hasLoneEnd, octetsBeyondAscii } = content;
  const isForbidden = hasNul || hasLongLine;
  if (encoding === 'base64' || encoding === 'quoted-printable') {
    return isForbidden || octetsBeyondAscii > 0 ? 'rewrap' : undefined;
  }
  if (kind === 'bound' || !isIdentity(encoding)) return isForbidden ? 'break' : undefined;
  if (isForbidden || (encoding === 'binary' && hasLoneEnd)) {
    // Where it is said to be binary, a line end may be no line end.
    if (!mediaType.startsWith('text/') || encoding === 'binary') return 'base64';
    return isMostlyAscii(content) ? 'quoted-printable' : 'base64-of-text';
  }
  return octetsBeyondAscii > 0 && encoding === '7bit' ? 'label-8bit' : undefined;
};

const look = (seen: Content, before: LineEnd, bytes: Buffer, lines: number): void => {
  if (before === '\n' || before === '\r') seen.hasLoneEnd = true;
  // What comes in bulk is of lines that are short enough.
  if (lines > 1) seen.column = 0;
  else seen.column = before === '' ? seen.column + bytes.length : bytes.length;
  if (seen.column > LINE_LIMIT) seen.hasLongLine = true;
  seen.octets += bytes.length - (lines - 1) * '\r\n'.length;
  if (bytes.includes(0)) seen.hasNul = true;
  if (isAscii(bytes)) return;
  for (let at = 0; at < bytes.length; at++) seen.octetsBeyondAscii += (bytes[at] as number) >> 7;
  seen.isUtf8 &&= isUtf8(bytes);
};

/** Finds out what a message says, and what `prepare` must mend in it. Throws `MimeFault` where it is no message. */
export const surveyor = () => {
  const repairs = new Map<number, PartRepair>();
  let facts: Omit<MessageFacts, 'repairs' | 'bodyStands'> | undefined;
  let seen: Content = { ...NOTHING_YET };
  let bodyStands = true;

  const checkMessage = (fields: readonly Field[], isCut: boolean): void => {
    const fault = headerFault(fields, isCut);
    if (fault !== undefined) throw new MimeFault(fault);
    const found = factsOf(fields);
    if (!found.ok) throw new MimeFault(found.error);
    facts = found.value;
  };

  /** What holds a part with octets beyond ASCII has them too (RFC 2045 section 6.4). */
  const labelAround = ({ parent }: Part): void => {
    for (let part = parent; part; part = part.parent) {
      if (part.encoding === '7bit' && !part.isSealed) repairs.set(part.number, { content: 'label-8bit' });
    }
  };

  const visitor: Visitor = {
    head(part, fields, isCut) {
      if (part.number === 0) checkMessage(fields, isCut);
      if (isCut) bodyStands = false;
      seen = { ...NOTHING_YET };
      if (part.isSealed) return;
      let mendedBytes = 0;
      for (const field of fields) {
        const mended = repairField(field);
        mendedBytes += (mended?.length ?? 0) + '\r\n'.length;
        // Encoding makes it several times as long: what is accepted must still be short enough after that.
        if (mendedBytes > ACCEPTABLE.headerBytes) throw headerTooLarge(ACCEPTABLE);
        if (mended !== undefined) {
          if (part.number > 0) bodyStands = false;
          continue;
        }
        const name = JSON.stringify(nameOf(field).slice(0, 40));
        throw new MimeFault(
          `The header field ${name} has a line of over ${LINE_LIMIT} octets, without a blank to fold it at.`,
        );
      }
    },
    content: (_part, before, bytes, lines) => look(seen, before, bytes, lines),
    end(part) {
      if (part.isSealed) return;
      const content = repairOf(part, seen);
      const isNamed = part.number > 0 || part.hasType || seen.octetsBeyondAscii === 0;
      const charset = seen.isUtf8 ? 'utf-8' : 'windows-1252';
      if (content !== undefined) repairs.set(part.number, { content, ...(isNamed ? {} : { charset }) });
      const stays = content === undefined || content === 'label-8bit' || content === 'break';
      if (stays && seen.octetsBeyondAscii > 0) labelAround(part);
    },
    frame(_before, bytes) {
      // Too long, or with what no line may hold: then it is broken, or taken out.
      if (bytes.length > LINE_LIMIT || bytes.includes(0)) bodyStands = false;
    },
  };

  return {
    visitor,
    facts: (): MessageFacts => {
      if (facts === undefined) throw new Error('the message was not read');
      return { ...facts, repairs, bodyStands: bodyStands && repairs.size === 0 };
    },
  };
};
