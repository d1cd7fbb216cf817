import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { timeSortedId } from '../../domain/identifiers.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { MESSAGE_LIMIT_BYTES, UPLOAD_KEPT_SECONDS, UPLOAD_LINK_SECONDS, type Upload } from '../../domain/upload.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { UploadDoor, UploadLink } from '../../ports/upload-door.ts';
import type { Records } from '../../records/index.ts';
import type { AuthenticateDevice, DeviceCredential } from '../devices/authenticate-device.ts';

export interface AnnouncedUpload extends DeviceCredential {
  readonly sizeBytes: number;
  /** In hexadecimal, lower case. */
  readonly sha256: string | undefined;
}

export interface BegunUpload {
  readonly upload: Upload;
  readonly link: UploadLink;
}

/** Makes room for a message that is too large for a request of its own; it is handed in when it is there. */
export const makeBeginUpload =
  ({
    records,
    authenticateDevice,
    uploadDoor,
    clock,
    random,
  }: {
    records: Pick<Records, 'uploads'>;
    authenticateDevice: AuthenticateDevice;
    uploadDoor: UploadDoor;
    clock: Clock;
    random: Random;
  }) =>
  async ({ sizeBytes, sha256, ...credential }: AnnouncedUpload): Promise<Result<BegunUpload, BrokerError>> => {
    const device = await authenticateDevice(credential);
    if (!device.ok) return device;
    if (sizeBytes > MESSAGE_LIMIT_BYTES) {
      return fail(brokerError('message_too_large', `The limit is ${MESSAGE_LIMIT_BYTES} bytes.`));
    }
    const { organizationId, clientId } = device.value;
    const now = epochSeconds(clock);
    const announced = {
      id: timeSortedId('upl', clock.now(), random.bytes),
      organizationId,
      clientId,
      sizeBytes,
      ...(sha256 === undefined ? {} : { sha256 }),
      linkExpiresAt: now + UPLOAD_LINK_SECONDS,
      expiresAt: now + UPLOAD_KEPT_SECONDS,
    };
    const link = await uploadDoor.linkTo(announced);
    const { secretHash } = link;
    const upload: Upload = { ...announced, ...(secretHash === undefined ? {} : { linkSecretHash: secretHash }) };
    await records.uploads.create(upload);
    return ok({ upload, link });
  };

export type BeginUpload = ReturnType<typeof makeBeginUpload>;
