/** Devices register themselves with an enrolment token. */
import { dynamodbClient } from '../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { httpHandler } from '../../shared/adapters/lambda/http-handler.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { readCloudEnvironment } from '../../shared/config/cloud-environment.ts';
import { noKeyRing } from '../../shared/ports/key-ring.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { countAttempts as attemptCounter } from '../../shared/usecases/devices/count-attempts.ts';
import { makeManageRegistration, makeRegisterDevice } from '../../shared/usecases/devices/register-device.ts';
import { registerDeviceApp } from './app.ts';

const env = readCloudEnvironment(process.env);
const log = powertoolsLog('register-device', env.BROKER_NAME);
const table = dynamodbTable(dynamodbClient(), env.BROKER_TABLE);
const records = brokerRecords(table, noKeyRing, clock, random);
const registerDevice = makeRegisterDevice({ table, records, clock, random });
const manageRegistration = makeManageRegistration({ records, clock, random });
const countAttempts = attemptCounter({ records, clock, log });
const publicUrl = env.BROKER_PUBLIC_URL;

export const handler = httpHandler(
  registerDeviceApp({ registerDevice, manageRegistration, countAttempts, publicUrl, log, random }),
);
