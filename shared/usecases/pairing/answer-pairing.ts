import type { Device, Mailbox, Organization } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { type Pairing, typedUserCode } from '../../domain/pairing.ts';
import type { ProviderName } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { SIGN_IN_SECONDS, type SignIn } from '../../domain/sign-in.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { countAttempts } from '../devices/count-attempts.ts';
import { hashOf, newId } from '../secrets.ts';

/** What a person sees before they decide: which device asks, and for what. */
export interface AskedPairing {
  readonly pairing: Pairing;
  readonly device: Device;
  readonly organization: Organization;
  /** Undefined where the slot has no mailbox yet: that of whoever signs in will be bound to it. */
  readonly mailbox: Mailbox | undefined;
}

/** Microsoft owns most mailboxes of those who print (R1). */
const DEFAULT_PROVIDER: ProviderName = 'microsoft';

const unknown = brokerError('user_code_unknown');

/** A person has typed a device's code. Errors of each: `user_code_unknown`, `too_many_attempts`. */
export const answerPairing = (dependencies: {
  readonly records: Pick<
    Records,
    'pairings' | 'devices' | 'organizations' | 'mailboxes' | 'signIns' | 'attempts' | 'audit'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}) => {
  const { records, clock, random, log } = dependencies;
  const { admit } = countAttempts(dependencies);

  /** Only one that is still open: nobody is told what became of others. */
  const openPairing = async (typed: string): Promise<AskedPairing | undefined> => {
    const code = typedUserCode(typed);
    const pairing = code === undefined ? undefined : await records.pairings.byUserCode(hashOf(code));
    if (pairing?.state !== 'pending' || pairing.expiresAt <= epochSeconds(clock)) return undefined;
    const [device, organization, binding] = await Promise.all([
      records.devices.get(pairing.clientId),
      records.organizations.get(pairing.organizationId),
      records.devices.binding(pairing.clientId, pairing.slot),
    ]);
    if (!device?.enabled || !organization?.enabled) return undefined;
    const mailbox = binding && (await records.mailboxes.get(binding.mailboxId));
    return { pairing, device, organization, mailbox };
  };

  const find = async (typed: string, place: string): Promise<Result<AskedPairing, BrokerError>> => {
    const before = await records.attempts.get(place, 'pairing');
    const found = await openPairing(typed);
    const verdict = { isRight: found !== undefined, refusal: unknown };
    const admitted = await admit({ place, claimed: 'pairing' }, before, verdict);
    if (!admitted.ok) return admitted;
    return found ? ok(found) : fail(unknown);
  };

  const noteDown = ({ organizationId, clientId, slot }: Pairing, action: string): Promise<void> =>
    records.audit.add({ organizationId, by: 'person', action, subject: clientId, detail: slot });

  return {
    find,

    /** The device is told `access_denied`. */
    async cancel(typed: string, place: string): Promise<Result<AskedPairing, BrokerError>> {
      const found = await find(typed, place);
      if (!found.ok) return found;
      if (!(await records.pairings.move(found.value.pairing, { state: 'denied' }))) return fail(unknown);
      await noteDown(found.value.pairing, 'pairing.denied');
      return found;
    },

    /** Makes the sign-in that the person is sent to. `chosen`: the provider, where the device did not say. */
    async agree(typed: string, place: string, chosen: ProviderName | undefined): Promise<Result<SignIn, BrokerError>> {
      const found = await find(typed, place);
      if (!found.ok) return found;
      const { pairing, mailbox } = found.value;
      const { deviceCodeHash, organizationId, loginHint } = pairing;
      const signIn: SignIn = {
        id: newId('sgn', random),
        ...(mailbox ? { mailboxId: mailbox.id } : {}),
        organizationId,
        provider: mailbox?.provider ?? pairing.provider ?? chosen ?? DEFAULT_PROVIDER,
        expiresAt: epochSeconds(clock) + SIGN_IN_SECONDS,
        pairing: { deviceCodeHash, ...(loginHint === undefined ? {} : { loginHint }) },
        state: 'pending',
      };
      await records.signIns.create(signIn);
      await noteDown(pairing, 'pairing.agreed');
      log.info('pairing.agreed', { client_id: pairing.clientId, sign_in_id: signIn.id, provider: signIn.provider });
      return ok(signIn);
    },
  };
};

export type AnswerPairing = ReturnType<typeof answerPairing>;
