import { performance } from 'node:perf_hooks';
import {
  type Facts,
  type Seen,
  type TestStep,
  type TestStepName,
  VERDICTS,
  type Verdict,
} from '../../domain/connection-test.ts';
import { brokerError } from '../../domain/errors.ts';
import type { Result } from '../../domain/result.ts';

/** Why a step goes no further. `said`: what the other side said, as it came. */
export interface Trouble {
  readonly why: Verdict;
  readonly said?: string;
  readonly facts?: Facts;
}

/** What was seen, and what the next step needs of it. */
export interface Sight<Value> {
  readonly seen: Seen;
  readonly facts?: Facts;
  readonly value: Value;
}

export type Outcome<Value> = Result<Sight<Value>, Trouble>;

/** Takes down the steps as they end; nothing goes into them that the server could have echoed. */
export const stepRecorder = (known: Facts, clean: (text: string) => string) => {
  const steps: TestStep[] = [];
  const spentMs = new Map<TestStepName, number>();

  const cleanFacts = (facts: Facts = {}): Facts =>
    Object.fromEntries(
      Object.entries({ ...known, ...facts }).map(([name, value]) => [
        name,
        typeof value === 'string' ? clean(value) : value,
      ]),
    );

  const timed = async <Value>(step: TestStepName, act: () => Promise<Value>): Promise<[Value, number]> => {
    const began = performance.now();
    const value = await act();
    const spent = (spentMs.get(step) ?? 0) + performance.now() - began;
    spentMs.set(step, spent);
    return [value, Math.round(spent)];
  };

  const noteFailure = (step: TestStepName, durationMs: number, { why, said, facts }: Trouble): void => {
    const error = brokerError(VERDICTS[why], said === undefined || said === '' ? undefined : clean(said));
    steps.push({ step, durationMs, outcome: 'failed', why, error, facts: cleanFacts(facts) });
  };

  return {
    steps: steps as readonly TestStep[],

    /** A whole step. Undefined: it failed, and the test is over. */
    async track<Value>(step: TestStepName, act: () => Promise<Outcome<Value>>): Promise<{ value: Value } | undefined> {
      const [outcome, durationMs] = await timed(step, act);
      if (!outcome.ok) {
        noteFailure(step, durationMs, outcome.error);
        return undefined;
      }
      const { seen, facts, value } = outcome.value;
      steps.push({ step, durationMs, outcome: 'passed', seen, facts: cleanFacts(facts) });
      return { value };
    },

    /** The first part of a step that ends later, unless it fails now. */
    async begin<Value>(
      step: TestStepName,
      act: () => Promise<Result<Value, Trouble>>,
    ): Promise<{ value: Value } | undefined> {
      const [outcome, durationMs] = await timed(step, act);
      if (outcome.ok) return { value: outcome.value };
      noteFailure(step, durationMs, outcome.error);
      return undefined;
    },

    leaveOut(step: TestStepName): void {
      steps.push({ step, durationMs: 0, outcome: 'left_out', why: 'no_recipient' });
    },
  };
};

export type StepRecorder = ReturnType<typeof stepRecorder>;
