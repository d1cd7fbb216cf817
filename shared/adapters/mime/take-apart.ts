import { fail, ok, type Result } from '../../domain/result.ts';
import { type AnonymousFile, openAnonymousFile } from '../system/anonymous-file.ts';
import { type Field, nameOf } from './fields.ts';
import { type FileFacts, fileFactsOf } from './file-name.ts';
import { decoded } from './transfer-decoding.ts';
import { type Part, walker } from './walk.ts';

/** A file that was part of a message. */
export interface TakenPart {
  readonly fileName: string;
  readonly mediaType: string;
  /** Shown within the text, which names it by this. */
  readonly contentId: string | undefined;
  readonly isInline: boolean;
  readonly sizeBytes: number;
  /** Its transfer encoding is undone. */
  content(): AsyncIterable<Buffer>;
}

/** What is left of a message, small enough, and what was taken out of it, in its order. */
export interface Reduced {
  readonly message: Buffer;
  readonly taken: readonly TakenPart[];
}

/** A message that lies in a file without a name, and is known in its parts. */
export interface SpooledMessage {
  /**
   * The message without as many of its largest files as it takes to be no longer than the limit. Error: why that cannot be:
   * its text alone is longer, or it is signed or encrypted as a whole.
   */
  reduce(limitBytes: number): Promise<Result<Reduced, string>>;
  close(): Promise<void>;
}

/** A leaf of the message. Offsets are places in the file; `from`: its delimiter, with the line end that belongs to that. */
interface Leaf {
  readonly part: Part;
  readonly facts: FileFacts;
  readonly from: number;
  readonly headerAt: number;
  readonly contentAt: number;
  end: number;
}

interface Layout {
  readonly leaves: Leaf[];
  /** Parts within each multipart, whatever they are. */
  readonly children: Map<Part, number>;
  root: { readonly part: Part; readonly fields: readonly Field[] } | undefined;
  length: number;
}

const EMPTY_LINE = '\r\n';

/** More than one piece of a stream holds, mostly; it grows where one does. */
const PENDING_BYTES = 128 * 1024;

