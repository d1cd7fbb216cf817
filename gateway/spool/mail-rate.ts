import type { Clock } from '../../shared/ports/clock.ts';

const MINUTE_MS = 60_000;

/** More devices than any office has; then those that have been quiet longest are forgotten. */
const DEVICES_KEPT = 10_000;

/** Whether a device may hand in one more message now: so many in any minute. It counts what it lets through. */
export const makeMailRate = ({ clock, messagesPerMinute }: { clock: Clock; messagesPerMinute: () => number }) => {
  const recent = new Map<string, readonly number[]>();

  return (clientId: string): boolean => {
    const now = clock.now();
    const times = (recent.get(clientId) ?? []).filter((at) => at > now - MINUTE_MS);
    const isAllowed = times.length < messagesPerMinute();
    recent.delete(clientId);
    recent.set(clientId, isAllowed ? [...times, now] : times);
    const [oldest] = recent.keys();
    if (recent.size > DEVICES_KEPT && oldest !== undefined) recent.delete(oldest);
    return isAllowed;
  };
};
