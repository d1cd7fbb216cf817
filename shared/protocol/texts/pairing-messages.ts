import type { Language } from './index.ts';

/** What a device shows in place of its own words. */
export const PAIRING_MESSAGES = {
  en: (address: string, code: string) =>
    `To sign in, open ${address} on any computer or phone and type the code ${code}.`,
  fr: (address: string, code: string) =>
    `Pour vous connecter, ouvrez ${address} sur un ordinateur ou un téléphone et saisissez le code ${code}.`,
  pl: (address: string, code: string) =>
    `Aby się zalogować, otwórz ${address} na dowolnym komputerze lub telefonie i wpisz kod ${code}.`,
  lt: (address: string, code: string) =>
    `Norėdami prisijungti, bet kuriame kompiuteryje ar telefone atverkite ${address} ir įveskite kodą ${code}.`,
  da: (address: string, code: string) =>
    `Log på ved at åbne ${address} på en computer eller telefon og indtaste koden ${code}.`,
} as const satisfies Record<Language, (address: string, code: string) => string>;
