import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../../../shared/ports/clock.ts';

/** The system's clock, set forward by `offsetMs`, and running `speed` times as fast since `originMs`. */
export const quickClock = ({
  originMs,
  offsetMs,
  speed,
}: {
  readonly originMs: number;
  readonly offsetMs: number;
  readonly speed: number;
}): Clock => ({
  now: () => Math.floor(originMs + offsetMs + (Date.now() - originMs) * speed),
  sleep: (milliseconds) => setTimeout(milliseconds / speed),
});
