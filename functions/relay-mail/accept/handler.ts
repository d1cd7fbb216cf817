/** Takes mail from devices: durable in the bucket and the table before the 202. */
import { dynamodbClient } from '../../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { httpHandler } from '../../../shared/adapters/lambda/http-handler.ts';
import { mimeMessageFormat as messageFormat } from '../../../shared/adapters/mime/mime-message-format.ts';
import { powertoolsLog } from '../../../shared/adapters/powertools/powertools-log.ts';
import { s3BlobStore } from '../../../shared/adapters/s3/s3-blob-store.ts';
import { s3Client } from '../../../shared/adapters/s3/s3-client.ts';
import { s3UploadDoor } from '../../../shared/adapters/s3/s3-upload-door.ts';
import { sqsClient } from '../../../shared/adapters/sqs/sqs-client.ts';
import { sqsWorkQueue } from '../../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { readCloudEnvironment } from '../../../shared/config/cloud-environment.ts';
import { noKeyRing } from '../../../shared/ports/key-ring.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { deviceAuthentication } from '../../../shared/usecases/devices/authenticate-device.ts';
import { makeAcceptMessage } from '../../../shared/usecases/mail/accept-message.ts';
import { makeBeginUpload } from '../../../shared/usecases/mail/begin-upload.ts';
import { makeReadSubmission } from '../../../shared/usecases/mail/read-submission.ts';
import { acceptMailApp } from './app.ts';

const needed = ['BROKER_BLOB_BUCKET', 'BROKER_MAIL_QUEUE_URL', 'BROKER_RETENTION_DAYS'] as const;
const env = readCloudEnvironment(process.env, ...needed);
const log = powertoolsLog('accept-mail', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const bucket = env.BROKER_BLOB_BUCKET;
const blobs = s3BlobStore(s3Client(), { bucket });
const uploadDoor = s3UploadDoor(s3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' }), { bucket, clock });
const queue = sqsWorkQueue(sqsClient(), { queueUrl: env.BROKER_MAIL_QUEUE_URL, fifo: true });
const records = brokerRecords(table, noKeyRing, clock, random, { retentionDays: env.BROKER_RETENTION_DAYS });
const { checkDevice, authenticateDevice } = deviceAuthentication({ records, clock, log });
const acceptMessage = makeAcceptMessage({ records, checkDevice, blobs, queue, messageFormat, clock, random, log });
const beginUpload = makeBeginUpload({ records, authenticateDevice, uploadDoor, clock, random });
const readSubmission = makeReadSubmission(records);
const useCases = { acceptMessage, beginUpload, authenticateDevice, readSubmission };

export const handler = httpHandler(acceptMailApp({ ...useCases, log, random }));
