/** The system clock, passed in so that nothing needs to sleep in a test. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

/** Whole seconds since the epoch, as stored and compared everywhere. */
export const epochSeconds = (clock: Clock): number => Math.floor(clock.now() / 1000);
