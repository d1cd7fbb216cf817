import type { Seen, TestStepName, Verdict } from '../../domain/connection-test.ts';
import type { Language } from '../texts/index.ts';
import { da } from './da.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';
import { lt } from './lt.ts';
import { pl } from './pl.ts';

/**
 * `{name}` stands for what was seen (`Facts`); every language has the same ones. Not among the texts of the errors, since the
 * function that serves devices carries those.
 */
export interface ConnectionTestTexts {
  readonly steps: Readonly<Record<TestStepName, string>>;
  readonly seen: Readonly<Record<Seen, string>>;
  readonly verdicts: Readonly<Record<Verdict, readonly [happened: string, remedy: string]>>;
  /** R25, beside what the provider said. */
  readonly tokenUpdateFailed: readonly [happened: string, remedy: string];
  readonly noRecipient: string;
  readonly tooSoon: readonly [happened: string, remedy: string];
  /** Sending is tested by SMTP, whichever way the mail takes just now. */
  readonly goesByApi: string;
  /** The one that is sent; it names the mailbox and the time. */
  readonly message: { readonly subject: string; readonly body: string };
}

export const CONNECTION_TEST_TEXTS = { en, fr, pl, lt, da } as const satisfies Record<Language, ConnectionTestTexts>;

const PLACEHOLDER = /\{(\w+)\}/g;

export const placeholdersOf = (text: string): readonly string[] =>
  [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name);

export const filledIn = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replace(PLACEHOLDER, (_, name: string) => String(values[name] ?? '?'));
