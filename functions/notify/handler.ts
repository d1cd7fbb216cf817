/** Every minute: tells people of what they must mend, by webhook, and by mail through the relay. Opens no vault. */
import { dynamodbClient } from '../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { sweepHandler } from '../../shared/adapters/lambda/sweep-handler.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { s3BlobStore } from '../../shared/adapters/s3/s3-blob-store.ts';
import { s3Client } from '../../shared/adapters/s3/s3-client.ts';
import { secretsManagerClient } from '../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { secretsManagerKeyRing } from '../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { sqsClient } from '../../shared/adapters/sqs/sqs-client.ts';
import { sqsWorkQueue } from '../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { httpWebhookSender } from '../../shared/adapters/webhook/http-webhook-sender.ts';
import { readCloudEnvironment } from '../../shared/config/cloud-environment.ts';
import { noKeyRing } from '../../shared/ports/key-ring.ts';
import { noticeWording as wording } from '../../shared/protocol/notice-mail.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { makeSweepNotices } from '../../shared/usecases/notices/sweep-notices.ts';

const needed = ['BROKER_WEBHOOK_KEYS_SECRET', 'BROKER_BLOB_BUCKET', 'BROKER_MAIL_QUEUE_URL'] as const;
const settings = ['BROKER_NOTICE_MAILBOX', 'BROKER_PRIVATE_WEBHOOKS', 'BROKER_RETENTION_DAYS'] as const;
const env = readCloudEnvironment(process.env, ...needed, ...settings);
const log = powertoolsLog('notify', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const webhookKeys = secretsManagerKeyRing(secretsManagerClient(), {
  secretId: env.BROKER_WEBHOOK_KEYS_SECRET,
  clock,
});
const kept = { webhookKeys, retentionDays: env.BROKER_RETENTION_DAYS };
const records = brokerRecords(table, noKeyRing, clock, random, kept);
const blobs = s3BlobStore(s3Client(), { bucket: env.BROKER_BLOB_BUCKET });
const queue = sqsWorkQueue(sqsClient(), { queueUrl: env.BROKER_MAIL_QUEUE_URL, fifo: true });
const webhooks = httpWebhookSender({ allowsPrivate: env.BROKER_PRIVATE_WEBHOOKS === 'allow' });
const operatorMailboxId = env.BROKER_NOTICE_MAILBOX === 'none' ? undefined : env.BROKER_NOTICE_MAILBOX;
const publicUrl = env.BROKER_PUBLIC_URL;
const telling = { webhooks, wording, blobs, queue, operatorMailboxId, publicUrl, clock, random, log };

export const handler = sweepHandler({ notices: makeSweepNotices({ table, records, ...telling }) }, log);
