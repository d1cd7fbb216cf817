import type { Readable } from 'node:stream';
import type { ContentRepair, PartRepair } from '../../ports/message-format.ts';
import { type Field, nameOf } from './fields.ts';
import { repairField } from './header-repair.ts';
import { madeOf } from './streams.ts';
import {
  base64Rewriter,
  base64Writer,
  breakingWriter,
  type ContentWriter,
  plainWriter,
  quotedPrintableRewriter,
  quotedPrintableWriter,
  type Write,
} from './transfer-encodings.ts';
import { type Part, walker } from './walk.ts';

export interface Rewriting {
  /** The message's own header, before it is mended. */
  readonly header: (fields: readonly Field[]) => readonly Field[];
  readonly repairOf: (part: Part) => PartRepair | undefined;
}

/** How a part is labelled after its repair (RFC 2045 section 6). */
const LABELS: Readonly<Partial<Record<ContentRepair, string>>> = {
  'label-7bit': '7bit',
  'label-8bit': '8bit',
  'quoted-printable': 'quoted-printable',
  base64: 'base64',
  'base64-of-text': 'base64',
};

const isNamed = (name: string) => (field: Field) => nameOf(field) === name;

/** The label in the place of the former one, and what must not be missing where there is one. */
const labelled = (
  fields: readonly Field[],
  part: Part,
  { content, charset }: PartRepair,
  label: string,
): readonly Field[] => {
  const encoding = isNamed('content-transfer-encoding');
  const place = fields.findIndex(encoding);
  const others = fields.filter((field) => !encoding(field));
  const at = place === -1 ? others.length : place;
  const added: Field[] = [`Content-Transfer-Encoding: ${label}`];
  if (charset !== undefined && content !== 'base64') added.unshift(`Content-Type: text/plain; charset=${charset}`);
  const isMessage = part.parent === undefined || part.parent.kind === 'message';
  if (isMessage && !fields.some(isNamed('mime-version'))) added.unshift('MIME-Version: 1.0');
  return [...others.slice(0, at), ...added, ...others.slice(at)];
};

const writerOf = (repair: ContentRepair | undefined, { encoding }: Part, write: Write): ContentWriter => {
  switch (repair) {
    case 'quoted-printable':
      return quotedPrintableWriter(write);
    case 'base64':
    case 'base64-of-text':
      return base64Writer(write, repair === 'base64-of-text');
    case 'rewrap':
      return encoding === 'base64' ? base64Rewriter(write) : quotedPrintableRewriter(write);
    case 'break':
      return breakingWriter(write);
    case 'label-7bit':
    case 'label-8bit':
    case undefined:
      return plainWriter(write);
  }
};

/** Pieces are put together to chunks of this size: streams pass on few large ones faster. */
const CHUNK_BYTES = 64 * 1024;

/** Octets written bit by bit, to be taken in large chunks. */
const chunks = () => {
  let full: Buffer[] = [];
  let open = Buffer.allocUnsafe(CHUNK_BYTES);
  let used = 0;
  return {
    write(bytes: Buffer): void {
      let from = 0;
      while (from < bytes.length) {
        if (used === CHUNK_BYTES) {
          full.push(open);
          open = Buffer.allocUnsafe(CHUNK_BYTES);
          used = 0;
        }
        const copied = bytes.copy(open, used, from);
        from += copied;
        used += copied;
      }
    },
    take(): readonly Buffer[] {
      const taken = full;
      full = [];
      return taken;
    },
    takeAll(): readonly Buffer[] {
      const taken = [...full, open.subarray(0, used)];
      full = [];
      open = Buffer.allocUnsafe(CHUNK_BYTES);
      used = 0;
      return taken;
    },
  };
};

/** The message part by part, with CRLF line ends, each header mended, each content as `repairOf` has it. */
export const rewritten = (content: Readable, { header, repairOf }: Rewriting): Readable => {
  const out = chunks();
  const frame = breakingWriter(out.write);
  let writer = plainWriter(out.write);

  const walk = walker({
    head(part, fields, isCut) {
      const repair = repairOf(part);
      const own = part.number === 0 ? header(fields) : fields;
      const mended = part.isSealed ? own : own.map((field) => repairField(field) ?? field);
      const label = repair && LABELS[repair.content];
      const whole = repair && label !== undefined ? labelled(mended, part, repair, label) : mended;
      const end = isCut && part.number > 0 ? '' : '\r\n';
      out.write(Buffer.from(`${whole.map((field) => `${field}\r\n`).join('')}${end}`, 'latin1'));
      writer = writerOf(repair?.content, part, out.write);
    },
    content: (_part, before, bytes) => writer.content(before, bytes),
    end: () => writer.end(),
    frame: (before, bytes) => frame.content(before, bytes),
  });

  const pieces = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      walk.write(chunk);
      yield* out.take();
    }
    walk.end();
    yield* out.takeAll().filter(({ length }) => length > 0);
  };
  return madeOf(content, pieces());
};
