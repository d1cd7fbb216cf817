import {
  type ConnectionTest,
  type Facts,
  failedStep,
  type TestStep,
  type TokenVerdict,
  VERDICTS,
  type Verdict,
} from '../domain/connection-test.ts';
import type { BrokerError } from '../domain/errors.ts';
import { CONNECTION_TEST_TEXTS, filledIn } from './connection-test-texts/index.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';
import { ERROR_TEXTS, type Language } from './texts/index.ts';

/** A step in words. */
export interface StepInWords {
  readonly label: string;
  readonly detail: string;
  readonly remedy?: string;
  /** What the other side said, in its own words. */
  readonly reply?: string;
  readonly code?: string;
  readonly correlationId?: string;
}

const isVerdict = (why: Verdict | TokenVerdict): why is Verdict => Object.hasOwn(VERDICTS, why);

const failureInWords = (
  { why, error, facts }: Extract<TestStep, { outcome: 'failed' }>,
  language: Language,
): readonly [detail: string, remedy: string] => {
  const texts = CONNECTION_TEST_TEXTS[language];
  if (isVerdict(why)) {
    const [happened, remedy] = texts.verdicts[why];
    return [filledIn(happened, facts), filledIn(remedy, facts)];
  }
  const [happened, remedy] = ERROR_TEXTS[language][error.kind];
  if (why !== 'token_update_failed') return [happened, remedy];
  // R25: in substance, and why.
  const [updateFailed, deleteIt] = texts.tokenUpdateFailed;
  return [`${updateFailed} ${happened}`, `${deleteIt} ${remedy}`];
};

export const stepInWords = (step: TestStep, language: Language): StepInWords => {
  const { steps, seen, noRecipient } = CONNECTION_TEST_TEXTS[language];
  const label = steps[step.step];
  if (step.outcome === 'left_out') return { label, detail: noRecipient };
  if (step.outcome === 'passed') return { label, detail: filledIn(seen[step.seen], step.facts) };
  const { error } = step;
  const [detail, remedy] = failureInWords(step, language);
  return {
    label,
    detail,
    remedy,
    ...(error.detail !== undefined && { reply: error.detail }),
    ...(error.code !== undefined && { code: error.code }),
    ...(error.correlationId !== undefined && { correlationId: error.correlationId }),
  };
};

/** What a panel shows that runs into the same (R26); undefined where it shows none. */
export const panelCodeOf = (test: Pick<ConnectionTest, 'steps'>): number | undefined => {
  const failure = failedStep(test);
  const outcome: Outcome | undefined = failure && outcomeOf(failure.error);
  return outcome?.panelCode;
};

/** What was seen and what went wrong, also for programs: `seen` and `why` stay the same in every language. */
const stepReply = (step: TestStep, language: Language, facts: Facts) => {
  const { label, detail, remedy, reply, code, correlationId } = stepInWords(step, language);
  return {
    step: step.step,
    ok: step.outcome !== 'failed',
    label,
    detail,
    ...(remedy !== undefined && { remedy }),
    ...(step.outcome === 'passed' && { seen: step.seen }),
    ...(step.outcome === 'failed' && { why: step.why, error: step.error.kind }),
    ...(step.outcome === 'left_out' && { left_out: true }),
    ...(reply !== undefined && { reply }),
    ...(code !== undefined && { provider_code: code }),
    ...(correlationId !== undefined && { correlation_id: correlationId }),
    ...(Object.keys(facts).length > 0 && { facts }),
    duration_ms: step.durationMs,
  };
};

/** Of each step what the steps before it had not seen yet. */
const newFacts = (steps: readonly TestStep[]): readonly Facts[] => {
  const known = new Map<string, string | number>();
  return steps.map((step) => {
    const fresh = Object.entries('facts' in step ? step.facts : {}).filter(
      ([name, value]) => known.get(name) !== value,
    );
    for (const [name, value] of fresh) known.set(name, value);
    return Object.fromEntries(fresh);
  });
};

export const connectionTestReply = (test: ConnectionTest, language: Language) => {
  const { direction, protocol, account, steps, durationMs, route } = test;
  const panelCode = panelCodeOf(test);
  const facts = newFacts(steps);
  return {
    direction,
    protocol,
    account,
    ok: failedStep(test) === undefined,
    steps: steps.map((step, index) => stepReply(step, language, facts[index] ?? {})),
    ...(panelCode !== undefined && { panel_code: panelCode }),
    ...(route !== undefined && { route }),
    duration_ms: durationMs,
  };
};

/** `too_many_attempts` of a test has nothing to do with wrong passwords. */
export const tooSoonInWords = ({ retryAfterSeconds = 1 }: BrokerError, language: Language) => {
  const [message, remedy] = CONNECTION_TEST_TEXTS[language].tooSoon;
  return { message, remedy: filledIn(remedy, { seconds: retryAfterSeconds }) };
};
