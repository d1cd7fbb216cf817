import { createHash } from 'node:crypto';

/** As scanners do: lines of 76 characters (RFC 2045 section 6.8). */
const base64Lines = (bytes: Buffer): string => bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n');

export interface Scan {
  readonly from: string;
  readonly subject: string;
  readonly document: Buffer;
  /** Further header fields, each a line. */
  readonly fields?: readonly string[];
}

/** A complete message, so that nothing has to be mended in it. */
export const scanMessage = ({ from, subject, document, fields = [] }: Scan): string =>
  [
    `From: Scanner <${from}>`,
    'To: ann@example.org',
    ...fields,
    `Subject: ${subject}`,
    'Date: Mon, 16 Nov 2026 09:00:00 +0100',
    `Message-ID: <${createHash('sha256').update(`${from} ${subject}`).digest('hex').slice(0, 24)}@printer.example>`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="=_scan"',
    '',
    '--=_scan',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'A document was scanned.',
    '.',
    '.. a line that begins with dots',
    '--=_scan',
    'Content-Type: application/pdf; name="scan.pdf"',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="scan.pdf"',
    '',
    `${base64Lines(document)}--=_scan--`,
    '',
  ].join('\r\n');

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** What the recipient opens. */
export const documentIn = (message: string): Buffer => {
  const [, content = ''] = /filename="?scan\.pdf"?\r\n\r\n([^-]*)/.exec(message) ?? [];
  return Buffer.from(content, 'base64');
};
