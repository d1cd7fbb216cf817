/** The admin API and the console. May delete from the vault (sign-out); refreshes by way of the refresher. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { realProviders } from '../../console/view.ts';
import { dynamodbClient } from '../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { httpHandler } from '../../shared/adapters/lambda/http-handler.ts';
import { lambdaRefresher } from '../../shared/adapters/lambda/lambda-refresher.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { secretText } from '../../shared/adapters/secrets-manager/secret-text.ts';
import { secretsManagerClient } from '../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { sqsWorkQueue } from '../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { cloudTokenVault } from '../../shared/adapters/vaults/cloud-token-vault.ts';
import { parseAdminKey } from '../../shared/config/admin-key.ts';
import { readCloudEnvironment } from '../../shared/config/cloud-environment.ts';
import { VERSION } from '../../shared/config/version.ts';
import { noKeyRing } from '../../shared/ports/key-ring.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { adminUseCases } from '../../shared/usecases/administration/admin-use-cases.ts';
import { adminApp } from './app.ts';

const queues = ['BROKER_GRANT_QUEUE_URL', 'BROKER_REFRESH_FUNCTION'] as const;
const env = readCloudEnvironment(process.env, ...queues, 'BROKER_ADMIN_KEY_SECRET', 'BROKER_VAULT');
const log = powertoolsLog('admin');
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const secrets = secretsManagerClient();
const vault = cloudTokenVault(env, { table, secrets, clock });
const queue = sqsWorkQueue(new SQSClient(), { queueUrl: env.BROKER_GRANT_QUEUE_URL, fifo: false });
const refresher = lambdaRefresher(new LambdaClient(), env.BROKER_REFRESH_FUNCTION, queue);
const records = brokerRecords(table, noKeyRing, clock, random);
const adminKey = parseAdminKey(await secretText(secrets, env.BROKER_ADMIN_KEY_SECRET), 'The admin key secret');
const common = { table, records, vault, refresher, adminKey, clock, random, log };
const shown = { secureCookies: true, publicUrl: env.BROKER_PUBLIC_URL, version: VERSION, providers: realProviders };

export const handler = httpHandler(adminApp({ ...common, ...shown, ...adminUseCases(common) }));
