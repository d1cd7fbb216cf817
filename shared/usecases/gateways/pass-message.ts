import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { type GatewayIdentity, SERVED_SECONDS } from '../../domain/gateway.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { PassedMessage } from '../../ports/gateway-link.ts';
import type { Records } from '../../records/index.ts';
import type { IdempotencyKey } from '../../records/submissions.ts';
import type { HandedInContent, HandedInStream } from '../mail/handed-in.ts';
import { makeTakeMessage, type TakeMessageDependencies } from '../mail/take-message.ts';
import { hashOf } from '../secrets.ts';
import { makeIsEnabled, makeServedMailbox } from './served-mailbox.ts';

/** A passed message, whatever holds its content: in this process, in a request, or uploaded by the gateway. */
export type PassedAlong = Omit<PassedMessage, 'sizeBytes' | 'open'> & (HandedInContent | HandedInStream);

/** By its id alone: a gateway gives every message one of its own, and repeats it for as long as the message may wait there. */
const keyOf = (gatewayId: string, id: string): IdempotencyKey => ({
  hash: hashOf(JSON.stringify(['gateway', gatewayId, id])),
  fingerprints: [hashOf(id)],
  keptSeconds: SERVED_SECONDS,
});

/**
 * Takes a message from a gateway into the relay (`GatewayLink.pass`), on behalf of the device that it had it from. The gateway
 * has told the device that it will be sent: so it counts no more whether the device is enabled now, or is bound to another
 * mailbox, or whether the mailbox was signed out since, for which it is held.
 */
export const makePassMessage = (
  dependencies: TakeMessageDependencies & {
    readonly records: Pick<Records, 'gateways' | 'mailboxes' | 'organizations' | 'devices' | 'submissions' | 'uploads'>;
  },
) => {
  const { records } = dependencies;
  const served = makeServedMailbox(dependencies);
  const isEnabled = makeIsEnabled(dependencies);
  const { take, removeUploadOf } = makeTakeMessage(dependencies);

  return (gateway: GatewayIdentity) =>
    async (passed: PassedAlong): Promise<Result<{ readonly submissionId: string }, BrokerError>> => {
      const { id, clientId, slot, mailboxId, to } = passed;
      const mailbox = await served(gateway, mailboxId);
      if (!mailbox.ok) return mailbox;
      const { organizationId } = mailbox.value;
      const [enabled, device] = await Promise.all([isEnabled(organizationId), records.devices.get(clientId)]);
      if (!enabled.ok) return enabled;
      if (device?.organizationId !== organizationId) return fail(brokerError('invalid_client'));
      const { gatewayId } = gateway;
      const from = { device, mailbox: mailbox.value, slot, key: keyOf(gatewayId, id), uploader: gatewayId };
      const message = { content: passed, envelopeTo: to.join(',') };
      const taken = await take(message, from);
      if (!taken.ok) return taken;
      await removeUploadOf(message, from);
      return ok({ submissionId: taken.value.id });
    };
};
