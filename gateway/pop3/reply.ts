import type { ByteReader } from '../proxy/byte-reader.ts';
import type { ProxyLimits } from '../proxy/options.ts';
import type { ReplyShape } from './commands.ts';

/** RFC 1939 section 3 has 512; some providers tell more. */
const STATUS_LIMIT = 8 * 1024;

const END = Buffer.from('\r\n.\r\n');

/** Finds the end of a reply of several lines (RFC 1939 section 3), chunk after chunk: how much of this chunk is within it, or -1. */
export const replyEnd = (): ((chunk: Buffer) => number) => {
  // Of the status line; a list may be empty.
  let tail = Buffer.from('\r\n');
  return (chunk) => {
    const seam = Buffer.concat([tail, chunk.subarray(0, END.length - 1)]);
    const inSeam = seam.indexOf(END);
    if (inSeam >= 0) return inSeam + END.length - tail.length;
    const inChunk = chunk.indexOf(END);
    if (inChunk >= 0) return inChunk + END.length;
    tail = Buffer.concat([tail, chunk.subarray(1 - END.length)]).subarray(1 - END.length);
    return -1;
  };
};

export type Status =
  | { readonly kind: 'positive' | 'negative' | 'other'; readonly bytes: Buffer }
  | { readonly kind: 'none' };

export const readStatus = async (provider: ByteReader, silenceMs: number): Promise<Status> => {
  const read = await provider.line(STATUS_LIMIT, silenceMs);
  if (read.kind !== 'line') return { kind: 'none' };
  const [sign] = /^(\+OK|-ERR)(?=\s)/i.exec(read.bytes.toString('latin1')) ?? [];
  const kind = sign === undefined ? 'other' : sign.startsWith('+') ? 'positive' : 'negative';
  return { kind, bytes: read.bytes };
};

export type Passage =
  /** The whole reply went through. `unclear`: whether it was the whole one, nobody here can tell. */
  | { readonly kind: 'positive' | 'negative' | 'unclear'; readonly bytes: number }
  /** The device has heard nothing. `refusal`: what the provider said as it hung up. */
  | { readonly kind: 'nothing'; readonly refusal: Buffer | undefined }
  /** The device has heard a part. */
  | { readonly kind: 'broken'; readonly bytes: number }
  | { readonly kind: 'device_gone' };

interface Sides {
  readonly device: ByteReader;
  readonly provider: ByteReader;
  readonly limits: Pick<ProxyLimits, 'silenceMs' | 'hangUpMs'>;
}

const passLines = async ({ device, provider, limits: { silenceMs } }: Sides, status: Buffer): Promise<Passage> => {
  let bytes = status.length;
  const endIn = replyEnd();
  for (;;) {
    const chunk = await provider.chunk(silenceMs);
    if (chunk === undefined) return { kind: 'broken', bytes };
    const end = endIn(chunk);
    const part = end === -1 ? chunk : chunk.subarray(0, end);
    if (end !== -1 && end < chunk.length) provider.unread(chunk.subarray(end));
    if (!(await device.write(part))) return { kind: 'device_gone' };
    bytes += part.length;
    if (end !== -1) return { kind: 'positive', bytes };
  }
};

/**
 * One reply from the provider to the device, byte for byte, as fast as the device reads. `hangUp`: a refusal by a provider that
 * hangs up is no answer to what was asked, as when the first command after a token's death hears "session expired" (facts G11b).
 */
export const passReply = async (
  sides: Sides,
  shape: ReplyShape,
  hangUp: 'is_no_answer' | 'is_expected',
): Promise<Passage> => {
  const { device, provider, limits } = sides;
  const status = await readStatus(provider, limits.silenceMs);
  if (status.kind === 'none') return { kind: 'nothing', refusal: undefined };
  const { kind, bytes } = status;
  if (kind === 'negative' && hangUp === 'is_no_answer' && (await provider.hangsUp(limits.hangUpMs)))
    return { kind: 'nothing', refusal: bytes };
  if (!(await device.write(bytes))) return { kind: 'device_gone' };
  if (kind === 'other' || (kind === 'positive' && shape === 'unknown')) return { kind: 'unclear', bytes: bytes.length };
  if (kind === 'positive' && shape === 'lines') return passLines(sides, bytes);
  return { kind, bytes: bytes.length };
};
