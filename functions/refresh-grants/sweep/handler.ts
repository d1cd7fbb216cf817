/** Every minute: queues the grants and the outboxes that are due, and forgets mail whose time is over. Opens nothing. */
import { dynamodbClient } from '../../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { sweepHandler } from '../../../shared/adapters/lambda/sweep-handler.ts';
import { powertoolsLog } from '../../../shared/adapters/powertools/powertools-log.ts';
import { s3BlobStore } from '../../../shared/adapters/s3/s3-blob-store.ts';
import { s3Client } from '../../../shared/adapters/s3/s3-client.ts';
import { sqsClient } from '../../../shared/adapters/sqs/sqs-client.ts';
import { sqsWorkQueue } from '../../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { readCloudEnvironment } from '../../../shared/config/cloud-environment.ts';
import { coolDownRecords } from '../../../shared/records/cool-downs.ts';
import { makeSweepGrants } from '../../../shared/usecases/grants/sweep-grants.ts';
import { makeMailSweeps } from '../../../shared/usecases/mail/mail-sweeps.ts';
import { makeSweepIdleSlots } from '../../../shared/usecases/pairing/empty-idle-slots.ts';
import { makeReportDeadLetters } from '../../../shared/usecases/report-dead-letters.ts';

/** A million mailboxes in use want some 280 refreshes a second; twice as many catch up with what was missed. */
const PACE = { periodSeconds: 60, grantsPerSecond: 600 };

const needed = ['BROKER_GRANT_QUEUE_URL', 'BROKER_GRANT_DEAD_LETTERS_URL', 'BROKER_MAIL_QUEUE_URL'] as const;
const ofMail = ['BROKER_MAIL_DEAD_LETTERS_URL', 'BROKER_BLOB_BUCKET', 'BROKER_RETENTION_DAYS'] as const;
const env = readCloudEnvironment(process.env, ...needed, ...ofMail);
const log = powertoolsLog('sweep', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const sqs = sqsClient();
const queueOf = (queueUrl: string, deadLettersUrl: string, fifo: boolean) =>
  sqsWorkQueue(sqs, { queueUrl, deadLettersUrl, fifo });
const grants = queueOf(env.BROKER_GRANT_QUEUE_URL, env.BROKER_GRANT_DEAD_LETTERS_URL, false);
const mail = queueOf(env.BROKER_MAIL_QUEUE_URL, env.BROKER_MAIL_DEAD_LETTERS_URL, true);
const blobs = s3BlobStore(s3Client(), { bucket: env.BROKER_BLOB_BUCKET });
const coolDowns = coolDownRecords(table);
const sweepGrants = makeSweepGrants({ table, coolDowns, queue: grants, clock, log, pace: PACE });
const retentionDays = env.BROKER_RETENTION_DAYS;
const mailSweeps = makeMailSweeps({ table, queue: mail, blobs, retentionDays, clock, log });
const idleSlots = makeSweepIdleSlots({ table, queue: grants, clock });
const deadLetters = makeReportDeadLetters({ queues: { grants, mail }, log });

export const handler = sweepHandler({ deadLetters, grants: sweepGrants, ...mailSweeps, idleSlots }, log);
