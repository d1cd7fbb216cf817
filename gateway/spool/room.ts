import { statfs } from 'node:fs/promises';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { MESSAGE_LIMIT_BYTES } from '../../shared/domain/upload.ts';
import type { Spool } from './spool.ts';

/** How much mail a gateway keeps. */
export interface SpoolLimits {
  readonly spoolBytes: number;
  readonly spoolMessages: number;
  /** What is left to the disk's other users. */
  readonly freeBytes: number;
}

/** Of a message whose size nobody announced. */
const UNKNOWN_BYTES = MESSAGE_LIMIT_BYTES;

/** Bytes that the file system has for this user. */
export const freeBytesOf = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

/** Whether one more message fits; as it comes in it takes its size twice, raw and as it will be sent. */
export const makeRoomFor =
  ({ spool, folder, limits }: { spool: Spool; folder: string; limits: () => SpoolLimits }) =>
  async (announcedBytes: number | undefined): Promise<Result<undefined, BrokerError>> => {
    const { spoolBytes, spoolMessages, freeBytes } = limits();
    const full = (detail: string) => fail(brokerError('gateway_full', detail));
    if (spool.size() >= spoolMessages) return full(`The spool has its limit of ${spoolMessages} messages.`);
    const wanted = announcedBytes ?? UNKNOWN_BYTES;
    if (spool.usedBytes() + wanted > spoolBytes) return full(`The spool has reached its limit of ${spoolBytes} bytes.`);
    const free = await freeBytesOf(folder);
    if (free - 2 * wanted < freeBytes) return full(`The disk has ${free} bytes left.`);
    return ok(undefined);
  };

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The disk's own word. */
export const isNoRoom = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && NO_ROOM.has(String(error.code));
