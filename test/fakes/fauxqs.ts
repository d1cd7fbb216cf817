import type { IncomingHttpHeaders } from 'node:http';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { type Emulator, LOOPBACK_CLIENT } from './aws-json.ts';
import { createQueueWithDeadLetters, type QueueSettings } from './create-queue.ts';

export interface FauxqsEmulator extends Emulator {
  /** With a dead-letter queue of its own, named `<name>-dead`. */
  createQueue(
    name: string,
    settings: QueueSettings,
  ): Promise<{ readonly queueUrl: string; readonly deadLettersUrl: string }>;
  createBucket(bucket: string): Promise<void>;
}

/** One request to SQS or S3. */
export interface FauxqsRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/**
 * SQS and S3. Kinder than AWS: no signature, presign expiry or POST policy is looked at, bodies end at 11 MiB, and a
 * FIFO receive gives one message of a group where AWS may give several. What `isDenied` says yes to is answered 403.
 */
export const startFauxqs = async (
  isDenied: (request: FauxqsRequest) => boolean = () => false,
): Promise<FauxqsEmulator> => {
  const app = buildApp({ logger: false }); // not its own `startFauxqs`, which listens on all addresses
  app.addHook('preHandler', async ({ method, url, headers, body }, reply) => {
    if (!isDenied({ method, url, headers, body })) return;
    await reply.code(403).header('x-amzn-errortype', 'AccessDenied').send({ __type: 'AccessDenied' });
  });
  const endpoint = await app.listen({ host: '127.0.0.1', port: 0 });
  const sqs = new SQSClient({ ...LOOPBACK_CLIENT, endpoint });
  const s3 = new S3Client({ ...LOOPBACK_CLIENT, endpoint, forcePathStyle: true });

  return {
    endpoint,
    createQueue: (name, settings) => createQueueWithDeadLetters(sqs, name, settings),
    async createBucket(bucket) {
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    },
    async close() {
      sqs.destroy();
      s3.destroy();
      await app.close();
    },
  };
};
