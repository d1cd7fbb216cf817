import qrCode from 'qrcode-generator';

/** Pixels of one module, and of the quiet zone, which is four modules wide (ISO/IEC 18004 section 9.1). */
const CELL_PIXELS = 4;
const MARGIN_PIXELS = 4 * CELL_PIXELS;

/** A QR code of a text as a GIF, which the oldest browsers of panels show. */
export const qrCodeGif = (text: string): Uint8Array<ArrayBuffer> => {
  // The smallest version that holds the text; level M bears a scratched panel.
  const code = qrCode(0, 'M');
  code.addData(text);
  code.make();
  const [, base64 = ''] = code.createDataURL(CELL_PIXELS, MARGIN_PIXELS).split(',');
  return Uint8Array.from(Buffer.from(base64, 'base64'));
};
