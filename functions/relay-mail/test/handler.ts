/** Tests a mailbox's way to its mail server, invoked by admin, which itself may have no token. No vault, no message store. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { dynamodbClient } from '../../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { lambdaRefresher } from '../../../shared/adapters/lambda/lambda-refresher.ts';
import { testMailboxHandler } from '../../../shared/adapters/lambda/test-mailbox-handler.ts';
import { socketMailProbe } from '../../../shared/adapters/mail-probe/socket-mail-probe.ts';
import { powertoolsLog } from '../../../shared/adapters/powertools/powertools-log.ts';
import { secretsManagerClient } from '../../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { secretsManagerKeyRing } from '../../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { sqsClient } from '../../../shared/adapters/sqs/sqs-client.ts';
import { sqsWorkQueue } from '../../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { readCloudEnvironment } from '../../../shared/config/cloud-environment.ts';
import { mailServers, parseMailServers } from '../../../shared/config/mail-servers.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { composeTestMessage as composeMessage } from '../../../shared/protocol/test-message.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { makeAcquireAccessToken } from '../../../shared/usecases/grants/acquire-access-token.ts';
import { makeTestMailbox } from '../../../shared/usecases/mail/test-mailbox.ts';

const refreshing = ['BROKER_GRANT_QUEUE_URL', 'BROKER_REFRESH_FUNCTION', 'BROKER_ACCESS_KEYS_SECRET'] as const;
const env = readCloudEnvironment(process.env, ...refreshing);
const log = powertoolsLog('test-mailbox', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const keys = secretsManagerKeyRing(secretsManagerClient(), { secretId: env.BROKER_ACCESS_KEYS_SECRET, clock });
const queue = sqsWorkQueue(sqsClient(), { queueUrl: env.BROKER_GRANT_QUEUE_URL, fifo: false });
const refresher = lambdaRefresher(new LambdaClient(), env.BROKER_REFRESH_FUNCTION, queue);
const serverFor = mailServers(parseMailServers(env.BROKER_MAIL_SERVERS, 'BROKER_MAIL_SERVERS'));
const records = brokerRecords(table, keys, clock, random);
const acquireAccessToken = makeAcquireAccessToken({ ...records, refresher, scopeFor, clock, log });
const asking = { records, refresher, acquireAccessToken, clock, random, log };

export const handler = testMailboxHandler(
  makeTestMailbox({ ...asking, probe: socketMailProbe(), serverFor, composeMessage }),
);
