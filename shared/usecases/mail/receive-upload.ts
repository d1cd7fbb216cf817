import type { Readable } from 'node:stream';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Upload, uploadKeyOf } from '../../domain/upload.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';
import { matchesAny } from '../secrets.ts';
import { type Measure, measured } from './measured.ts';

export interface ReceivedUpload {
  readonly uploadId: string;
  /** Of the link. */
  readonly secret: string;
  /** Consumed, or destroyed. */
  readonly content: Readable;
}

/** Ends the storing of what is not what was announced. */
class NotAsAnnounced extends Error {
  override readonly name = 'NotAsAnnounced';
}

const deviation = ({ sizeBytes, sha256 }: Upload, found: Measure): string | undefined => {
  if (found.sizeBytes > sizeBytes) return `More than the announced ${sizeBytes} bytes came.`;
  if (found.sizeBytes < sizeBytes) return `${sizeBytes} bytes were announced; ${found.sizeBytes} came.`;
  if (sha256 !== undefined && found.sha256 !== sha256) return 'The SHA-256 is not the one that was announced.';
  return undefined;
};

/** Where no storage of its own takes uploads, the broker does: with the right link, and only what was announced. */
export const makeReceiveUpload =
  ({ records, blobs, clock }: { records: Pick<Records, 'uploads'>; blobs: BlobStore; clock: Clock }) =>
  async ({ uploadId, secret, content }: ReceivedUpload): Promise<Result<Upload, BrokerError>> => {
    const now = epochSeconds(clock);
    const upload = await records.uploads.get(uploadId, now);
    const isRight = upload?.linkSecretHash !== undefined && matchesAny(secret, [upload.linkSecretHash]);
    if (!upload || !isRight || upload.linkExpiresAt <= now) {
      content.destroy();
      return fail(brokerError('upload_unknown'));
    }
    const check = (found: Measure): void => {
      const wrong = deviation(upload, found);
      if (wrong !== undefined) throw new NotAsAnnounced(wrong);
    };
    try {
      await blobs.put(uploadKeyOf(uploadId), measured(content, check, upload.sizeBytes));
      return ok(upload);
    } catch (error) {
      if (error instanceof NotAsAnnounced) return fail(brokerError('upload_incomplete', error.message));
      throw error;
    }
  };

export type ReceiveUpload = ReturnType<typeof makeReceiveUpload>;
