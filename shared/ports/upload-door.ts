import type { Upload } from '../domain/upload.ts';

/** A request that whoever knows it may make, without any credential besides. */
export interface UploadLink {
  readonly url: string;
  /** All of them are to be sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of what it bears in secret, where the broker is to know it again. */
  readonly secretHash?: string;
}

/** By which large contents come into the blob store past the broker's own limits. */
export interface UploadDoor {
  /**
   * A PUT that stores a content of the announced size, and with the announced checksum if there is one, under the upload's
   * key, until `linkExpiresAt`. It may be repeated.
   */
  linkTo(upload: Pick<Upload, 'id' | 'sizeBytes' | 'sha256' | 'linkExpiresAt'>): Promise<UploadLink>;
}
