import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** S3 takes parts of 5 MiB and more, but for the last (API reference, UploadPart). One is held at a time. */
const PART_BYTES = 8 * 1024 * 1024;

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

/** The stream in pieces of one size, but for the last; at least one. Every piece is in memory of its own, whole. */
const partsOf = async function* (content: Readable): AsyncGenerator<Buffer> {
  let part = Buffer.allocUnsafe(PART_BYTES);
  let used = 0;
  let count = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.length; ) {
      const copied = chunk.copy(part, used, from);
      from += copied;
      used += copied;
      if (used < PART_BYTES) continue;
      count++;
      yield part;
      part = Buffer.allocUnsafe(PART_BYTES);
      used = 0;
    }
  }
  if (used > 0 || count === 0) yield part.subarray(0, used);
};

const uploadParts = async (
  client: S3Client,
  place: Place,
  UploadId: string,
  first: Buffer,
  others: AsyncGenerator<Buffer>,
): Promise<CompletedPart[]> => {
  const parts: CompletedPart[] = [];
  for (let next = first; ; ) {
    const PartNumber = parts.length + 1;
    const { ETag, ChecksumCRC32 } = await client.send(
      new UploadPartCommand({ ...place, UploadId, PartNumber, Body: next }),
    );
    parts.push({ PartNumber, ETag, ChecksumCRC32 });
    const following = await others.next();
    if (following.done === true) return parts;
    next = following.value;
  }
};

/**
 * Stores a stream of unknown length: in one request where it fits one part, else as a multipart upload, which nobody sees
 * before it is complete. One that failed is aborted, or else by the bucket's lifecycle rule a day later.
 */
export const putStream = async (client: S3Client, place: Place, content: Readable): Promise<void> => {
  const parts = partsOf(content);
  const first = (await parts.next()).value ?? Buffer.alloc(0);
  if (first.length < PART_BYTES) {
    await client.send(new PutObjectCommand({ ...place, Body: first }));
    return;
  }
  let uploadId: string | undefined;
  try {
    uploadId = (await client.send(new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32' }))).UploadId;
    if (uploadId === undefined) throw new Error(`S3 named no upload for ${place.Key}`);
    const Parts = await uploadParts(client, place, uploadId, first, parts);
    const complete = { ...place, UploadId: uploadId, MultipartUpload: { Parts } };
    await client.send(new CompleteMultipartUploadCommand(complete));
  } catch (error) {
    content.destroy();
    if (uploadId !== undefined) await abort(client, { ...place, UploadId: uploadId });
    throw error;
  }
};

/** What cannot be aborted now goes with the lifecycle rule; what went wrong before is what counts. */
const abort = async (client: S3Client, upload: Place & { readonly UploadId: string }): Promise<void> => {
  await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
};
