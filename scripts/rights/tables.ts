/** The tables of docs/security.md: one line for each statement of each role, as the templates have it. */
import { FUNCTIONS } from '../build.ts';
import { functionOf, type InWords, makeInWords } from './in-words.ts';
import { EVERYTHING, type SettingsGiven, synthesizeTemplates } from './synthesize.ts';
import {
  asArray,
  isObject,
  type RoleRead,
  readTemplates,
  type Statement,
  type TemplateReader,
} from './template-reader.ts';

/** The name that a broker has unless it is set. */
const NAME = 'token-broker';

interface Deployed {
  readonly reader: TemplateReader;
  readonly inWords: InWords;
}

const deployed = (settings: SettingsGiven): Deployed => {
  const { templates } = synthesizeTemplates(settings);
  const reader = readTemplates(new Map([...templates].map(([name, template]) => [name, template.toJSON()])));
  return { reader, inWords: makeInWords(reader, NAME) };
};

/** The function whose role it is, or whatever else the role is for. */
const holderOf = ({ role, trusts }: RoleRead, { reader, inWords }: Deployed): string => {
  const lambda = reader
    .ofType('AWS::Lambda::Function')
    .find(({ properties }) => reader.resolved(properties.Role) === `<${role.logicalId}.Arn>`);
  const name = lambda && inWords.shortened(reader.resolved(lambda.properties.FunctionName));
  if (name !== undefined && isFunctions(`\`${functionOf(name)}\``)) return `\`${functionOf(name)}\``;
  const construct = role.logicalId.replace(/[0-9A-F]{8}$/, '').replace(/ForTarget[0-9a-f]+$/, '');
  return `${construct} in \`${role.stack}\`, for ${trusts.map((trust) => `\`${trust}\``).join(', ')}`;
};

const place = (holder: string): number => FUNCTIONS.findIndex((name) => holder.trim() === `\`${name}\``);

const isFunctions = (holder: string): boolean => place(holder) >= 0;

const cells = (...texts: readonly string[]): string => `| ${texts.join(' | ')} |`;

