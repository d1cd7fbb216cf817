import type { Device } from '../domain/entities.ts';
import { isAddress } from '../domain/envelope.ts';
import { type BrokerError, brokerError } from '../domain/errors.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { SENDER_POLICIES, type SenderPolicy, senderPolicyOf } from '../domain/sender-policy.ts';

/** As an administrator names it; both are to be given together. */
export interface WireSenderPolicy {
  readonly sender_policy?: unknown;
  readonly sender_address?: unknown;
}

const wrong = (detail: string) => fail(brokerError('invalid_request', detail));

/** Errors: `invalid_request`, naming the field. */
export const parseSenderPolicy = (fields: WireSenderPolicy): Result<SenderPolicy, BrokerError> => {
  const { sender_policy, sender_address } = fields;
  const name = SENDER_POLICIES.find((known) => known === sender_policy);
  if (name === undefined) return wrong(`sender_policy is one of ${SENDER_POLICIES.join(', ')}.`);
  if (name !== 'configured') {
    return sender_address === undefined
      ? ok({ name })
      : wrong('sender_address goes with sender_policy configured only.');
  }
  const address = typeof sender_address === 'string' ? sender_address.trim() : '';
  return isAddress(address)
    ? ok({ name, address })
    : wrong('sender_address is needed with sender_policy configured, and is a mail address.');
};

export const wireSenderPolicy = (device: Pick<Device, 'senderPolicy'>) => {
  const policy = senderPolicyOf(device);
  return { sender_policy: policy.name, sender_address: policy.name === 'configured' ? policy.address : null };
};
