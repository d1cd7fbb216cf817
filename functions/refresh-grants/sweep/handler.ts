/** Every minute: queues the grants and the submissions that are due. Reads an index, opens nothing. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { powertoolsLog } from '../../../shared/adapters/powertools/powertools-log.ts';
import { sqsWorkQueue } from '../../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { readCloudEnvironment } from '../../../shared/config/cloud-environment.ts';
import { submissionRecords } from '../../../shared/records/submissions.ts';
import { makeSweepGrants } from '../../../shared/usecases/maintain-grants.ts';
import { makeSweepSubmissions } from '../../../shared/usecases/requeue-submissions.ts';

const env = readCloudEnvironment(process.env, 'BROKER_GRANT_QUEUE_URL', 'BROKER_MAIL_QUEUE_URL');
const log = powertoolsLog('sweep');
const table = dynamodbTable(new DynamoDBClient(), env.BROKER_TABLE);
const sqs = new SQSClient();
const grantQueue = sqsWorkQueue(sqs, { queueUrl: env.BROKER_GRANT_QUEUE_URL, fifo: false });
const mailQueue = sqsWorkQueue(sqs, { queueUrl: env.BROKER_MAIL_QUEUE_URL, fifo: true });
const submissions = submissionRecords(table);
const sweepGrants = makeSweepGrants({ table, queue: grantQueue, clock, log });
const sweepSubmissions = makeSweepSubmissions({ table, submissions, queue: mailQueue, clock, log });

export const handler = async (): Promise<{ grants: number; submissions: number }> => ({
  grants: await sweepGrants(),
  submissions: await sweepSubmissions(),
});
