/** One command line of a device that is signed in. */
export interface Pop3Command {
  /** Upper case. */
  readonly verb: string;
  readonly argument: string;
  /** As it goes to the provider: some servers wait for ever after a bare LF (RFC 1939 section 3 wants CRLF). */
  readonly line: string;
}

/** RFC 1939 section 3: printable ASCII. What else there is, a server might read as two commands where we read one. */
const COMMAND = /^([\x21-\x7e]+)(?: +([\x20-\x7e]*?))? *$/;

export const readCommand = (bytes: Buffer): Pop3Command | undefined => {
  const line = bytes.toString('latin1').replace(/\r?\n$/, '');
  const [, verb, argument = ''] = COMMAND.exec(line) ?? [];
  return verb === undefined ? undefined : { verb: verb.toUpperCase(), argument, line: `${line}\r\n` };
};

/**
 * How the reply looks, and whether asking twice is like asking once. RFC 1939 sections 5 to 7, RFC 2449 section 5; LAST is of RFC
 * 1460. A DELE that nobody has answered was undone with its session (RFC 1939 section 6).
 */
const KNOWN: Readonly<Record<string, 'line' | 'lines' | 'lines_unless_one'>> = {
  STAT: 'line',
  LIST: 'lines_unless_one',
  UIDL: 'lines_unless_one',
  RETR: 'lines',
  TOP: 'lines',
  DELE: 'line',
  RSET: 'line',
  NOOP: 'line',
  LAST: 'line',
  CAPA: 'lines',
  QUIT: 'line',
};

/** Only before the sign-in (RFC 1939 section 4, RFC 2595, RFC 5034): every server would refuse them, and a password with them. */
const EARLIER = new Set(['USER', 'PASS', 'APOP', 'AUTH', 'STLS']);

export type ReplyShape = 'line' | 'lines' | 'unknown';

export const shapeOf = ({ verb, argument }: Pop3Command): ReplyShape => {
  const known = Object.hasOwn(KNOWN, verb) ? KNOWN[verb] : undefined;
  if (known === 'lines_unless_one') return argument === '' ? 'lines' : 'line';
  return known ?? 'unknown';
};

export const belongsEarlier = ({ verb }: Pop3Command): boolean => EARLIER.has(verb);

/** After QUIT deletions may have been done or not; of what is not known here, nobody knows. */
export const isRepeatable = (command: Pop3Command): boolean =>
  command.verb !== 'QUIT' && shapeOf(command) !== 'unknown';
