/** What a policy says, in words: which table, queue or secret a reference leads to, and what a condition asks. */
import { hyphened } from '../../infra/rights/table-access.ts';
import { FUNCTIONS } from '../build.ts';
import type { Resource, Statement, TemplateReader } from './template-reader.ts';

const words = (construct: string): string => construct.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();

/** `GrantQueueA21E0349` was the construct `GrantQueue`. */
const constructOf = (logicalId: string): string => words(logicalId.replace(/[0-9A-F]{8}$/, ''));

/** The folder below `functions/`, from what is left of the function's name. */
export const functionOf = (name: string): string => FUNCTIONS.find((one) => hyphened(one) === name) ?? name;

const LAMBDA_LOGS = '/aws/lambda/';

const logWord = (name: string): string => {
  if (name.startsWith(LAMBDA_LOGS)) return `log of \`${functionOf(name.slice(LAMBDA_LOGS.length))}\``;
  return name === '' ? 'log' : `log \`${name}\``;
};

/** By type of resource; others are shown as they are. `name` gives a property as text. */
const KINDS: { readonly [type: string]: (resource: Resource, name: (property: string) => string) => string } = {
  'AWS::DynamoDB::Table': () => 'table',
  'AWS::S3::Bucket': () => 'bucket',
  'AWS::SQS::Queue': ({ logicalId }) => constructOf(logicalId),
  'AWS::SNS::Topic': ({ logicalId }) => constructOf(logicalId),
  'AWS::KMS::Key': ({ logicalId }) => constructOf(logicalId),
  'AWS::SecretsManager::Secret': (_secret, name) => `secret \`${name('Name')}\``,
  'AWS::Lambda::Function': (_function, name) => `function \`${functionOf(name('FunctionName'))}\``,
  'AWS::Lambda::Alias': (_alias, name) => `\`${name('Name')}\` of ${name('FunctionName')}`,
  'AWS::Logs::LogGroup': (_group, name) => logWord(name('LogGroupName')),
  'AWS::EFS::FileSystem': ({ logicalId }) => `file system ${constructOf(logicalId)}`,
  'AWS::EFS::AccessPoint': ({ logicalId }) => `access point ${constructOf(logicalId)}`,
};

/** What follows the reference to a resource, where it names a part of it. */
const PARTS: readonly (readonly [pattern: RegExp, said: (whole: string, part: string) => string])[] = [
  [/^\/index\/(\w+)$/, (whole, part) => `index \`${part}\` of the ${whole}`],
  [/^\/(\w+\/\*)$/, (whole, part) => `\`${part}\` in the ${whole}`],
  [/^:\*$/, (whole) => `any version of ${whole}`],
  [/^:(\w+)$/, (whole, part) => `\`${part}\` of ${whole}`],
];

/** A condition whose meaning has a shorter name; with another operator it is written out. */
const CONDITIONS: { readonly [condition: string]: (values: readonly string[]) => string } = {
  'ForAllValues:StringLike dynamodb:LeadingKeys': (values) =>
    `partitions ${values.map((value) => `\`${value}\``).join(', ')}`,
  'StringEquals kms:EncryptionContext:SecretARN': (values) => `for ${values.join(', ')}`,
  'StringLike kms:EncryptionContext:SecretARN': (values) => `for ${values.join(', ')}`,
  'StringEquals secretsmanager:KmsKeyArn': (values) => `encrypted under the ${values.join(', ')}`,
  'Bool aws:SecureTransport': ([value]) => (value === 'false' ? 'without TLS' : 'over TLS'),
};

const viaService = (values: readonly string[]): string | undefined =>
  values.join() === 'secretsmanager.<AWS::Region>.amazonaws.com' ? 'by way of Secrets Manager' : undefined;

export const makeInWords = (reader: TemplateReader, brokerName: string) => {
  const shortened = (text: string): string => text.replaceAll(`${brokerName}/`, '').replaceAll(`${brokerName}-`, '');

  const wordFor = (logicalId: string, stack: string): string | undefined => {
    const found = reader.resources.filter((resource) => resource.logicalId === logicalId);
    const resource = found.find((one) => one.stack === stack) ?? found[0];
    if (resource === undefined) return undefined;
    return KINDS[resource.type]?.(resource, (property) => {
      const value = reader.resolved(resource.properties[property] ?? '');
      return value.startsWith('<') ? resourceWord(value, stack) : shortened(value);
    });
  };

  /** A resource of a policy, as `resolved` gives it. */
  const resourceWord = (text: string, stack: string): string => {
    const [, logicalId = '', rest = ''] = /^<(\w+)(?:\.\w+)?>(.*)$/.exec(text) ?? [];
    const word = wordFor(logicalId, stack);
    const part = PARTS.find(([pattern]) => pattern.test(rest));
    if (word !== undefined && rest === '') return word;
    if (word !== undefined && part !== undefined) return part[1](word, part[0].exec(rest)?.[1] ?? '');
    const [, secret] = /:secret:(.*)$/.exec(text) ?? [];
    if (secret !== undefined) return `${secret.endsWith('*') ? 'secrets' : 'secret'} \`${shortened(secret)}\``;
    if (text === '*') return 'everything';
    return `\`${text.replaceAll(/<AWS::(\w+)>/g, '$1').replaceAll(/<(\w+)>/g, (_whole, id) => `<${constructOf(id)}>`)}\``;
  };

  const conditionWord = (condition: string, values: readonly string[], stack: string): string => {
    const said = values.map((value) => (/^<|^arn:/.test(value) ? resourceWord(value, stack) : value));
    const via = condition === 'StringEquals kms:ViaService' ? viaService(values) : undefined;
    return (
      via ??
      CONDITIONS[condition]?.(said) ??
      `\`${condition}\` is ${said.map((one) => one.replace(/^[^`]*$/, '`$&`')).join(' or ')}`
    );
  };

  return {
    resources: ({ resources }: Statement, stack: string): string =>
      resources.map((resource) => resourceWord(resource, stack)).join(', '),
    conditions: ({ conditions }: Statement, stack: string): string =>
      Object.entries(conditions)
        .flatMap(([operator, keys]) =>
          Object.entries(keys).map(([key, values]) => conditionWord(`${operator} ${key}`, values, stack)),
        )
        .join('; '),
    resource: resourceWord,
    shortened,
  };
};

export type InWords = ReturnType<typeof makeInWords>;
