/** Refreshes grants: what the sweep queued (SQS), and what a device waits for (invoked by fetch-token). Opens the vault. */
import { dynamodbClient } from '../../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { reloadingIdentityProviders } from '../../../shared/adapters/identity-providers/reloading.ts';
import { refreshHandler } from '../../../shared/adapters/lambda/refresh-handler.ts';
import { powertoolsLog } from '../../../shared/adapters/powertools/powertools-log.ts';
import { secretText } from '../../../shared/adapters/secrets-manager/secret-text.ts';
import { secretsManagerClient } from '../../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { secretsManagerKeyRing } from '../../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { cloudTokenVault } from '../../../shared/adapters/vaults/cloud-token-vault.ts';
import { readCloudEnvironment } from '../../../shared/config/cloud-environment.ts';
import { NO_PROVIDERS } from '../../../shared/config/provider-config.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { makeMaintainGrant } from '../../../shared/usecases/grants/maintain-grants.ts';
import { makeRefreshGrant } from '../../../shared/usecases/grants/refresh-grant.ts';
import { makeWatchAppRegistrations } from '../../../shared/usecases/grants/watch-app-registrations.ts';
import { makeEmptyIdleSlot } from '../../../shared/usecases/pairing/empty-idle-slots.ts';
import { makeGiveUpSlot } from '../../../shared/usecases/pairing/give-up-slot.ts';
import { makeSignOut } from '../../../shared/usecases/sign-in/sign-out.ts';

const env = readCloudEnvironment(process.env, 'BROKER_ACCESS_KEYS_SECRET', 'BROKER_CONFIG_SECRET', 'BROKER_VAULT');
const log = powertoolsLog('refresh-grants', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const secrets = secretsManagerClient();
const accessKeys = secretsManagerKeyRing(secrets, { secretId: env.BROKER_ACCESS_KEYS_SECRET, clock });
const vault = cloudTokenVault(env, { table, secrets, clock });
const loadConfig = () => secretText(secrets, env.BROKER_CONFIG_SECRET, { unlessSet: NO_PROVIDERS });
const providers = await reloadingIdentityProviders({ load: loadConfig, clock, log });
const records = brokerRecords(table, accessKeys, clock, random);
const refreshGrant = makeRefreshGrant({ records, vault, providers, clock, random, log });
const maintainGrant = makeMaintainGrant({ records, refreshGrant, clock, random, log });
const giveUpSlot = makeGiveUpSlot({ records, signOut: makeSignOut({ ...records, vault, clock, random }) });
const emptyIdleSlot = makeEmptyIdleSlot({ records, giveUpSlot, clock });
const watchAppRegistrations = makeWatchAppRegistrations({ ...records, providers, clock, random, log });

export const handler = refreshHandler({ refreshGrant, maintainGrant, emptyIdleSlot, watchAppRegistrations, log });
