import type { TestStep } from '../../shared/domain/connection-test.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import { stepInWords } from '../../shared/protocol/connection-test.ts';
import { outcomeOf } from '../../shared/protocol/outcomes.ts';
import { toAscii } from '../../shared/protocol/smtp-reply.ts';
import { ERROR_TEXTS, type Language, preferredLanguage } from '../../shared/protocol/texts/index.ts';

/** Why somebody is not signed in, for the log and for the device. */
export interface Refusal {
  readonly error: BrokerError;
  /** In ASCII: what happened, then what to do. */
  readonly words: string;
}

/** RFC 1939 section 3 has 512 octets for a line, of which protocol and codes need some. */
const WORDS_LIMIT = 460;

const worded = (happened: string, remedy: string): string => toAscii(`${happened} ${remedy}`).slice(0, WORDS_LIMIT);

/** Of a device that nobody knows, no language is known either. */
export const languageOf = (locale: string | undefined): Language => preferredLanguage(undefined, locale);

export const refusalBy = (error: BrokerError, language: Language): Refusal => {
  const [happened, remedy] = ERROR_TEXTS[language][error.kind];
  return { error, words: worded(happened, remedy) };
};

/** By what the connection test would say of the same: the texts of the errors tell what sending needs. */
export const refusalAt = (step: TestStep | undefined, language: Language): Refusal => {
  if (step?.outcome !== 'failed') return refusalBy(brokerError('internal'), language);
  const { detail, remedy = '' } = stepInWords(step, language);
  return { error: step.error, words: worded(detail, remedy) };
};

/** Who must act, in the terms of RFC 3206: whether it passes, whether it is the password, or whether a person must look. */
export const remedyOf = ({ error }: Refusal): 'later' | 'password' | 'person' => {
  if (error.kind === 'invalid_client') return 'password';
  return outcomeOf(error).actor === 'nobody' ? 'later' : 'person';
};
