import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Refresher } from '../../ports/refresher.ts';
import type { RecordsForDevices } from '../../records/for-devices.ts';
import { makeDescribeMailbox } from '../describe-mailbox.ts';
import { makeAcquireAccessToken, type ScopeFor } from '../grants/acquire-access-token.ts';
import { makeRedeemDeviceCode } from '../pairing/redeem-device-code.ts';
import { makeRedeemRefreshToken, refreshTokenMaker } from '../pairing/redeem-refresh-token.ts';
import { deviceAuthentication } from './authenticate-device.ts';
import { makeFetchToken, type ServerFor } from './fetch-token.ts';
import { makeReadDeviceStatus } from './read-device-status.ts';

/** The use cases that serve devices, built once for every composition. None of them can reach the vault. */
export const deviceUseCases = (dependencies: {
  readonly records: RecordsForDevices;
  readonly refresher: Refresher;
  readonly scopeFor: ScopeFor;
  readonly serverFor: ServerFor;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}) => {
  const { records, clock, log } = dependencies;
  const acquireAccessToken = makeAcquireAccessToken({ ...dependencies, grants: records.grants });
  const { checkDevice, authenticateDevice } = deviceAuthentication(dependencies);
  const describeMailbox = makeDescribeMailbox({ grants: records.grants, clock });
  const fetchToken = makeFetchToken({ ...dependencies, checkDevice, acquireAccessToken, log });
  const issuing = { ...dependencies, authenticateDevice, fetchToken };
  return {
    acquireAccessToken,
    checkDevice,
    authenticateDevice,
    describeMailbox,
    fetchToken,
    redeemDeviceCode: makeRedeemDeviceCode({ ...issuing, makeRefreshToken: refreshTokenMaker(dependencies) }),
    redeemRefreshToken: makeRedeemRefreshToken(issuing),
    readDeviceStatus: makeReadDeviceStatus({ records, authenticateDevice, describeMailbox }),
  };
};
