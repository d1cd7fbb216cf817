/** The largest message that is taken, as it would be sent: Exchange Online's and Gmail's 35 MB (facts M19, G18). */
export const MESSAGE_LIMIT_BYTES = 35 * 1024 * 1024;

/** So long a device may put off beginning to upload. */
export const UPLOAD_LINK_SECONDS = 3600;

/** So long an upload that nobody hands in is kept. */
export const UPLOAD_KEPT_SECONDS = 86_400;

/** Room for a large message, made before it is handed in. */
export interface Upload {
  readonly id: string;
  readonly organizationId: string;
  readonly clientId: string;
  /** What was announced: nothing else is taken. */
  readonly sizeBytes: number;
  /** In hexadecimal, lower case. */
  readonly sha256?: string;
  /** Of what is in the link, where the broker itself takes the upload. */
  readonly linkSecretHash?: string;
  /** Epoch seconds. */
  readonly linkExpiresAt: number;
  readonly expiresAt: number;
}

/** Everything below it is removed after `UPLOAD_KEPT_SECONDS`. */
export const UPLOADS_PREFIX = 'uploads/';

/** Under this key the upload lies in the blob store. */
export const uploadKeyOf = (uploadId: string): string => `${UPLOADS_PREFIX}${uploadId}`;
