import type { Upload } from '../domain/upload.ts';
import { rfc3339 } from './time.ts';

/** What is to be sent where, to upload a message. */
export const uploadReply = ({
  upload: { id, linkExpiresAt },
  link: { url, headers },
}: {
  readonly upload: Upload;
  readonly link: { readonly url: string; readonly headers: Readonly<Record<string, string>> };
}) => ({ upload_id: id, url, method: 'PUT', headers, expires_at: rfc3339(linkExpiresAt) });

/** In hexadecimal or in base64, as it is given; undefined where it is neither. Comes back in hexadecimal, lower case. */
export const parseSha256 = (text: string): string | undefined => {
  if (/^[\da-f]{64}$/iu.test(text)) return text.toLowerCase();
  return /^[A-Za-z0-9+/]{43}=$/u.test(text) ? Buffer.from(text, 'base64').toString('hex') : undefined;
};
