import type { Language } from '../../../shared/protocol/texts/index.ts';
import { da } from './da.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { lt } from './lt.ts';
import { pl } from './pl.ts';

export type StatusTexts = typeof en;

/** A language that the errors have and these do not would not compile. */
const STATUS_TEXTS: Readonly<Record<Language, StatusTexts>> = { en, fr, pl, lt, da };

export const textsIn = (language: Language): StatusTexts => STATUS_TEXTS[language];
