import { type Actor, type BrokerError, type ErrorKind, passesByItself } from '../../shared/domain/errors.ts';
import { fail, ok } from '../../shared/domain/result.ts';
import {
  type AttemptFailure,
  type AttemptOutcome,
  blobKeyOf,
  pendingRecipients,
  type Submission,
} from '../../shared/domain/submission.ts';
import type { BlobStore } from '../../shared/ports/blob-store.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';
import { OUTCOMES } from '../../shared/protocol/outcomes.ts';
import type { OpenCourier } from '../../shared/usecases/mail/courier.ts';

/** What is wrong with the message itself, or whose device is gone: it would be refused again. */
const FINAL: readonly ErrorKind[] = [
  'not_a_message',
  'invalid_recipient',
  'sender_not_allowed',
  'message_too_large',
  'invalid_client',
];

/** What it means for a message that the broker does not take it: by who can mend it. */
const refused = (error: BrokerError): AttemptFailure => {
  const { kind: reason, detail: response = error.kind, retryAfterSeconds } = error;
  const wait = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  const actor: Actor = OUTCOMES[reason].actor;
  if (passesByItself(error) || actor === 'nobody') {
    return { outcome: 'deferred', reason, response, mailboxWide: true, ...wait };
  }
  if (FINAL.includes(reason)) return { outcome: 'failed', reason, response };
  if (OUTCOMES[reason].status === 409 && actor !== 'device') return { outcome: 'held', reason, response };
  // A fault of the broker's, of this gateway's or of what is between them: it passes, or is mended.
  return { outcome: 'deferred', reason, response, ...wait };
};

/**
 * Hands messages to the broker's relay, which sends them. To the gateway a message that the relay has is sent: from there on its
 * outcome is the relay's to tell. Asked twice with the same id the relay takes it once, so no outcome is ever unknown.
 */
export const relayCourier =
  ({ link, blobs }: { link: Pick<GatewayLink, 'pass'>; blobs: Pick<BlobStore, 'open'> }): OpenCourier =>
  () => {
    const pass = async (submission: Submission, sizeBytes: number): Promise<AttemptOutcome> => {
      const { id, clientId, slot, mailboxId } = submission;
      const open = async () => {
        const blob = await blobs.open(blobKeyOf(id));
        if (blob === undefined) throw new Error(`the content of ${id} is gone`);
        return blob.stream;
      };
      const passed = await link.pass({
        id,
        clientId,
        slot,
        mailboxId,
        to: pendingRecipients(submission),
        sizeBytes,
        open,
      });
      if (!passed.ok) return refused(passed.error);
      return { outcome: 'sent', response: `Handed over to the relay as ${passed.value.submissionId}.`, refused: [] };
    };

    return {
      close: async () => undefined,
      async prepare(submission) {
        const blob = await blobs.open(blobKeyOf(submission.id));
        if (blob === undefined) {
          const response = 'The stored message is gone.';
          return fail({ outcome: 'failed', reason: 'internal', response, withoutContact: true });
        }
        blob.stream.destroy();
        return ok({ send: () => pass(submission, blob.sizeBytes), drop: () => undefined });
      },
    };
  };
