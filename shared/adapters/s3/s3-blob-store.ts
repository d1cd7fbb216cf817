import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { BlobStore } from '../../ports/blob-store.ts';
import { withStallLimit } from '../streams/stall-limit.ts';
import { putStream } from './s3-multipart.ts';

/** The client's own limit ends with the first octets of an answer. */
const STALL_LIMIT_MS = 20_000;

/**
 * Contents as objects. S3 is strongly consistent, and a put is all or nothing. The role needs `s3:ListBucket` as well:
 * without it S3 answers 403 in place of 404 for what is not there (API reference, GetObject).
 */
export const s3BlobStore = (
  client: S3Client,
  { bucket, stallLimitMs = STALL_LIMIT_MS }: { readonly bucket: string; readonly stallLimitMs?: number },
): BlobStore => ({
  async put(key, content) {
    const place = { Bucket: bucket, Key: key };
    if (content instanceof Readable) await putStream(client, place, content);
    else await client.send(new PutObjectCommand({ ...place, Body: content }));
  },

  async open(key) {
    try {
      const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (!(Body instanceof Readable) || ContentLength === undefined) throw new Error(`S3 sent no content for ${key}`);
      return { stream: withStallLimit(Body, stallLimitMs), sizeBytes: ContentLength };
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  },

  async delete(key) {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  },
});
