import { seededRandom } from '../seeded-random.ts';

/**
 * What can befall a request.
 * `throttle`, `fail`: answered so by the service, and not carried out.
 * `time_out_before`: no answer, and it was not carried out. `time_out_after`: it was, and the answer was lost.
 * `twice`: carried out twice; the second answer is what is heard. Of a receive: its messages come once more with the next.
 * `stale`: a read that need not be consistent gives what was there before.
 * `slow`: the answer takes its time.
 */
export type AwsFault = 'throttle' | 'fail' | 'time_out_before' | 'time_out_after' | 'twice' | 'stale' | 'slow';

/**
 * `attempt`: below the SDK's retries, which see it and try again. `call`: above them, as when they are used up, or when the
 * caller itself sends the same once more.
 */
export type FaultLevel = 'attempt' | 'call';

/** One request at one level. */
export interface FaultPoint {
  readonly level: FaultLevel;
  /** The client that makes it, as it was named to `on`. */
  readonly by: string;
  readonly operation: string;
  readonly input: object;
}

export interface FaultRule {
  readonly fault: AwsFault;
  readonly level?: FaultLevel;
  /** `PutItem` and the like; without it, any. */
  readonly operation?: string | readonly string[];
  readonly when?: (point: FaultPoint) => boolean;
  /** Which of the requests that fit it strikes, from 1; or each with this probability. */
  readonly at?: readonly number[];
  readonly chance?: number;
}

export interface Strike extends FaultPoint {
  readonly fault: AwsFault;
}

const fits = ({ level = 'attempt', operation, when }: FaultRule, point: FaultPoint): boolean =>
  level === point.level &&
  (operation === undefined || [operation].flat().includes(point.operation)) &&
  (when?.(point) ?? true);

/**
 * Decides which fault strikes a request. What chance decides is drawn by seed, client, operation and how many of them there were:
 * so the same seed strikes the same, as far as the clients ask the same.
 */
export const faultPlan = (seed: string) => {
  let rules: { readonly rule: FaultRule; met: number }[] = [];
  const drawn = new Map<string, number>();

  const isDrawn = ({ by, level, operation }: FaultPoint, index: number, chance: number): boolean => {
    const name = `${by}|${level}|${operation}|${index}`;
    const count = (drawn.get(name) ?? 0) + 1;
    drawn.set(name, count);
    return seededRandom(`${seed}|${name}|${count}`).fraction() < chance;
  };

  return {
    add(...more: readonly FaultRule[]): void {
      rules.push(...more.map((rule) => ({ rule, met: 0 })));
    },
    clear(): void {
      rules = [];
    },
    /** The first that strikes; every rule that fits has counted this request. */
    next(point: FaultPoint): AwsFault | undefined {
      const due = rules.map((one, index) => {
        if (!fits(one.rule, point)) return undefined;
        one.met++;
        const { at, chance = at === undefined ? 1 : 0, fault } = one.rule;
        return at?.includes(one.met) || (chance > 0 && isDrawn(point, index, chance)) ? fault : undefined;
      });
      return due.find((fault) => fault !== undefined);
    },
  };
};
