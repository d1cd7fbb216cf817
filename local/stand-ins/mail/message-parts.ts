import { pipeline, type Readable } from 'node:stream';
import { type MimeNode, Splitter } from 'mailsplit';

export interface HeaderField {
  readonly name: string;
  /** Unfolded, encoded words (RFC 2047) decoded. */
  readonly value: string;
}

export interface MessagePart {
  readonly contentType: string;
  readonly filename: string | undefined;
  readonly encoding: string;
  /** After the transfer encoding is undone. */
  readonly sizeBytes: number;
  /** The beginning, where it is text. */
  readonly text: string | undefined;
}

export interface ReadMessage {
  readonly headers: readonly HeaderField[];
  readonly parts: readonly MessagePart[];
}

/** Enough to see what a part says; a page need not hold a whole scan. */
const TEXT_PREVIEW_BYTES = 4096;

/** Headers and parts of a message, streamed: nothing but the previews is held. */
export const readMessage = async (content: Readable): Promise<ReadMessage> => {
  const splitter = new Splitter({ ignoreEmbedded: true });
  // What goes wrong while reading surfaces in the loop below.
  pipeline(content, splitter, () => undefined);

  let headers: readonly HeaderField[] = [];
  const parts: Promise<MessagePart>[] = [];
  let decoder: ReturnType<MimeNode['getDecoder']> | undefined;
  for await (const piece of splitter) {
    if (piece.type === 'node') {
      decoder?.end();
      decoder = undefined;
      if (piece.root) headers = headersOf(piece);
      if (piece.multipart !== false) continue;
      decoder = piece.getDecoder();
      parts.push(readPart(piece, decoder));
    } else if (piece.type === 'body') {
      decoder?.write(piece.value);
    }
  }
  decoder?.end();
  return { headers, parts: await Promise.all(parts) };
};

export const headerOf = ({ headers }: ReadMessage, name: string): string =>
  headers.find((field) => field.name.toLowerCase() === name)?.value ?? '';

const headersOf = (node: MimeNode): HeaderField[] =>
  node.headers.getList().map(({ line }) => {
    const colon = line.indexOf(':');
    const raw = Buffer.from(line.slice(colon + 1), 'latin1').toString('utf8');
    return { name: line.slice(0, colon), value: decodeWords(node, raw.replace(/\r?\n(?=[ \t])/g, '').trim()) };
  });

/** An unknown character set leaves the words as they came. */
const decodeWords = (node: MimeNode, text: string): string => {
  try {
    return node.libmime.decodeWords(text);
  } catch {
    return text;
  }
};

const readPart = async (node: MimeNode, decoded: Readable): Promise<MessagePart> => {
  const contentType = node.contentType || 'text/plain';
  const preview: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of decoded as AsyncIterable<Buffer>) {
    if (contentType.startsWith('text/') && sizeBytes < TEXT_PREVIEW_BYTES) preview.push(chunk);
    sizeBytes += chunk.length;
  }
  return {
    contentType,
    filename: node.filename || undefined,
    encoding: node.encoding || '7bit',
    sizeBytes,
    text: contentType.startsWith('text/')
      ? decodeText(Buffer.concat(preview).subarray(0, TEXT_PREVIEW_BYTES), node.charset)
      : undefined,
  };
};

const decodeText = (bytes: Buffer, charset: string | false): string => {
  try {
    return new TextDecoder(charset || 'utf-8').decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
};
