export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** `cancelled`: by `*` (RFC 5034 section 4, RFC 9051 section 6.2.2). `ended`: by going away. */
export type SaslOutcome =
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  | { readonly kind: 'unknown_mechanism' | 'malformed' | 'cancelled' | 'ended' };

/** Sends the challenge, as base64, and brings the line that answers it. */
export type Ask = (challenge: string) => Promise<string | undefined>;

export const SASL_MECHANISMS = ['PLAIN', 'LOGIN'] as const;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** What LOGIN has always asked (draft-murchison-sasl-login); there are devices that look at the words. */
const PROMPTS = { user: base64('Username:'), password: base64('Password:') } as const;

const decoded = (text: string): string | undefined =>
  /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64').toString('utf8') : undefined;

/** RFC 4616: who it wants to be, who it is, and the password. Nobody may be somebody else here. */
const plainCredentials = (response: string): Credentials | undefined => {
  const [authzid, user, password, ...more] = decoded(response)?.split('\0') ?? [];
  if (user === undefined || password === undefined || user === '' || more.length > 0) return undefined;
  return authzid === '' || authzid === user ? { user, password } : undefined;
};

const loginCredentials = (user: string, password: string): Credentials | undefined => {
  const [name, secret] = [decoded(user), decoded(password)];
  return name === undefined || name === '' || secret === undefined ? undefined : { user: name, password: secret };
};

const outcomeOf = (credentials: Credentials | undefined): SaslOutcome =>
  credentials === undefined ? { kind: 'malformed' } : { kind: 'credentials', credentials };

/** One exchange. `initial`: what came with the command, if anything did; `=` stands for nothing (RFC 4422 section 5.1, RFC 4959 section 3). */
export const saslExchange = async (mechanism: string, initial: string | undefined, ask: Ask): Promise<SaslOutcome> => {
  const asked: { ended?: SaslOutcome } = {};
  const answer = async (challenge: string): Promise<string> => {
    const line = await ask(challenge);
    if (line === undefined) asked.ended = { kind: 'ended' };
    if (line === '*') asked.ended = { kind: 'cancelled' };
    return line ?? '';
  };
  const begun = initial === '=' ? '' : initial;

  switch (mechanism.toUpperCase()) {
    case 'PLAIN': {
      const response = begun ?? (await answer(''));
      return asked.ended ?? outcomeOf(plainCredentials(response));
    }
    case 'LOGIN': {
      const user = begun || (await answer(PROMPTS.user));
      if (asked.ended) return asked.ended;
      const password = await answer(PROMPTS.password);
      return asked.ended ?? outcomeOf(loginCredentials(user, password));
    }
    default:
      return { kind: 'unknown_mechanism' };
  }
};