/** Reads it to its end. Throws what the content throws. */
export const spoolMessage = async (content: AsyncIterable<Buffer>): Promise<SpooledMessage> => {
  const file = await openAnonymousFile();
  try {
    const layout = await layOut(content, file);
    return { reduce: (limitBytes) => reduce(file, layout, limitBytes), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
};

/** Everything goes into the file as the walker tells it, so that every place is known. */
const layOut = async (content: AsyncIterable<Buffer>, file: AnonymousFile): Promise<Layout> => {
  const layout: Layout = { leaves: [], children: new Map(), root: undefined, length: 0 };
  const open = new Map<Part, Leaf>();
  // A delimiter is told as two frames: the line, and its end.
  let frames: readonly [number, number] = [0, 0];
  let pending: Buffer = Buffer.alloc(PENDING_BYTES);
  let used = 0;
  const put = (...texts: readonly (string | Buffer)[]): void => {
    for (const text of texts) {
      if (used + text.length > pending.length)
        pending = Buffer.concat([pending, Buffer.alloc(pending.length + text.length)]);
      used += typeof text === 'string' ? pending.write(text, used, 'latin1') : text.copy(pending, used);
      layout.length += text.length;
    }
  };
  const walk = walker({
    head(part, fields, isCut) {
      const headerAt = layout.length;
      const from = part.parent === undefined ? 0 : frames[0];
      layout.root ??= { part, fields };
      if (part.parent) layout.children.set(part.parent, (layout.children.get(part.parent) ?? 0) + 1);
      put(...fields.map((field) => `${field}\r\n`), isCut ? '' : EMPTY_LINE);
      if (part.kind !== 'leaf') return;
      const leaf = { part, facts: fileFactsOf(fields), from, headerAt, contentAt: layout.length, end: layout.length };
      open.set(part, leaf);
      layout.leaves.push(leaf);
    },
    content: (_, before, bytes) => put(before, bytes),
    end(part) {
      const leaf = open.get(part);
      if (leaf) leaf.end = layout.length;
      open.delete(part);
    },
    frame(before, bytes) {
      frames = [frames[1], layout.length];
      put(before, bytes);
    },
  });
  const flush = async (): Promise<void> => {
    await file.append(pending.subarray(0, used));
    used = 0;
  };
  for await (const chunk of content) {
    walk.write(chunk);
    await flush();
  }
  walk.end();
  await flush();
  return layout;
};

const ancestorsOf = (part: Part): readonly Part[] => (part.parent ? [part.parent, ...ancestorsOf(part.parent)] : []);

/** A file, and one whose place in the message is all that is lost when it comes as an attachment of its own. */
const isTakeable = ({ part, facts }: Leaf): boolean => {
  const around = ancestorsOf(part);
  if (
    part.isSealed ||
    around.some(({ kind, mediaType }) => kind === 'message' || mediaType === 'multipart/encrypted')
  ) {
    return false;
  }
  // A message that is encrypted, or signed and packed, is nothing but its content (RFC 8551 section 3.1).
  if (/^application\/(x-)?pkcs7-mime$/.test(part.mediaType)) return false;
  return facts.disposition === 'attachment' || facts.fileName !== undefined || !part.mediaType.startsWith('text/');
};

const reduce = async (file: AnonymousFile, layout: Layout, limitBytes: number): Promise<Result<Reduced, string>> => {
  const bySize = layout.leaves.filter(isTakeable).sort((one, other) => other.end - other.from - (one.end - one.from));
  const taken: Leaf[] = [];
  let left = layout.length;
  for (const leaf of bySize) {
    if (left <= limitBytes) break;
    taken.push(leaf);
    left -= leaf.end - leaf.from;
  }
  const rest = await withoutLeaves(file, layout, new Set(taken), limitBytes);
  if (rest === undefined) {
    return fail(
      'What cannot be sent as a file of its own, such as its text or what is signed or encrypted, is too large.',
    );
  }
  const inOrder = taken.sort((one, other) => one.from - other.from);
  const parts: TakenPart[] = [];
  for (const [index, leaf] of inOrder.entries()) parts.push(await partOf(file, leaf, index));
  return ok({ message: rest, taken: parts });
};

/** Undefined where that is still too long. */
const withoutLeaves = async (
  file: AnonymousFile,
  { leaves, children, root, length }: Layout,
  taken: ReadonlySet<Leaf>,
  limitBytes: number,
): Promise<Buffer | undefined> => {
  if (root && leaves[0] && root.part === leaves[0].part && taken.has(leaves[0])) return headerAlone(root.fields);
  const pieces: Buffer[] = [];
  let bytes = 0;
  let at = 0;
  const keep = async (end: number): Promise<void> => {
    for await (const block of file.read(at, end)) {
      bytes += block.length;
      if (bytes <= limitBytes) pieces.push(block);
    }
  };
  const emptied = new Map(children);
  for (const leaf of leaves) {
    if (!taken.has(leaf)) continue;
    const { parent } = leaf.part;
    const others = parent ? (emptied.get(parent) ?? 0) - 1 : 0;
    if (parent) emptied.set(parent, others);
    await keep(others > 0 ? leaf.from : leaf.headerAt);
    // A multipart has one part at least (RFC 2046 section 5.1.1): an empty text.
    if (others <= 0) pieces.push(Buffer.from(EMPTY_LINE));
    at = leaf.end;
  }
  await keep(length);
  return bytes <= limitBytes ? Buffer.concat(pieces) : undefined;
};

/** Of a message that was nothing but a file: with an empty text. */
const headerAlone = (fields: readonly Field[]): Buffer => {
  const kept = fields.filter((field) => !nameOf(field).startsWith('content-'));
  const text = 'Content-Type: text/plain; charset=us-ascii';
  return Buffer.from(`${[...kept, text].join('\r\n')}\r\n\r\n`, 'latin1');
};

const partOf = async (
  file: AnonymousFile,
  { part, facts, contentAt, end }: Leaf,
  index: number,
): Promise<TakenPart> => {
  const content = () => decoded(file.read(contentAt, end), part.encoding);
  let sizeBytes = 0;
  for await (const bytes of content()) sizeBytes += bytes.length;
  const { fileName = `attachment-${index + 1}${extensionOf(part.mediaType)}`, contentId, disposition } = facts;
  const isInline = contentId !== undefined && disposition !== 'attachment';
  return { fileName, mediaType: part.mediaType, contentId, isInline, sizeBytes, content };
};

/** What scanners make; a file without it opens with nothing. */
const extensionOf = (mediaType: string): string => {
  const found = /^(?:application|image)\/(pdf|png|jpeg|tiff|gif)$/.exec(mediaType)?.[1];
  return found === undefined ? '' : `.${found}`;
};
