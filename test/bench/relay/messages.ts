import { randomBytes } from 'node:crypto';

/** Noise in base64, in lines of 76 (RFC 2045): what a scan is on the wire. */
const encodedNoise = (bytes: number): string =>
  randomBytes(Math.ceil((bytes * 3) / 4))
    .toString('base64')
    .replace(/.{76}/g, '$&\r\n');

/** A scan as its device hands it in, of about so many bytes on the wire. */
export const scanOf = (bytes: number): ((from: string, id: string) => Buffer) => {
  const content = encodedNoise(Math.floor((bytes - 400) * (76 / 78)));
  return (from, id) =>
    Buffer.from(
      [
        `From: Scanner <${from}>`,
        `To: ${RECIPIENT}`,
        'Subject: Scan',
        'Date: Thu, 05 Nov 2026 10:00:00 +0000',
        `Message-ID: <${id}@contoso.example>`,
        'MIME-Version: 1.0',
        'Content-Type: application/pdf; name="scan.pdf"',
        'Content-Disposition: attachment; filename="scan.pdf"',
        'Content-Transfer-Encoding: base64',
        '',
        content,
        '',
      ].join('\r\n'),
      'latin1',
    );
};

export const RECIPIENT = 'archive@contoso.example';
