import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteReader } from './byte-reader.ts';

/** Once one side has said all that it had to, the other has so long. */
const LINGER_MS = 5_000;

/** As long as a timer can wait: silence is for the sockets to notice, which know of both directions. */
const ANY_TIME_MS = 2 ** 31 - 1;

const pass = async (from: ByteReader, to: ByteReader): Promise<number> => {
  let bytes = 0;
  for (;;) {
    const chunk = await from.chunk(ANY_TIME_MS);
    if (chunk === undefined || !(await to.write(chunk))) break;
    bytes += chunk.length;
  }
  to.socket.end();
  return bytes;
};

/**
 * Everything, unchanged, both ways, as fast as the slower side reads, until one of the two goes. Resolves with what the device
 * was sent, when both are closed.
 */
export const pumpBoth = async (device: ByteReader, provider: ByteReader, idleMs: number): Promise<number> => {
  for (const { socket } of [device, provider]) socket.setTimeout(idleMs, () => socket.destroy());
  const toDevice = pass(provider, device);
  const toProvider = pass(device, provider);
  await Promise.race([toDevice, toProvider]);
  await Promise.race([Promise.all([toDevice, toProvider]), sleep(LINGER_MS, undefined, { ref: false })]);
  for (const { socket } of [device, provider]) socket.destroySoon();
  const bytes = await toDevice;
  await toProvider;
  return bytes;
};
