import { isAscii } from 'node:buffer';
import type { Readable } from 'node:stream';
import { fail, ok } from '../../domain/result.ts';
import type { ContentRepair, MessageFormat, PreparedMessage } from '../../ports/message-format.ts';
import { type Field, nameOf, octetsOf } from './fields.ts';
import { rewritten } from './rewrite.ts';
import { sentAs } from './send-as.ts';
import { madeOf } from './streams.ts';
import { surveyor } from './survey.ts';
import { ACCEPTABLE, MimeFault, type Part, walker } from './walk.ts';
import { withHeader } from './with-header.ts';

const FIELD_NAME = /^[\x21-\x39\x3b-\x7e]+$/;

/** Names and values come from the broker; a line break in one would be header injection by a bug of ours. */
const checkField = ([name, value]: readonly [name: string, value: string]): void => {
  if (!FIELD_NAME.test(name) || /[\r\n\0]/.test(value)) throw new TypeError(`not a header field: ${name}`);
};

/** The same content, and what it came to. */
const counted = (content: Readable): PreparedMessage => {
  let sizeBytes = 0;
  let eightBit = false;
  const count = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      eightBit ||= !isAscii(chunk);
      yield chunk;
    }
  };
  return { content: madeOf(content, count()), written: () => ({ sizeBytes, eightBit }) };
};

const sevenBitRepair = ({ kind, encoding, mediaType, isSealed }: Part): ContentRepair | undefined => {
  if (isSealed || (encoding !== '8bit' && encoding !== 'binary')) return undefined;
  if (kind !== 'leaf') return 'label-7bit';
  return mediaType.startsWith('text/') ? 'quoted-printable' : 'base64';
};

export const mimeMessageFormat: MessageFormat = {
  async inspect(content) {
    const survey = surveyor();
    const walk = walker(survey.visitor, ACCEPTABLE, true);
    try {
      for await (const chunk of content) walk.write(chunk as Buffer);
      walk.end();
      const facts = survey.facts();
      return ok({ ...facts, bodyStands: facts.bodyStands && !walk.hasLoneEnd() });
    } catch (error) {
      if (error instanceof MimeFault) return fail(error.message);
      throw error;
    }
  },

  prepare(content, repairs, { headers, without, bodyStands = false }) {
    for (const field of headers) checkField(field);
    const added = headers.map(([name, value]): Field => octetsOf(`${name}: ${value}`));
    const gone = new Set(without.map((name) => name.toLowerCase()));
    const header = (fields: readonly Field[]) => [...added, ...fields.filter((field) => !gone.has(nameOf(field)))];
    if (bodyStands) return counted(withHeader(content, header));
    return counted(rewritten(content, { header, repairOf: ({ number }) => repairs.get(number) }));
  },

  sendAs: sentAs,

  toSevenBit: (content) =>
    rewritten(content, {
      header: (fields) => fields,
      repairOf: (part) => {
        const repair = sevenBitRepair(part);
        return repair && { content: repair };
      },
    }),
};
