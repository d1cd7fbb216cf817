import type { ErrorKind } from '../../domain/errors.ts';
import { da } from './da.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { lt } from './lt.ts';
import { pl } from './pl.ts';

/** For every kind: what happened, and what to do. */
export type ErrorTexts = Readonly<Record<ErrorKind, readonly [message: string, remedy: string]>>;

/** Adding a language is adding one file and one entry. */
export const ERROR_TEXTS = { en, fr, pl, lt, da } as const satisfies Record<string, ErrorTexts>;

export type Language = keyof typeof ERROR_TEXTS;

export const LANGUAGES = Object.keys(ERROR_TEXTS) as readonly Language[];

export const isLanguage = (text: string): text is Language => Object.hasOwn(ERROR_TEXTS, text);

/**
 * The best language for an `Accept-Language` header (RFC 9110 section 12.5.4): by quality, then by order; a region
 * (`fr-CA`) falls back to its language. Where nothing fits, the asker's own language, if it is known; else English.
 */
export const preferredLanguage = (acceptLanguage: string | undefined, own?: string): Language => {
  const wishes = (acceptLanguage ?? '')
    .split(',', 20)
    .map((wish, order) => {
      const [tag = '', ...parameters] = wish.trim().toLowerCase().split(';');
      const quality = parameters
        .map((p) => /^\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/.exec(p)?.[1])
        .find((q) => q !== undefined);
      return { language: tag.trim().split('-')[0] ?? '', quality: quality === undefined ? 1 : Number(quality), order };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality || a.order - b.order);
  for (const { language } of wishes) if (isLanguage(language)) return language;
  return own === undefined ? 'en' : preferredLanguage(own);
};
