import type { Clock } from '../../shared/ports/clock.ts';
import type { GatewayStatus, SpoolStatus } from './status.ts';

/** For programs: `status` alone decides; the reasons are for whoever reads the alarm. */
export type Health = { readonly status: 'ok' } | { readonly status: 'failing'; readonly reasons: readonly string[] };

/** A disk that hangs answers never; who asks after health waits seconds. */
const SPOOL_PATIENCE_MS = 3_000;

/** How the spool fares; what does not answer cannot be written. */
export const askSpool = async (status: GatewayStatus, clock: Clock): Promise<SpoolStatus> => {
  const failing = (reason: string): SpoolStatus => ({ isWritable: false, freeBytes: 0, reason });
  const asked = status
    .spool()
    .catch((error: unknown) => failing(error instanceof Error && 'code' in error ? String(error.code) : 'error'));
  return (await Promise.race([asked, clock.sleep(SPOOL_PATIENCE_MS)])) ?? failing('no answer');
};

/**
 * Whether devices can hand over mail. Not whether it goes out: without the broker, or the provider, mail waits, and nothing is
 * gained by a restart.
 */
export const healthOf = async (status: GatewayStatus, clock: Clock): Promise<Health> => {
  const listeners = status.listeners();
  const deaf = listeners.filter(({ isAccepting }) => !isAccepting).map(({ name }) => name);
  const reasons = [
    ...(listeners.length === 0 ? ['No listener is set up.'] : []),
    ...deaf.map((name) => `The listener ${name} accepts no connections; see the log.`),
  ];
  const spool = await askSpool(status, clock);
  if (!spool.isWritable) {
    reasons.push(`The spool cannot be written (${spool.reason}); make room, or check its disk.`);
  }
  return reasons.length === 0 ? { status: 'ok' } : { status: 'failing', reasons };
};