const rowOf = (holder: string, stack: string, statement: Statement, { inWords }: Deployed): string =>
  cells(
    holder,
    `${statement.effect === 'Allow' ? '' : '**not** '}${statement.actions.map((action) => `\`${action}\``).join(', ')}`,
    inWords.resources(statement, stack),
    inWords.conditions(statement, stack),
  );

/** In the order of the functions, and for each by action, so that a change of one right changes one line. */
const rowsOf = (given: Deployed, wanted: (holder: string) => boolean): string[] => {
  const holders = given.reader.rolesRead().map((read) => ({ read, holder: holderOf(read, given) }));
  return holders
    .filter(({ holder }) => wanted(holder))
    .sort((a, b) => place(a.holder) - place(b.holder) || (a.holder < b.holder ? -1 : 1))
    .flatMap(({ read: { role, statements, managedPolicies }, holder }) => [
      ...managedPolicies.map((policy) =>
        cells(holder, `all that ${given.inWords.resource(policy, role.stack)} permits`, '', ''),
      ),
      ...statements.map((statement) => rowOf(holder, role.stack, statement, given)).sort(),
    ]);
};

const POLICIES = [
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::SNS::TopicPolicy',
  'AWS::KMS::Key',
  'AWS::EFS::FileSystem',
];

/** What the resources themselves say, whoever asks. */
const resourcePolicyRows = (given: Deployed): string[] => {
  const { reader, inWords } = given;
  return POLICIES.flatMap((type) => reader.ofType(type)).flatMap(({ stack, logicalId, properties }) => {
    const { PolicyDocument, KeyPolicy, FileSystemPolicy, Bucket, Queues, Topics } = properties;
    const holders = [Bucket, ...asArray(Queues), ...asArray(Topics)].filter(isObject).map(reader.resolved);
    const held = (holders.length > 0 ? holders : [`<${logicalId}>`]).map((one) => inWords.resource(one, stack)).join();
    return reader
      .statementsOf(PolicyDocument ?? KeyPolicy ?? FileSystemPolicy)
      .map((statement) =>
        cells(
          held,
          `${statement.effect === 'Allow' ? '' : '**not** '}${statement.actions.map((action) => `\`${action}\``).join(', ')}`,
          statement.principals.map((one) => (one === '*' ? 'everybody' : inWords.resource(one, stack))).join(', '),
          inWords.conditions(statement, stack),
        ),
      );
  });
};

const table = (head: readonly string[], rows: readonly string[]): string[] => [
  cells(...head),
  cells(...head.map(() => '---')),
  ...rows,
];

const RIGHTS = ['who', 'may', 'on', 'as long as'];
const CHANGES = ['', ...RIGHTS];

/** What is in one and not in the other: `−` and `+` before the line. */
const differences = (before: readonly string[], after: readonly string[]): string[] => [
  ...before.filter((row) => !after.includes(row)).map((row) => `| − ${row}`),
  ...after.filter((row) => !before.includes(row)).map((row) => `| + ${row}`),
];

const byHolder = (rows: readonly string[]): string[] =>
  rows.toSorted((a, b) => place(a.split('|')[2] ?? '') - place(b.split('|')[2] ?? ''));

/** Which service may call which function, and for what: where nothing is named, a role of its own says it above. */
const callerRows = ({ reader, inWords }: Deployed): string[] => {
  const calls = reader.ofType('AWS::Lambda::Permission').map(({ stack, properties }) => ({
    to: inWords.resource(reader.resolved(properties.FunctionName), stack),
    by: `\`${reader.resolved(properties.Principal)}\``,
    from: reader.resolved(properties.SourceArn ?? ''),
  }));
  const pairs = new Set(calls.map(({ to, by }) => cells(to, by)));
  return [...pairs].sort().map((pair) => {
    const sources = calls.filter(({ to, by }) => cells(to, by) === pair).map(({ from }) => sourceWord(from));
    return `${pair} ${[...new Set(sources)].sort().join(', ')} |`;
  });
};

/** `arn:…:execute-api:…:<Api>/*\/*\/oauth/token`: any stage, any method, that path. */
const sourceWord = (source: string): string => {
  const [, path] = /:execute-api:.*>(?:\/[^/]*){2}(\/.*)?$/.exec(source) ?? [];
  if (source.includes(':execute-api:')) return path === undefined ? 'every other path' : `\`${path}\``;
  return source === '' ? '**anything**' : `\`${source.replaceAll(/<AWS::(\w+)>/g, '$1')}\``;
};

/** The generated part of the page, line by line. */
export const rightsTables = (): string[] => {
  const usual = deployed({});
  const everything = deployed(EVERYTHING);
  const functions = rowsOf(usual, isFunctions);
  const changes = (settings: SettingsGiven) =>
    byHolder(differences(functions, rowsOf(deployed(settings), isFunctions)));
  return [
    '### Functions',
    '',
    ...table(RIGHTS, functions),
    '',
    '### What the envelope vault changes',
    '',
    ...table(CHANGES, changes({ vault: 'envelope' })),
    '',
    '### What options change for functions',
    '',
    'Fixed addresses (`staticEgress`), rollout by and by (`rollout`) and traces (`tracing`), all switched on.',
    '',
    ...table(CHANGES, byHolder(differences(functions, rowsOf(everything, isFunctions)))),
    '',
    '### Other roles',
    '',
    'With every option switched on; without them there are those of the schedules alone.',
    '',
    ...table(
      RIGHTS,
      rowsOf(everything, (holder) => !isFunctions(holder)),
    ),
    '',
    '### Who may call a function',
    '',
    'Queues and schedules are not in here: a function fetches from its queue itself, and a schedule has a role above.',
    '',
    ...table(['function', 'called by', 'for'], callerRows(usual)),
    '',
    '### Policies of the resources themselves',
    '',
    ...table(['of', 'says', 'to', 'as long as'], resourcePolicyRows(everything)),
    '',
  ];
};
