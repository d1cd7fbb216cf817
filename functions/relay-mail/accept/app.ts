import type { Hono } from 'hono';
import * as v from 'valibot';
import {
  type AnyContext,
  type BrokerEnv,
  brokerApp,
  replyError,
  replyResult,
} from '../../../shared/adapters/http/app.ts';
import { readJsonAs, readQuery } from '../../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../../shared/adapters/http/place.ts';
import { type BrokerError, brokerError } from '../../../shared/domain/errors.ts';
import { fail, ok, type Result } from '../../../shared/domain/result.ts';
import { MESSAGE_LIMIT_BYTES } from '../../../shared/domain/upload.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { Random } from '../../../shared/ports/random.ts';
import { parseBasic } from '../../../shared/protocol/client-authentication.ts';
import { parseSlot } from '../../../shared/protocol/slot.ts';
import { acceptedReply, submissionReply } from '../../../shared/protocol/submission.ts';
import { preferredLanguage } from '../../../shared/protocol/texts/index.ts';
import { parseSha256, uploadReply } from '../../../shared/protocol/upload.ts';
import type { AuthenticateDevice } from '../../../shared/usecases/devices/authenticate-device.ts';
import type { AcceptMessage } from '../../../shared/usecases/mail/accept-message.ts';
import type { BeginUpload } from '../../../shared/usecases/mail/begin-upload.ts';
import type { HandedInContent } from '../../../shared/usecases/mail/handed-in.ts';
import type { ReadSubmission } from '../../../shared/usecases/mail/read-submission.ts';

/** Lambda takes 6 MB, and API Gateway hands it the body in base64, a third larger (facts/aws.md section 3). */
const REQUEST_LIMIT_BYTES = 4_500_000;
const TOO_LARGE = `The limit is ${REQUEST_LIMIT_BYTES} bytes in a request; up to ${MESSAGE_LIMIT_BYTES} by way of /v1/uploads.`;

/** A key longer than this is a mistake; shorter ones are hashed. */
const IDEMPOTENCY_KEY_LIMIT = 255;

const UPLOADED_MESSAGE = v.strictObject({
  upload_id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  envelope_to: v.exactOptional(v.union([v.string(), v.array(v.string())])),
  slot: v.exactOptional(v.string()),
});

const ANNOUNCED_UPLOAD = v.strictObject({
  size_bytes: v.pipe(v.number(), v.integer(), v.minValue(1, 'must be at least 1')),
  sha256: v.exactOptional(v.string()),
});

type HandedIn = HandedInContent & {
  readonly slot: string;
  readonly envelopeTo: string | undefined;
};

/** A message as the body, or the name of one that was uploaded. */
const readHandedIn = async (c: AnyContext): Promise<Result<HandedIn, BrokerError>> => {
  const query = readQuery(c);
  if (!query.ok) return query;
  const contentType = c.req.header('content-type') ?? '';
  const inHeader = c.req.header('x-envelope-to');
  if (/^application\/json\s*(;|$)/i.test(contentType)) {
    const fields = await readJsonAs(c, UPLOADED_MESSAGE);
    if (!fields.ok) return fields;
    const slot = parseSlot(fields.value.slot ?? query.value.slot);
    const { upload_id: uploadId, envelope_to: to } = fields.value;
    return slot.ok
      ? ok({ uploadId, slot: slot.value, envelopeTo: Array.isArray(to) ? to.join(',') : (to ?? inHeader) })
      : slot;
  }
  if (!/^message\/rfc822\s*(;|$)/i.test(contentType)) {
    const detail = 'Send message/rfc822, or application/json for a message that was uploaded.';
    return fail(brokerError('unsupported_media_type', detail));
  }
  const slot = parseSlot(query.value.slot);
  if (!slot.ok) return slot;
  return ok({ message: new Uint8Array(await c.req.arrayBuffer()), slot: slot.value, envelopeTo: inHeader });
};

/** Where a device hands in its mail and asks what became of it. */
export const acceptMailApp = ({
  acceptMessage,
  beginUpload,
  authenticateDevice,
  readSubmission,
  log,
  random,
}: {
  acceptMessage: AcceptMessage;
  beginUpload: BeginUpload;
  authenticateDevice: AuthenticateDevice;
  readSubmission: ReadSubmission;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const app = brokerApp({
    errorShape: 'problem',
    log,
    random,
    bodyLimitBytes: REQUEST_LIMIT_BYTES,
    tooLarge: brokerError('message_too_large', TOO_LARGE),
  });

  app.post('/v1/messages', async (c) => {
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const idempotencyKey = c.req.header('idempotency-key');
    if (idempotencyKey !== undefined && (idempotencyKey === '' || idempotencyKey.length > IDEMPOTENCY_KEY_LIMIT)) {
      return replyError(
        c,
        brokerError('invalid_request', `Idempotency-Key has 1 to ${IDEMPOTENCY_KEY_LIMIT} characters.`),
      );
    }
    const handedIn = await readHandedIn(c);
    if (!handedIn.ok) return replyError(c, handedIn.error);
    const accepted = await acceptMessage({ ...credential.value, place: placeOf(c), ...handedIn.value, idempotencyKey });
    return replyResult(c, accepted, acceptedReply, 202);
  });

  app.post('/v1/uploads', async (c) => {
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const announced = await readJsonAs(c, ANNOUNCED_UPLOAD);
    if (!announced.ok) return replyError(c, announced.error);
    const { size_bytes: sizeBytes, sha256: given } = announced.value;
    const sha256 = given === undefined ? undefined : parseSha256(given);
    if (given !== undefined && sha256 === undefined) {
      return replyError(c, brokerError('invalid_request', 'sha256 is 64 hexadecimal digits, or the same in base64.'));
    }
    const begun = await beginUpload({ ...credential.value, place: placeOf(c), sizeBytes, sha256 });
    return replyResult(c, begun, uploadReply, 201);
  });

  app.get('/v1/messages/:submission_id', async (c) => {
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const device = await authenticateDevice({ ...credential.value, place: placeOf(c) });
    if (!device.ok) return replyError(c, device.error);
    const submission = await readSubmission(device.value.clientId, c.req.param('submission_id'));
    const language = preferredLanguage(c.req.header('accept-language'), device.value.metadata.locale);
    return replyResult(c, submission, (description) => submissionReply(description, language));
  });

  return app;
};
