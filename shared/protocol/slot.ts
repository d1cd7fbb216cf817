import { type BrokerError, brokerError } from '../domain/errors.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { DEFAULT_SLOT, slotNamed } from '../domain/slot.ts';

/** The parameter `slot` of a request. */
export const parseSlot = (text: string = DEFAULT_SLOT): Result<string, BrokerError> => {
  const slot = slotNamed(text);
  if (slot !== undefined) return ok(slot);
  return fail(brokerError('invalid_request', 'slot is scan, alerts, fax, receive or user:<login>.'));
};
