/** Devices fetch tokens: one read of the table; no vault, no provider. What must be refreshed, the refresher does. */
import { dynamodbClient } from '../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { httpHandler } from '../../shared/adapters/lambda/http-handler.ts';
import { refresherOnDemand } from '../../shared/adapters/lambda/refresher-on-demand.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { secretsManagerClient } from '../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { secretsManagerKeyRing } from '../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { readCloudEnvironment } from '../../shared/config/cloud-environment.ts';
import { mailServers, parseMailServers } from '../../shared/config/mail-servers.ts';
import { scopeFor } from '../../shared/protocol/scopes.ts';
import { recordsForDevices } from '../../shared/records/for-devices.ts';
import { deviceUseCases } from '../../shared/usecases/devices/device-use-cases.ts';
import { fetchTokenApp } from './app.ts';

const needed = ['BROKER_ACCESS_KEYS_SECRET', 'BROKER_GRANT_QUEUE_URL', 'BROKER_REFRESH_FUNCTION'] as const;
const env = readCloudEnvironment(process.env, ...needed);
const log = powertoolsLog('fetch-token', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const keys = secretsManagerKeyRing(secretsManagerClient(), { secretId: env.BROKER_ACCESS_KEYS_SECRET, clock });
const refresher = refresherOnDemand(async () => {
  const { LambdaClient, lambdaRefresher, sqsClient, sqsSender } = await import('./refreshing.ts');
  const queue = sqsSender(sqsClient(), { queueUrl: env.BROKER_GRANT_QUEUE_URL, fifo: false });
  return lambdaRefresher(new LambdaClient(), env.BROKER_REFRESH_FUNCTION, queue);
});
const serverFor = mailServers(parseMailServers(env.BROKER_MAIL_SERVERS, 'BROKER_MAIL_SERVERS'));
const records = recordsForDevices(table, keys);
const useCases = deviceUseCases({ records, refresher, scopeFor, serverFor, clock, random, log });
const publicUrl = env.BROKER_PUBLIC_URL;

export const handler = httpHandler(fetchTokenApp({ ...useCases, serverFor, publicUrl, log, random }));
