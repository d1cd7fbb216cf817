// The client alone: what is imported at run time comes into a bundle whole, and the package has far more than this.
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { requestLimits } from '../aws/request-limits.ts';

/**
 * The longest request carries one part of 8 MiB (s3-multipart.ts), which takes under a second there. Three attempts fit into the
 * time that a device waits. How slowly content is taken is the taker's affair: this limit ends when its first octets are
 * there, and another sees to the rest (s3-blob-store.ts).
 */
export const s3Client = (options: Pick<S3ClientConfig, 'requestChecksumCalculation'> = {}): S3Client =>
  new S3Client({ ...requestLimits({ attempts: 3, answerMs: 5_000 }), ...options });
