import { ConfigError } from './config-document.ts';

/** The admin key from where it is kept. Empty, after a crash or a slip, it would open the console to everybody. */
export const parseAdminKey = (text: string, source: string): string => {
  const key = text.trim();
  if (key === '') throw new ConfigError(`${source} holds no admin key.`);
  return key;
};
