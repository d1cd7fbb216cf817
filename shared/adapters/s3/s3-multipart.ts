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
import { inChunks } from '../streams/chunks.ts';

/** S3 takes parts of 5 MiB and more, but for the last (API reference, UploadPart). One is held at a time. */
const PART_BYTES = 8 * 1024 * 1024;

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

const begin = async (client: S3Client, place: Place): Promise<string> => {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'CRC32' }));
  if (UploadId === undefined) throw new Error(`S3 named no upload for ${place.Key}`);
  return UploadId;
};

/**
 * Stores a stream of unknown length: in one request where it fits one part, else as a multipart upload, which nobody sees
 * before it is complete. One that failed is aborted, or else by the bucket's lifecycle rule a day later.
 */
export const putStream = async (client: S3Client, place: Place, content: Readable): Promise<void> => {
  const Parts: CompletedPart[] = [];
  let UploadId: string | undefined;
  try {
    for await (const { bytes: Body, isLast } of inChunks(content, PART_BYTES)) {
      if (isLast && UploadId === undefined) {
        await client.send(new PutObjectCommand({ ...place, Body }));
        return;
      }
      UploadId ??= await begin(client, place);
      const PartNumber = Parts.length + 1;
      const part = await client.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    if (UploadId !== undefined) await abort(client, { ...place, UploadId });
    throw error;
  }
};

/** What cannot be aborted now goes with the lifecycle rule; what went wrong before is what counts. */
const abort = async (client: S3Client, upload: Place & { readonly UploadId: string }): Promise<void> => {
  await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
};
