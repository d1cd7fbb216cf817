import type { Language } from '../../../shared/protocol/texts/index.ts';
import { da } from './da.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { lt } from './lt.ts';
import { pl } from './pl.ts';

export type NotificationTexts = typeof en;

const NOTIFICATION_TEXTS = { en, fr, pl, lt, da } as const satisfies Record<Language, NotificationTexts>;

export const notificationTextsIn = (language: Language): NotificationTexts => NOTIFICATION_TEXTS[language];
