import { Readable } from 'node:stream';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Upload, uploadKeyOf } from '../../domain/upload.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';
import { type Measure, measured } from './measured.ts';

/** A message in the request, or one that was uploaded before. */
export type HandedInContent = { readonly message: Uint8Array } | { readonly uploadId: string };

/** A message that lies with somebody in this process. */
export interface HandedInStream {
  readonly sizeBytes: number;
  /** A fresh stream for each call. */
  open(): Promise<Readable>;
}

/** A content that is read several times, and must be the same each time. */
export interface HandedInSource {
  /** The reader gets `ChangedMeanwhile` in place of the end where it is another than before, or than announced. */
  read(): Promise<Readable>;
}

/** The content is not what was announced, or was replaced while the broker read it. For who uploads it. */
export class ChangedMeanwhile extends Error {
  override readonly name = 'ChangedMeanwhile';
}

const gone = (): Promise<Readable> => {
  throw new ChangedMeanwhile('Nothing has been uploaded yet.');
};

/**
 * Whoever has the link can upload anew at any time: what was checked must be what is sent. So every reading is compared with
 * what was announced, and with the first.
 */
const comparing = (openAnew: () => Promise<Readable>, announced: Partial<Measure>): HandedInSource => {
  let wanted = announced;
  const check = (found: Measure): void => {
    const isSame = Object.entries(wanted).every(([name, value]) => found[name as keyof Measure] === value);
    if (!isSame)
      throw new ChangedMeanwhile('Size or SHA-256 are not those that were announced, or the content was replaced.');
    wanted = found;
  };
  return { read: async () => measured(await openAnew(), check) };
};

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** Opens what was handed in, or uploaded by this client. */
export const makeOpenHandedIn =
  ({ records, blobs, clock }: { records: Pick<Records, 'uploads'>; blobs: BlobStore; clock: Clock }) =>
  async (content: HandedInContent | HandedInStream, clientId: string): Promise<Result<HandedInSource, BrokerError>> => {
    if ('message' in content) return ok({ read: async () => Readable.from([asBuffer(content.message)]) });
    if ('open' in content) return ok(comparing(() => content.open(), { sizeBytes: content.sizeBytes }));
    const upload: Upload | undefined = await records.uploads.get(content.uploadId, epochSeconds(clock));
    if (upload?.clientId !== clientId) return fail(brokerError('upload_unknown'));
    const open = async () => (await blobs.open(uploadKeyOf(upload.id)))?.stream ?? gone();
    const { sizeBytes, sha256 } = upload;
    return ok(comparing(open, { sizeBytes, ...(sha256 === undefined ? {} : { sha256 }) }));
  };
