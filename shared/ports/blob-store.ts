import type { Readable } from 'node:stream';

/** Large contents by key. Keys are made by the broker (`a/b.c`), never taken from a request. */
export interface BlobStore {
  /**
   * Durable when it resolves; a reader never sees half of it. Replaces what was there. A stream is consumed, a few megabytes
   * of it held at once; where it fails, this fails as it does, and what was there stays.
   */
  put(key: string, content: Uint8Array | Readable): Promise<void>;
  /** A fresh stream for each call, or undefined where there is none. */
  open(key: string): Promise<{ readonly stream: Readable; readonly sizeBytes: number } | undefined>;
  /** Absent is fine. */
  delete(key: string): Promise<void>;
}
