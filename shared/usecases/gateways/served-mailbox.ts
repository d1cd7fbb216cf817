import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import type { GatewayIdentity } from '../../domain/gateway.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';

export interface ServedDependencies {
  readonly records: Pick<Records, 'gateways' | 'mailboxes'>;
  readonly clock: Clock;
}

const notServed = fail(brokerError('slot_not_bound', 'No device has proven itself for this mailbox at this gateway.'));

/** The mailbox, if the gateway may use it: a device has proven itself for it there, and not too long ago. */
export const makeServedMailbox =
  ({ records, clock }: ServedDependencies) =>
  async ({ gatewayId, organizationId }: GatewayIdentity, mailboxId: string): Promise<Result<Mailbox, BrokerError>> => {
    const [serving, mailbox] = await Promise.all([
      records.gateways.serving(gatewayId, mailboxId, epochSeconds(clock)),
      records.mailboxes.get(mailboxId),
    ]);
    if (!serving || !mailbox || mailbox.organizationId !== serving.organizationId) return notServed;
    return organizationId === undefined || organizationId === mailbox.organizationId ? ok(mailbox) : notServed;
  };

export type ServedMailboxOf = ReturnType<typeof makeServedMailbox>;

/**
 * Nothing is done any more for an organization that was disabled; its own gateways are refused as it is. What a gateway has of
 * it waits, as where the broker cannot be reached.
 */
export const makeIsEnabled =
  ({ records }: { readonly records: Pick<Records, 'organizations'> }) =>
  async (organizationId: string): Promise<Result<undefined, BrokerError>> => {
    const organization = await records.organizations.get(organizationId);
    return organization?.enabled
      ? ok(undefined)
      : fail(brokerError('broker_unreachable', 'The organization is disabled at the broker.'));
  };
