import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { uploadKeyOf } from '../../domain/upload.ts';
import type { Clock } from '../../ports/clock.ts';
import type { UploadDoor } from '../../ports/upload-door.ts';

/** Carried as a header that is signed, so that S3 compares it with what comes (API reference, PutObject). */
const CHECKSUM_HEADER = 'x-amz-checksum-sha256';

/**
 * Presigned PUTs. Length, key and checksum are part of the signature: S3 refuses whatever has others. The client must have
 * `requestChecksumCalculation: 'WHEN_REQUIRED'`, or it signs the checksum of an empty body into links without one. A link
 * lives no longer than the credentials it was signed with.
 */
export const s3UploadDoor = (
  client: S3Client,
  { bucket, clock }: { readonly bucket: string; readonly clock: Clock },
): UploadDoor => ({
  async linkTo({ id, sizeBytes, sha256, linkExpiresAt }) {
    const checksum = sha256 === undefined ? undefined : Buffer.from(sha256, 'hex').toString('base64');
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: uploadKeyOf(id),
      ContentLength: sizeBytes,
      ...(checksum === undefined ? {} : { ChecksumSHA256: checksum }),
    });
    const signingDate = new Date(clock.now());
    const url = await getSignedUrl(client, command, {
      expiresIn: linkExpiresAt - Math.floor(clock.now() / 1000),
      signingDate,
      unhoistableHeaders: new Set([CHECKSUM_HEADER]),
    });
    // Not the length: every client sends that by itself, and some refuse to be told it.
    return { url, headers: checksum === undefined ? {} : { [CHECKSUM_HEADER]: checksum } };
  },
});
