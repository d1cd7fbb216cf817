/** Sends accepted mail, one message of a mailbox at a time (SQS FIFO). Gets its tokens like a device does: no vault. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { dynamodbClient } from '../../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { lambdaRefresher } from '../../../shared/adapters/lambda/lambda-refresher.ts';
import { sendMailHandler } from '../../../shared/adapters/lambda/send-mail-handler.ts';
import { nodemailerTransport } from '../../../shared/adapters/nodemailer/nodemailer-transport.ts';
import { powertoolsLog } from '../../../shared/adapters/powertools/powertools-log.ts';
import { s3BlobStore } from '../../../shared/adapters/s3/s3-blob-store.ts';
import { secretsManagerKeyRing } from '../../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { sqsWorkQueue } from '../../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { readCloudEnvironment } from '../../../shared/config/cloud-environment.ts';
import { mailServers, parseMailServers } from '../../../shared/config/mail-servers.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { deviceUseCases } from '../../../shared/usecases/devices/device-use-cases.ts';
import { makeSendSubmission } from '../../../shared/usecases/mail/send-submission.ts';

const refreshing = ['BROKER_GRANT_QUEUE_URL', 'BROKER_REFRESH_FUNCTION', 'BROKER_ACCESS_KEYS_SECRET'] as const;
const env = readCloudEnvironment(process.env, ...refreshing, 'BROKER_BLOB_BUCKET');
const log = powertoolsLog('send-mail');
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const keys = secretsManagerKeyRing(new SecretsManagerClient(), { secretId: env.BROKER_ACCESS_KEYS_SECRET, clock });
const grantQueue = sqsWorkQueue(new SQSClient(), { queueUrl: env.BROKER_GRANT_QUEUE_URL, fifo: false });
const refresher = lambdaRefresher(new LambdaClient(), env.BROKER_REFRESH_FUNCTION, grantQueue);
const blobs = s3BlobStore(new S3Client(), { bucket: env.BROKER_BLOB_BUCKET });
const serverFor = mailServers(parseMailServers(env.BROKER_MAIL_SERVERS, 'BROKER_MAIL_SERVERS'));
const records = brokerRecords(table, keys, clock, random);
const { acquireAccessToken } = deviceUseCases({ records, refresher, scopeFor, serverFor, clock, random, log });
const transport = nodemailerTransport();
const sending = { records, blobs, transport, acquireAccessToken, serverFor, clock, random, log };

export const handler = sendMailHandler(makeSendSubmission(sending), log);
