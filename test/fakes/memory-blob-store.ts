import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../../shared/ports/blob-store.ts';

export interface MemoryBlobStore extends BlobStore {
  keys(): readonly string[];
  text(key: string): string | undefined;
}

export const memoryBlobStore = (): MemoryBlobStore => {
  const blobs = new Map<string, Buffer>();
  return {
    async put(key, content) {
      blobs.set(key, content instanceof Readable ? await buffer(content) : Buffer.from(content));
    },
    async open(key) {
      const content = blobs.get(key);
      return content && { stream: Readable.from([content]), sizeBytes: content.length };
    },
    async delete(key) {
      blobs.delete(key);
    },
    keys: () => [...blobs.keys()],
    text: (key) => blobs.get(key)?.toString('utf8'),
  };
};
