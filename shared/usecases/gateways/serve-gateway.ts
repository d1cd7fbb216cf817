import type { BrokerError } from '../../domain/errors.ts';
import type { GatewayIdentity } from '../../domain/gateway.ts';
import type { ProviderName } from '../../domain/provider.ts';
import type { Result } from '../../domain/result.ts';
import type { GatewayLink } from '../../ports/gateway-link.ts';
import type { Records } from '../../records/index.ts';
import type { CheckDevice } from '../devices/authenticate-device.ts';
import type { ServerFor } from '../devices/fetch-token.ts';
import type { AcquireAccessToken } from '../grants/acquire-access-token.ts';
import type { TakeMessageDependencies } from '../mail/take-message.ts';
import { makeAdmitDevice } from './admit-device.ts';
import { makeGatewayPace } from './gateway-pace.ts';
import { makePassMessage, type PassedAlong } from './pass-message.ts';
import { makeTakeReport } from './take-report.ts';
import { makeTokenForGateway } from './token-for-gateway.ts';

export interface ServeGatewayDependencies extends TakeMessageDependencies {
  readonly records: Records;
  readonly checkDevice: CheckDevice;
  readonly acquireAccessToken: AcquireAccessToken;
  readonly serverFor: ServerFor;
  readonly apiFor: (provider: ProviderName) => string;
}

/** The link, and what its other end at the broker has besides. */
export interface ServedGateway extends GatewayLink {
  /** Also what came in the request itself, or was uploaded with the gateway's credential. */
  pass(message: PassedAlong): Promise<Result<{ readonly submissionId: string }, BrokerError>>;
}

/** What the broker does for one gateway, whoever it has proven to be. Composed once; cheap to call for each request. */
export const makeServeGateway = (
  dependencies: ServeGatewayDependencies,
): ((gateway: GatewayIdentity) => ServedGateway) => {
  const admit = makeAdmitDevice(dependencies);
  const token = makeTokenForGateway(dependencies);
  const pace = makeGatewayPace(dependencies);
  const pass = makePassMessage(dependencies);
  const report = makeTakeReport(dependencies);
  return (gateway) => ({
    admit: admit(gateway),
    token: token(gateway),
    pace: pace(gateway),
    pass: pass(gateway),
    report: report(gateway),
  });
};

export type ServeGateway = ReturnType<typeof makeServeGateway>;
