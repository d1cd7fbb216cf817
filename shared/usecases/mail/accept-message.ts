import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, type Result } from '../../domain/result.ts';
import type { Submission } from '../../domain/submission.ts';
import { epochSeconds } from '../../ports/clock.ts';
import type { DeviceAccess } from '../../records/device-access.ts';
import type { Records } from '../../records/index.ts';
import type { IdempotencyKey } from '../../records/submissions.ts';
import type { CheckDevice, DeviceCredential } from '../devices/authenticate-device.ts';
import { makeRecordUse } from '../devices/record-use.ts';
import { hashOf } from '../secrets.ts';
import type { HandedInContent } from './handed-in.ts';
import { makeTakeMessage, type TakeMessageDependencies } from './take-message.ts';

export type HandedInMessage = DeviceCredential &
  HandedInContent & {
    readonly slot: string;
    /** `X-Envelope-To`; without it the message's own To, Cc and Bcc. */
    readonly envelopeTo: string | undefined;
    /** Without it that of an upload is the upload's id. */
    readonly idempotencyKey: string | undefined;
  };

/** Takes responsibility for a message that a device hands in with its own credential (`makeTakeMessage`). */
export const makeAcceptMessage = (
  dependencies: TakeMessageDependencies & {
    readonly records: Pick<Records, 'deviceAccess' | 'submissions' | 'uploads'>;
    readonly checkDevice: CheckDevice;
  },
) => {
  const { records, checkDevice, clock, log } = dependencies;
  const recordUseOfBinding = makeRecordUse({ records, clock });
  const { take, removeUploadOf } = makeTakeMessage(dependencies);

  const recordUse = (access: DeviceAccess): Promise<unknown> =>
    recordUseOfBinding(access).catch((error: unknown) => {
      // The message is safe; that the slot was used can be noted the next time.
      log.warn('submission.use_not_recorded', { mailbox_id: access.mailbox?.id, error: String(error) });
    });

  /**
   * By what a repeat is known. An upload is gone once it was handed in, and a repeat may name it or one made anew; so it is
   * known by its id, and by the SHA-256 that was announced.
   */
  const keyOf = async (handedIn: HandedInMessage): Promise<IdempotencyKey | undefined> => {
    const { clientId, slot, envelopeTo = null } = handedIn;
    const uploadId = 'uploadId' in handedIn ? handedIn.uploadId : undefined;
    const key = handedIn.idempotencyKey ?? uploadId;
    if (key === undefined) return undefined;
    const upload = uploadId === undefined ? undefined : await records.uploads.get(uploadId, epochSeconds(clock));
    const announced = upload?.clientId === clientId ? upload.sha256 : undefined;
    const contents = 'message' in handedIn ? [hashOf(handedIn.message)] : [handedIn.uploadId, announced];
    return {
      hash: hashOf(key),
      fingerprints: contents
        .filter((content) => content !== undefined)
        .map((content) => hashOf(JSON.stringify([slot, envelopeTo, content]))),
    };
  };

  return async (handedIn: HandedInMessage): Promise<Result<Submission, BrokerError>> => {
    const { clientId, slot } = handedIn;
    const access = await records.deviceAccess.read({ ...handedIn, audience: 'smtp' });
    const device = await checkDevice(handedIn, access);
    if (!device.ok) return device;
    const { mailbox } = access;
    if (!mailbox || mailbox.organizationId !== device.value.organizationId) {
      return fail(brokerError('slot_not_bound', `Slot "${slot}" has no mailbox.`));
    }
    // A lapsed sign-in holds the mail for its return; a mailbox that nobody signed in was never meant to send.
    const { state } = access.grant.grant;
    if (state === 'never' || state === 'signed_out') {
      return fail(brokerError(state === 'never' ? 'not_signed_in' : 'signed_out'));
    }
    const from = { device: device.value, mailbox, slot, key: await keyOf(handedIn), uploader: clientId };
    const message = { content: handedIn, envelopeTo: handedIn.envelopeTo };
    const taken = await take(message, from);
    if (!taken.ok) return taken;
    await recordUse(access);
    await removeUploadOf(message, from);
    return taken;
  };
};

export type AcceptMessage = ReturnType<typeof makeAcceptMessage>;
