import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { type GatewayDescription, LOCAL_GATEWAY_ID } from '../../domain/gateway.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { RecordsWithin } from './reach.ts';

/** The gateways that have reported, as they fare. One whose device was removed is no more. */
export const gatewayAdministration = ({
  records: { organizations, devices, gateways },
  clock,
}: {
  readonly records: Pick<RecordsWithin, 'organizations' | 'devices' | 'gateways'>;
  readonly clock: Clock;
}) => {
  const ofOrganization = async (organizationId: string): Promise<readonly GatewayDescription[]> => {
    const found = await gateways.list(organizationId, epochSeconds(clock));
    const owners = await Promise.all(found.map(({ gatewayId }) => devices.get(gatewayId)));
    return found.flatMap((record, index) => {
      const device = owners[index];
      return device ? [{ ...record, organizationId, name: device.metadata.clientName }] : [];
    });
  };

  /** It serves all organizations; without a key for all it is not there. */
  const ofBroker = async (): Promise<readonly GatewayDescription[]> => {
    const found = await gateways.list(undefined, epochSeconds(clock));
    const local = found.filter(({ gatewayId }) => gatewayId === LOCAL_GATEWAY_ID);
    return local.map((record) => ({ ...record, organizationId: undefined, name: undefined }));
  };

  return {
    ofBroker,

    /** Of one organization, and the one that is for all. */
    async list(organizationId: string): Promise<Result<readonly GatewayDescription[], BrokerError>> {
      const organization = await organizations.get(organizationId);
      if (organization === undefined) return fail(brokerError('not_found', 'No such organization.'));
      return ok([...(await ofOrganization(organizationId)), ...(await ofBroker())]);
    },

    /** Of all these, and the one that is for all. */
    async listAll(organizationIds: readonly string[]): Promise<readonly GatewayDescription[]> {
      const found = await Promise.all([...organizationIds.map(ofOrganization), ofBroker()]);
      return found.flat();
    },
  };
};

export type GatewayAdministration = ReturnType<typeof gatewayAdministration>;
