/** The admin API and the console. May delete from the vault (sign-out); refreshes by way of the refresher. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { dynamodbClient } from '../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { httpHandler } from '../../shared/adapters/lambda/http-handler.ts';
import { lambdaMailboxTester } from '../../shared/adapters/lambda/lambda-mailbox-tester.ts';
import { lambdaRefresher } from '../../shared/adapters/lambda/lambda-refresher.ts';
import { relayStores } from '../../shared/adapters/lambda/relay-stores.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { adminSecrets } from '../../shared/adapters/secrets-manager/admin-secrets.ts';
import { secretsManagerClient } from '../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { sqsClient } from '../../shared/adapters/sqs/sqs-client.ts';
import { sqsWorkQueue } from '../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { cloudTokenVault } from '../../shared/adapters/vaults/cloud-token-vault.ts';
import { readCloudEnvironment } from '../../shared/config/cloud-environment.ts';
import { noKeyRing } from '../../shared/ports/key-ring.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { adminUseCases } from '../../shared/usecases/administration/admin-use-cases.ts';
import { adminApp, inTheCloud } from './app.ts';

const asked = ['BROKER_GRANT_QUEUE_URL', 'BROKER_REFRESH_FUNCTION', 'BROKER_TEST_FUNCTION'] as const;
const own = ['BROKER_ADMIN_KEY_SECRET', 'BROKER_WEBHOOK_KEYS_SECRET', 'BROKER_VAULT', 'BROKER_RETENTION_DAYS'] as const;
const env = readCloudEnvironment(process.env, ...asked, ...own, 'BROKER_BLOB_BUCKET', 'BROKER_MAIL_QUEUE_URL');
const log = powertoolsLog('admin', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const secrets = secretsManagerClient();
const vault = cloudTokenVault(env, { table, secrets, clock });
const queue = sqsWorkQueue(sqsClient(), { queueUrl: env.BROKER_GRANT_QUEUE_URL, fifo: false });
const refresher = lambdaRefresher(new LambdaClient(), env.BROKER_REFRESH_FUNCTION, queue);
// One attempt: asked again because the answer was lost, it would send a second message.
const mailboxTester = lambdaMailboxTester(new LambdaClient({ maxAttempts: 1 }), env.BROKER_TEST_FUNCTION);
const named = { adminKey: env.BROKER_ADMIN_KEY_SECRET, webhookKeys: env.BROKER_WEBHOOK_KEYS_SECRET };
const { adminKey, webhookKeys } = await adminSecrets(secrets, { ...named, clock });
const kept = { webhookKeys, retentionDays: env.BROKER_RETENTION_DAYS };
const records = brokerRecords(table, noKeyRing, clock, random, kept);
const common = { table, records, vault, refresher, mailboxTester, ...relayStores(env), adminKey, clock, random, log };
const shown = { ...inTheCloud, publicUrl: env.BROKER_PUBLIC_URL };

export const handler = httpHandler(adminApp({ ...common, ...shown, ...adminUseCases(common) }));
