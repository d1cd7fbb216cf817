import type { Devices, SignInAttempt } from '../../gateway/access/devices.ts';
import type { SmtpMetrics } from '../../gateway/smtp/options.ts';
import type { IncomingMail, Intake } from '../../gateway/spool/intake.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';

export const servedDevice = (clientId: string, changes: Partial<ServedDevice> = {}): ServedDevice => ({
  clientId,
  organizationId: 'org_1',
  metadata: { clientName: `Printer ${clientId}` },
  slot: 'scan',
  mailbox: { id: 'mbx_1', organizationId: 'org_1', provider: 'microsoft', address: 'scan@office.example', aliases: [] },
  ...changes,
});

export interface FakeDevices extends Devices {
  readonly attempts: readonly SignInAttempt[];
  add(password: string, device: ServedDevice): void;
  list(address: string, result: Result<ServedDevice, BrokerError>): void;
  /** Each sign-in from now on fails so; undefined: as it should be. */
  failWith(error: BrokerError | undefined): void;
  /** The same for what is a bug. */
  throwing(error: Error | undefined): void;
}

/** Devices in memory, which know each letter case of a name. */
export const fakeDevices = (): FakeDevices => {
  const known = new Map<string, { readonly password: string; readonly device: ServedDevice }>();
  const listed = new Map<string, Result<ServedDevice, BrokerError>>();
  const attempts: SignInAttempt[] = [];
  let failure: BrokerError | undefined;
  let bug: Error | undefined;
  return {
    attempts,
    add: (password, device) => void known.set(device.clientId, { password, device }),
    list: (address, result) => void listed.set(address, result),
    failWith: (error) => {
      failure = error;
    },
    throwing: (error) => {
      bug = error;
    },
    async signIn(attempt) {
      attempts.push(attempt);
      if (bug) throw bug;
      if (failure) return fail(failure);
      const [clientId = '', slot = attempt.defaultSlot] = attempt.user.toLowerCase().split('+');
      const found = known.get(clientId);
      if (found?.password !== attempt.password) return fail(brokerError('invalid_client'));
      return ok({ ...found.device, slot });
    },
    listed: async (address) => listed.get(address),
  };
};

export interface AcceptedMail {
  readonly id: string;
  readonly clientId: string;
  readonly slot: string;
  readonly mailFrom: string;
  readonly to: readonly string[];
  /** As it came, or its beginning. */
  readonly content: Buffer;
  readonly sizeBytes: number;
}

export interface FakeIntake extends Intake {
  readonly accepted: readonly AcceptedMail[];
  /** Messages that began and broke off. */
  brokenOff(): number;
  readonly announced: readonly (number | undefined)[];
  refuse(step: 'admits' | 'take', error: BrokerError | undefined): void;
  throwing(error: Error | undefined): void;
  /** Nothing is accepted before this resolves. */
  holdUntil(gate: Promise<void>): void;
}

/** Of more than this the fake keeps the beginning alone, so that a test can measure memory. */
const KEPT_BYTES = 1024 * 1024;

const noted = async (id: string, { device, mailFrom, to, content }: IncomingMail): Promise<AcceptedMail> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of content) {
    if (sizeBytes < KEPT_BYTES) chunks.push(chunk);
    sizeBytes += chunk.length;
  }
  const { clientId, slot } = device;
  return { id, clientId, slot, mailFrom, to, content: Buffer.concat(chunks), sizeBytes };
};

/** An intake in memory. */
export const fakeIntake = (): FakeIntake => {
  const accepted: AcceptedMail[] = [];
  const announced: (number | undefined)[] = [];
  const refusals: { admits?: BrokerError; take?: BrokerError } = {};
  let brokenOff = 0;
  let begun = 0;
  let bug: Error | undefined;
  let gate = Promise.resolve();
  return {
    accepted,
    announced,
    brokenOff: () => brokenOff,
    refuse(step, error) {
      if (error) refusals[step] = error;
      else delete refusals[step];
    },
    throwing: (error) => {
      bug = error;
    },
    holdUntil: (until) => {
      gate = until;
    },
    async admits(_device, announcedBytes) {
      announced.push(announcedBytes);
      return refusals.admits ? fail(refusals.admits) : ok(undefined);
    },
    async take(mail) {
      if (bug) throw bug;
      begun += 1;
      const id = `sub_${String(begun).padStart(4, '0')}`;
      const mailTaken = await noted(id, mail).catch((error: unknown) => {
        brokenOff += 1;
        throw error;
      });
      await gate;
      if (refusals.take) return fail(refusals.take);
      accepted.push(mailTaken);
      return ok({ id });
    },
  };
};

export interface CountedMetrics extends SmtpMetrics {
  count(name: string): number;
}

/** Counts by `signIn accepted`. */
export const countedMetrics = (): CountedMetrics => {
  const counts = new Map<string, number>();
  const counter = (name: string) => (outcome: string) =>
    void counts.set(`${name} ${outcome}`, (counts.get(`${name} ${outcome}`) ?? 0) + 1);
  return {
    count: (name) => counts.get(name) ?? 0,
    connection: counter('connection'),
    handshake: counter('handshake'),
    signIn: counter('signIn'),
    message: counter('message'),
  };
};
