import type { Language } from '../../shared/protocol/texts/index.ts';
import { da } from './da.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { lt } from './lt.ts';
import { pl } from './pl.ts';

export type ConsoleTexts = typeof en;

/** Adding a language is adding one file and one entry, as for the texts of the errors. */
const CONSOLE_TEXTS = { en, fr, pl, lt, da } as const satisfies Record<Language, ConsoleTexts>;

/** Each in its own language. */
export const LANGUAGE_NAMES = {
  en: 'English',
  fr: 'Français',
  pl: 'Polski',
  lt: 'Lietuvių',
  da: 'Dansk',
} as const satisfies Record<Language, string>;

export const textsIn = (language: Language): ConsoleTexts => CONSOLE_TEXTS[language];

/** An action of the audit log in words; one that has none yet is shown as it is stored. */
export const auditActionIn = (language: Language, action: string): string => {
  const actions: Readonly<Record<string, string>> = textsIn(language).audit.actions;
  return (Object.hasOwn(actions, action) ? actions[action] : undefined) ?? action;
};
