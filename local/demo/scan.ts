import { randomBytes } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import PDFDocument from 'pdfkit';

/** A4 at 72 dots an inch, in grey: about half a megabyte a page, since noise does not compress. */
const WIDTH = 595;
const HEIGHT = 842;

const pngChunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
};

/** A grey picture of noise (PNG specification, sections 5 and 11.2): what a scanner makes of paper. */
const noisePage = (): Buffer => {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((WIDTH + 1) * HEIGHT);
  for (let row = 0; row < HEIGHT; row++) randomBytes(WIDTH).copy(rows, row * (WIDTH + 1) + 1);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows, { level: 1 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
};

/** A PDF of several pages, each a full-page picture, as a scanner would send it. */
export const scannedPdf = async (pages: number): Promise<Buffer> => {
  const document = new PDFDocument({ size: 'A4', margin: 0, autoFirstPage: false, compress: false });
  const chunks: Buffer[] = [];
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  const finished = new Promise((resolve) => document.on('end', resolve));
  for (let page = 1; page <= pages; page++) {
    document.addPage();
    document.image(noisePage(), 0, 0, { width: WIDTH });
    document.fontSize(24).text(`Scanned page ${page} of ${pages}`, 60, 60);
  }
  document.end();
  await finished;
  return Buffer.concat(chunks);
};

const BOUNDARY = 'scan-boundary-7f3a';

/** A device's message with the PDF attached (RFC 2045, RFC 5322): CRLF line ends, base64 in lines of 76. */
export const scanMessage = (options: {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
  readonly date: Date;
  readonly pdf: Uint8Array;
}): Buffer => {
  const base64 = Buffer.from(options.pdf).toString('base64').replace(/.{76}/g, '$&\r\n');
  const lines = [
    `From: Scanner <${options.from}>`,
    `To: ${options.to}`,
    `Subject: ${options.subject}`,
    `Date: ${options.date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${options.messageId}`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/mixed; boundary="${BOUNDARY}"`,
    '',
    `--${BOUNDARY}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'A document was scanned for you.',
    `--${BOUNDARY}`,
    'Content-Type: application/pdf; name="scan.pdf"',
    'Content-Disposition: attachment; filename="scan.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    base64,
    `--${BOUNDARY}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'latin1');
};
