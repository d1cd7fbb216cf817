/** The part of mailsplit that is used; the package brings no types. Lines are byte strings (latin1). */
declare module 'mailsplit/lib/headers.js' {
  class Headers {
    /** A header block, or no fields at all. */
    constructor(block: Uint8Array | readonly []);
    getList(): readonly { readonly key: string; readonly line: string }[];
    /** Every field of that name, folded as it came. */
    get(name: string): readonly string[];
    hasHeader(name: string): boolean;
    remove(name: string): void;
    /** In front of all others. */
    addFormatted(name: string, line: string): void;
    build(): Buffer;
  }
  export = Headers;
}
