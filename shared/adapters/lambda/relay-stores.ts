import { s3BlobStore } from '../s3/s3-blob-store.ts';
import { s3Client } from '../s3/s3-client.ts';
import { sqsClient } from '../sqs/sqs-client.ts';
import { sqsWorkQueue } from '../sqs/sqs-work-queue.ts';

/** Where the relay keeps its messages, and its workers are called, for a function that has to do with both now and then. */
export const relayStores = (env: { readonly BROKER_BLOB_BUCKET: string; readonly BROKER_MAIL_QUEUE_URL: string }) => ({
  blobs: s3BlobStore(s3Client(), { bucket: env.BROKER_BLOB_BUCKET }),
  mailQueue: sqsWorkQueue(sqsClient(), { queueUrl: env.BROKER_MAIL_QUEUE_URL, fifo: true }),
});
