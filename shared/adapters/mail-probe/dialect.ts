import type { TestStepName } from '../../domain/connection-test.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { Conversation } from './conversation.ts';
import type { Outcome, Trouble } from './steps.ts';

/** What a server says of itself before anybody has signed in. */
export interface Offer {
  /** Mechanisms of SASL, upper case. */
  readonly mechanisms: readonly string[];
  /** Everything it can do, by its first word in upper case, with the rest. */
  readonly features: ReadonlyMap<string, string>;
}

export interface Credentials {
  /** The SASL XOAUTH2 initial response. */
  readonly initialResponse: string;
}

export interface FurtherStep {
  readonly step: TestStepName;
  /** Undefined: it is left out. */
  readonly act: ((talk: Conversation) => Promise<Outcome<undefined>>) | undefined;
}

/** One protocol's way through the same steps. */
export interface Dialect {
  /** The greeting, in the server's words. */
  greet(talk: Conversation): Promise<Result<string, Trouble>>;
  /** Asked anew after STARTTLS: what was said in the clear does not count (RFC 3207 section 4.2, RFC 2595 sections 3.1, 4). */
  offer(talk: Conversation): Promise<Result<Offer, Trouble>>;
  readonly startTls: { readonly feature: string; ask(talk: Conversation): Promise<Result<undefined, Trouble>> };
  /** The largest message it says that it takes. */
  sizeBytes(offer: Offer): number | undefined;
  signIn(talk: Conversation, offer: Offer, credentials: Credentials): Promise<Result<undefined, Trouble>>;
  further(offer: Offer): readonly FurtherStep[];
  readonly goodbye: string;
}

const CHALLENGE_LIMIT = 2_000;

/**
 * Before its verdict a server may say why, as base64 JSON: `{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}`
 * (developers.google.com/gmail/imap/xoauth2-protocol, "Error response"). What is no JSON tells nobody anything.
 */
export const challengeText = (challenge: string): string => {
  const text = Buffer.from(challenge.slice(0, CHALLENGE_LIMIT), 'base64').toString('utf8');
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told !== 'object' || told === null) return '';
    return Object.entries(told)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', ');
  } catch {
    return '';
  }
};

/** The verdict, and the reason that came before it. */
export const withReason = (said: string, reason: string): string => (reason === '' ? said : `${said} (${reason})`);

/** By the mechanism's name; everything else is refused before a token is shown. */
export const mustOffer = ({ mechanisms }: Offer): Result<undefined, Trouble> =>
  mechanisms.includes('XOAUTH2')
    ? ok(undefined)
    : fail({ why: 'sign_in_not_offered', facts: { offered: mechanisms.join(', ') || '–' } });

/** `NAME rest` to what is asked for by `NAME`. */
export const featuresOf = (lines: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    lines.map((line): [string, string] => {
      const [name = '', ...rest] = line.trim().split(/\s+/);
      return [name.toUpperCase(), rest.join(' ')];
    }),
  );

export const wordsOf = (text: string | undefined): readonly string[] =>
  (text ?? '').toUpperCase().split(/\s+/).filter(Boolean);
