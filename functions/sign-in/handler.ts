/** Mailboxes are signed in by redirect. May write the vault, and refreshes once to prove the new grant. */
import { dynamodbClient } from '../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { reloadingIdentityProviders } from '../../shared/adapters/identity-providers/reloading.ts';
import { httpHandler } from '../../shared/adapters/lambda/http-handler.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { secretText } from '../../shared/adapters/secrets-manager/secret-text.ts';
import { secretsManagerClient } from '../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { secretsManagerKeyRing } from '../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { sqsClient } from '../../shared/adapters/sqs/sqs-client.ts';
import { sqsWorkQueue } from '../../shared/adapters/sqs/sqs-work-queue.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { cloudTokenVault } from '../../shared/adapters/vaults/cloud-token-vault.ts';
import { readCloudEnvironment } from '../../shared/config/cloud-environment.ts';
import { NO_PROVIDERS } from '../../shared/config/provider-config.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { signInUseCases } from '../../shared/usecases/sign-in/sign-in-use-cases.ts';
import { signInApp } from './app.ts';

const needed = ['BROKER_ACCESS_KEYS_SECRET', 'BROKER_CONFIG_SECRET', 'BROKER_VAULT', 'BROKER_MAIL_QUEUE_URL'] as const;
const env = readCloudEnvironment(process.env, ...needed);
const log = powertoolsLog('sign-in', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const secrets = secretsManagerClient();
const keys = secretsManagerKeyRing(secrets, { secretId: env.BROKER_ACCESS_KEYS_SECRET, clock });
const vault = cloudTokenVault(env, { table, secrets, clock });
const loadConfig = () => secretText(secrets, env.BROKER_CONFIG_SECRET, { unlessSet: NO_PROVIDERS });
const providers = await reloadingIdentityProviders({ load: loadConfig, clock, log });
const mailQueue = sqsWorkQueue(sqsClient(), { queueUrl: env.BROKER_MAIL_QUEUE_URL, fifo: true });
const records = brokerRecords(table, keys, clock, random);
const publicUrl = env.BROKER_PUBLIC_URL;
const shared = { records, vault, providers, attemptKeys: keys, publicUrl, clock, random, log };

export const handler = httpHandler(signInApp({ ...signInUseCases({ ...shared, mailQueue }), publicUrl, log, random }));
