/** The part of mailsplit that is used; the package brings no types. */
declare module 'mailsplit' {
  import type { Transform } from 'node:stream';

  interface MimeNode {
    readonly type: 'node';
    readonly root: boolean;
    readonly multipart: string | false;
    readonly contentType: string | false;
    readonly charset: string | false;
    readonly encoding: string | false;
    readonly filename: string | false;
    /** Lines are byte strings (latin1), folded as they came. */
    readonly headers: { getList(): readonly { readonly key: string; readonly line: string }[] };
    readonly libmime: { decodeWords(text: string): string };
    getDecoder(): Transform;
  }

  /** `data` is what stands between parts, `body` the encoded content of the part named last. */
  type Piece = MimeNode | { readonly type: 'data' | 'body'; readonly value: Buffer };

  class Splitter extends Transform {
    constructor(options?: { ignoreEmbedded?: boolean });
    [Symbol.asyncIterator](): NodeJS.AsyncIterator<Piece>;
  }

  export type { MimeNode, Piece };
  export { Splitter };
}
