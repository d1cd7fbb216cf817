import type { Language } from '../texts/index.ts';
import { da } from './da.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { lt } from './lt.ts';
import { pl } from './pl.ts';

export type NoticeTexts = typeof en;

/** Adding a language is adding one file and one entry, as for the texts of the errors. */
export const NOTICE_TEXTS = { en, fr, pl, lt, da } as const satisfies Record<Language, NoticeTexts>;
