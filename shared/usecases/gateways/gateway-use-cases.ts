import type { Refresher } from '../../ports/refresher.ts';
import { deviceAuthentication } from '../devices/authenticate-device.ts';
import { makeAcquireAccessToken, type ScopeFor } from '../grants/acquire-access-token.ts';
import { makeServeGateway, type ServeGatewayDependencies } from './serve-gateway.ts';

/** What the function for gateways is made of. */
export const gatewayUseCases = (
  dependencies: Omit<ServeGatewayDependencies, 'checkDevice' | 'acquireAccessToken'> & {
    readonly refresher: Refresher;
    readonly scopeFor: ScopeFor;
  },
) => {
  const { checkDevice, authenticateDevice } = deviceAuthentication(dependencies);
  const acquireAccessToken = makeAcquireAccessToken({ ...dependencies, grants: dependencies.records.grants });
  return { authenticateDevice, serveGateway: makeServeGateway({ ...dependencies, checkDevice, acquireAccessToken }) };
};
