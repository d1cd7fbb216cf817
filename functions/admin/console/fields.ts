import { textsIn } from '../../../console/texts/index.ts';
import type { FormState, Problem } from '../../../console/view.ts';
import { isLanguage, type Language } from '../../../shared/protocol/texts/index.ts';

type Fields = Readonly<Record<string, string>>;

/** The same bounds as at the admin API: printable, and short enough for a list. */
const NAME_LIMIT = 128;

/** What is wrong with a name that people give to something, if anything. */
export const nameProblem = (language: Language, field: string, name: string | undefined): Problem | undefined => {
  const { common } = textsIn(language);
  if (name === undefined || name === '') return { field, message: common.nameMissing };
  if (name.length > NAME_LIMIT || /\p{Cc}/u.test(name)) return { field, message: common.nameWrong };
  return undefined;
};

/** Undefined unless it is a whole number from 1 to `most`. */
export const wholeNumber = (text: string | undefined, most: number): number | undefined => {
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined;
  const number = Number(text);
  return number >= 1 && number <= most ? number : undefined;
};

export const numberProblem = (language: Language, field: string, most: number): Problem => ({
  field,
  message: textsIn(language).common.numberWrong(most),
});

/** The language chosen in a form, or that of the page. */
export const chosenLanguage = (locale: string | undefined, otherwise: Language): Language =>
  locale !== undefined && isLanguage(locale) ? locale : otherwise;

/** One on each line, or separated by commas. */
export const addressList = (text: string | undefined): readonly string[] =>
  (text ?? '').split(/[\s,;]+/).filter((address) => address !== '');

export const filledIn = (values: Fields, problem: Problem): FormState => ({ values, problem });
