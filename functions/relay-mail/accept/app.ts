import type { Hono } from 'hono';
import { type BrokerEnv, brokerApp, replyError, replyResult } from '../../../shared/adapters/http/app.ts';
import { readQuery } from '../../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../../shared/adapters/http/place.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { Random } from '../../../shared/ports/random.ts';
import { parseBasic } from '../../../shared/protocol/client-authentication.ts';
import { parseSlot } from '../../../shared/protocol/slot.ts';
import { submissionReply } from '../../../shared/protocol/submission.ts';
import type { AuthenticateDevice } from '../../../shared/usecases/devices/authenticate-device.ts';
import type { AcceptMessage } from '../../../shared/usecases/mail/accept-message.ts';
import type { ReadSubmission } from '../../../shared/usecases/mail/read-submission.ts';

/** Lambda takes 6 MB, and API Gateway hands it the body in base64, a third larger (facts/aws.md section 3). */
const MESSAGE_LIMIT_BYTES = 4_500_000;

/** A key longer than this is a mistake; shorter ones are hashed. */
const IDEMPOTENCY_KEY_LIMIT = 255;

/** Where a device hands in its mail and asks what became of it. */
export const acceptMailApp = ({
  acceptMessage,
  authenticateDevice,
  readSubmission,
  log,
  random,
}: {
  acceptMessage: AcceptMessage;
  authenticateDevice: AuthenticateDevice;
  readSubmission: ReadSubmission;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const detail = `The limit is ${MESSAGE_LIMIT_BYTES} bytes.`;
  const app = brokerApp({
    errorShape: 'problem',
    log,
    random,
    bodyLimitBytes: MESSAGE_LIMIT_BYTES,
    tooLarge: brokerError('message_too_large', detail),
  });

  app.post('/v1/messages', async (c) => {
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    if (!/^message\/rfc822\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
      return replyError(c, brokerError('unsupported_media_type', 'Send message/rfc822.'));
    }
    const query = readQuery(c);
    if (!query.ok) return replyError(c, query.error);
    const slot = parseSlot(query.value.slot);
    if (!slot.ok) return replyError(c, slot.error);
    const idempotencyKey = c.req.header('idempotency-key');
    if (idempotencyKey !== undefined && (idempotencyKey === '' || idempotencyKey.length > IDEMPOTENCY_KEY_LIMIT)) {
      return replyError(
        c,
        brokerError('invalid_request', `Idempotency-Key has 1 to ${IDEMPOTENCY_KEY_LIMIT} characters.`),
      );
    }
    const accepted = await acceptMessage({
      ...credential.value,
      place: placeOf(c),
      slot: slot.value,
      message: new Uint8Array(await c.req.arrayBuffer()),
      envelopeTo: c.req.header('x-envelope-to'),
      idempotencyKey,
    });
    return replyResult(c, accepted, submissionReply, 202);
  });

  app.get('/v1/messages/:submission_id', async (c) => {
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const device = await authenticateDevice({ ...credential.value, place: placeOf(c) });
    if (!device.ok) return replyError(c, device.error);
    const submission = await readSubmission(device.value.clientId, c.req.param('submission_id'));
    return replyResult(c, submission, submissionReply);
  });

  return app;
};
