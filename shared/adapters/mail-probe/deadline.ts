import { performance } from 'node:perf_hooks';

/** Until when something is waited for, and what it is called when that is over. */
export interface Patience {
  /** On the clock of `performance.now()`. */
  readonly until: number;
  readonly why: 'silent' | 'out_of_time';
}

export interface Deadline {
  /** So long from now, or until the whole must be over, whichever comes first. */
  wait(limitMs: number): Patience;
}

export const deadlineIn = (limitMs: number): Deadline => {
  const endsAt = performance.now() + limitMs;
  return {
    wait(waitMs) {
      const until = performance.now() + waitMs;
      return until <= endsAt ? { until, why: 'silent' } : { until: endsAt, why: 'out_of_time' };
    },
  };
};

/** What the promise comes to; undefined: not within its time. It is left alone then, and must not reject unheard. */
export const within = async <Value>(promise: Promise<Value>, { until }: Patience): Promise<Value | undefined> => {
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, Math.max(0, until - performance.now()), undefined);
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
};
