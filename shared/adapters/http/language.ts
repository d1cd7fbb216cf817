import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { isLanguage, type Language, preferredLanguage } from '../../protocol/texts/index.ts';

/** Holds the language that a person has chosen on a page. */
export const LANGUAGE_COOKIE = 'language';

/** The chosen language, else the browser's. */
export const pageLanguage = (c: Context): Language => {
  const chosen = getCookie(c, LANGUAGE_COOKIE) ?? '';
  return isLanguage(chosen) ? chosen : preferredLanguage(c.req.header('accept-language'));
};
