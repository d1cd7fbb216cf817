/** A command cannot go on. For whoever runs it: what happened, then what to do; so without a stack trace. */
export class CommandTrouble extends Error {
  override readonly name = 'CommandTrouble';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

interface AwsTrouble {
  readonly names: readonly string[];
  readonly message?: RegExp;
  readonly says: string;
  readonly hint: string;
}

const UNREACHED = {
  says: 'AWS could not be reached.',
  hint: 'check the network and the name of the region, and run the same command again',
};

/** What the AWS SDK and AWS say no with, before anything of ours is at fault. Names as in the SDK's errors. */
const AWS_TROUBLES: readonly AwsTrouble[] = [
  {
    names: ['CredentialsProviderError'],
    says: 'There are no AWS credentials here.',
    hint: 'set AWS_PROFILE, or sign in as for the aws command; "aws sts get-caller-identity" must work',
  },
  {
    names: ['Error'],
    message: /Region is missing/,
    says: 'No AWS region is set.',
    hint: 'set AWS_REGION, such as eu-central-1; the commands "cloud:…" take --region as well',
  },
  {
    names: [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidSignatureException',
      'SignatureDoesNotMatch',
      'AuthFailure',
    ],
    says: 'AWS does not accept these credentials.',
    hint: 'see which ones are used: "aws sts get-caller-identity"; a wrong clock of this machine does it too',
  },
  {
    names: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'],
    says: 'The AWS credentials have expired.',
    hint: 'sign in again ("aws sso login"), and run the same command once more',
  },
  {
    names: ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'],
    says: 'These credentials may not do that.',
    hint: 'docs/aws.md, "What you need", and docs/vaults.md list the rights',
  },
  {
    names: ['ResourceNotFoundException'],
    says: 'AWS does not have that here.',
    hint: 'check names, region and account: "aws sts get-caller-identity"',
  },
  {
    names: [
      'ThrottlingException',
      'Throttling',
      'TooManyRequestsException',
      'RequestLimitExceeded',
      'ProvisionedThroughputExceededException',
    ],
    says: 'AWS takes no more requests just now.',
    hint: 'run the same command again in a minute',
  },
  {
    names: ['ResourceConflictException'],
    says: 'AWS is changing that just now.',
    hint: 'run the same command again in a minute; while the broker is deployed, when that has ended',
  },
  // The SDK's name for what it waited for in vain, whichever way.
  { names: ['TimeoutError'], ...UNREACHED },
  {
    // Where a name has several addresses, and none could be reached, Node puts the errors of all into one.
    names: ['Error', 'AggregateError'],
    message: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENETUNREACH|EHOSTUNREACH/,
    ...UNREACHED,
  },
];

/** `doing`: what was tried, such as "Secrets Manager did not take the document". Undefined: a bug, to be thrown on. */
const awsTrouble = (error: unknown, doing: string | undefined): CommandTrouble | undefined => {
  if (!(error instanceof Error)) return undefined;
  const row = AWS_TROUBLES.find(
    ({ names, message }) =>
      (names.includes(error.name) || names.includes((error as { Code?: string }).Code ?? '')) &&
      (message === undefined || message.test(`${error.message} ${(error as NodeJS.ErrnoException).code ?? ''}`)),
  );
  if (row === undefined) return undefined;
  return new CommandTrouble(doing === undefined ? row.says : `${doing}. ${row.says}`, row.hint);
};

/** The result, or a `CommandTrouble` where AWS refuses in a way that people can mend. */
export const asking = async <Value>(doing: string, work: () => Promise<Value>): Promise<Value> => {
  try {
    return await work();
  } catch (error) {
    throw awsTrouble(error, doing) ?? error;
  }
};

interface Help {
  /** As people write the command. */
  readonly usage: string;
  /** Where they read what a setting, a document or a key ring must be like. */
  readonly settings: string;
}

/** What whoever runs a command is told, of an error that reached the end of it; undefined: a bug. */
const troubleOf = (error: unknown, { usage, settings }: Help): CommandTrouble | undefined => {
  if (error instanceof CommandTrouble) return error;
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'ConfigError' || error.name === 'KeyRingError') return new CommandTrouble(error.message, settings);
  const { code } = error as NodeJS.ErrnoException;
  if (code?.startsWith('ERR_PARSE_ARGS')) return new CommandTrouble(error.message, usage);
  return awsTrouble(error, undefined);
};

/** Runs a command to its end. What can be mended is said without a stack trace, with what to do; the exit code is 2 then. */
export const runCommand = async (main: () => Promise<void>, help: Help): Promise<void> => {
  if (process.argv.slice(2).includes('--help')) return console.log(help.usage);
  try {
    await main();
  } catch (error) {
    const trouble = troubleOf(error, help);
    if (trouble === undefined) throw error;
    console.error(`error: ${trouble.message}\nhint: ${trouble.hint}`);
    process.exitCode = 2;
  }
};
