import type { Log } from '../shared/ports/log.ts';

/** So often at once: one that waits for a machine that hangs does not keep the next one from what has come up since. */
const AT_ONCE = 3;

/**
 * A sweep that waits for others' machines: the sweeps after it, which keep tokens alive, do not wait for it. It must bear to run
 * beside itself. What it has in hand when the process ends is taken up at the next start.
 */
export const inBackground = (sweep: () => Promise<unknown>, log: Log): (() => void) => {
  let running = 0;
  return () => {
    if (running >= AT_ONCE) return;
    running++;
    sweep()
      .catch((error: unknown) => log.error('sweep.failed', { error: String(error) }))
      .finally(() => {
        running--;
      });
  };
};
