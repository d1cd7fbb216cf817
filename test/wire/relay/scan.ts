export interface Scan {
  /** Its subject, by which it is known at the other end. */
  readonly name: string;
  readonly to?: readonly string[];
  /** Of its body, at least. */
  readonly sizeBytes?: number;
}

const LINE = 'A document was scanned. It is quite a long one, and has no end.\r\n';

export const scanOf = ({ name, to = ['archive@example.org'], sizeBytes = 0 }: Scan): string =>
  `To: ${to.join(', ')}\r\nSubject: ${name}\r\n\r\n${LINE.repeat(1 + Math.ceil(sizeBytes / LINE.length))}`;
