/**
 * The first run in AWS, and any later one: fills empty key rings, checks the provider document and stores it, and looks
 * whether the broker answers. docs/aws.md. `npm run cloud:setup -- [--name token-broker] [--region eu-central-1]
 * [--config broker.json] [--yes] [--unchecked] [--show-admin-key]`. Changes nothing that is right.
 */
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretText } from '../shared/adapters/secrets-manager/secret-text.ts';
import { PROVIDERS } from '../shared/domain/provider.ts';
import { agreed } from './cloud/agreed.ts';
import { asking, CommandTrouble, runCommand } from './cloud/command-trouble.ts';
import { inRegion, WHICH_BROKER } from './cloud/which-broker.ts';
import { type DeployedBroker, findBroker } from './cloud-setup/deployed-broker.ts';
import { askMetadata, askRegistrations } from './cloud-setup/from-outside.ts';
import { fillKeyRing } from './cloud-setup/key-rings.ts';
import {
  changesTo,
  hasFormer,
  isEmpty,
  type ProviderDocument,
  readDocument,
  type StoredDocument,
  storeDocument,
  storedDocument,
  unusedIn,
} from './cloud-setup/provider-document.ts';
import { checkRegistrations, isRefused } from './cloud-setup/registrations.ts';
import { reportLines } from './cloud-setup/report.ts';

const USAGE = `npm run cloud:setup -- [options]

  --name NAME         the broker's name, as it was deployed (token-broker)
  --region REGION     where it was deployed (AWS_REGION, or the profile's)
  --config FILE       the provider document (docs/configuration.md)
  --yes               replace a stored document without asking
  --unchecked         store the document although a provider refuses a registration
  --show-admin-key    print the key to the console

0: everything is right. 1: something is not, and was said. 2: nothing of the document was stored.`;

const OPTIONS = {
  ...WHICH_BROKER,
  config: { type: 'string' },
  yes: { type: 'boolean', default: false },
  unchecked: { type: 'boolean', default: false },
  'show-admin-key': { type: 'boolean', default: false },
} as const;

type Options = ReturnType<typeof optionsOf>;

const optionsOf = () => parseArgs({ args: process.argv.slice(2), options: OPTIONS }).values;

const say = (...lines: readonly string[]): void => console.log(lines.join('\n'));

/** Not right, but nothing that keeps from going on. */
const complain = (what: string, hint: string): void => {
  console.error(`error: ${what}\nhint: ${hint}`);
  process.exitCode = 1;
};

const nameOfSecret = (arn: string): string => arn.replace(/^.*:secret:/, '').replace(/-[A-Za-z0-9]{6}$/, '');

const fillKeyRings = async (secrets: SecretsManagerClient, { keyRingSecrets }: DeployedBroker): Promise<void> => {
  for (const arn of keyRingSecrets) {
    const outcome = await asking(`The key ring ${nameOfSecret(arn)} could not be filled`, () =>
      fillKeyRing(secrets, arn),
    );
    say(`${nameOfSecret(arn)}: ${outcome === 'made' ? 'made a key' : 'has keys; left as it is'}`);
  }
};

const mayReplace = async (changes: readonly string[], { yes }: Options): Promise<boolean> => {
  say('The stored document is another one. What would change (+ new, - gone, ~ another value):');
  say(...changes.map((line) => `  ${line}`));
  return yes || agreed('Replace it?');
};

/** Says what the providers answer. False: they refuse a registration. */
const checkAtProviders = async (document: Pick<ProviderDocument, 'config'>, broker: DeployedBroker) => {
  const reports = await checkRegistrations(document.config, broker.publicUrl);
  for (const report of reports) say(...reportLines(report));
  if (
    reports.some(({ redirect, secrets }) => redirect.is === 'missing' || secrets.some(({ is }) => is === 'refused'))
  ) {
    process.exitCode = 1;
  }
  return !reports.some(isRefused);
};

const takeDocument = async (
  document: ProviderDocument,
  stored: StoredDocument,
  { secrets, broker, options }: { secrets: SecretsManagerClient; broker: DeployedBroker; options: Options },
): Promise<void> => {
  const unused = unusedIn(document);
  if (unused.length > 0) say(`note: in AWS these fields have no effect: ${unused.join(', ')}`);
  const accepted = await checkAtProviders(document, broker);
  const changes = changesTo(document, stored);
  if (changes.length === 0) return say('The provider document is stored already; left as it is.');
  if (!accepted && !options.unchecked) {
    throw new CommandTrouble(
      'A provider refuses what the document says; nothing was stored.',
      'mend it, and run the same command again; or store it all the same with --unchecked',
    );
  }
  if (!isEmpty(stored) && !(await mayReplace(changes, options))) {
    throw new CommandTrouble('The stored document was left as it is.', 'run it again with --yes to replace it');
  }
  await storeDocument(secrets, broker.providerConfigSecret, document);
  say(
    `Stored in ${nameOfSecret(broker.providerConfigSecret)}; the version before has the label AWSPREVIOUS there.`,
    'Functions that start read it at once, those that run within five minutes.',
  );
};

const tellRegistration = (broker: DeployedBroker, former: boolean): void => {
  const { publicUrl, region, providerConfigSecret: secret } = broker;
  const read = `aws secretsmanager get-secret-value --region ${region} --secret-id ${secret} --version-stage AWSPREVIOUS`;
  if (former) {
    say(
      '',
      'The stored provider document is empty, but the version before it was not. To get that back, write it to a file',
      `and store it with --config:  ${read} --query SecretString --output text > broker.json`,
    );
  }
  say(
    '',
    'No provider is configured yet. Register an app with each provider that you use (docs/configuration.md),',
    'with these redirect URIs, letter by letter:',
    ...PROVIDERS.map((provider) => `  ${provider.padEnd(10)} ${publicUrl}/oauth/callback/${provider}`),
    'Then write client ids and secrets into a file, and go on with:  npm run cloud:setup -- --config broker.json',
  );
};

/** Undefined: it cannot be had, which is said. The document is stored by then, so that is no reason to break off. */
const adminKeyOf = async (secrets: SecretsManagerClient, { adminKeySecret }: DeployedBroker) => {
  try {
    return (await asking('The admin key could not be read', () => secretText(secrets, adminKeySecret))).trim();
  } catch (error) {
    if (!(error instanceof CommandTrouble)) throw error;
    complain(error.message, error.hint);
    return undefined;
  }
};

const lookFromOutside = async ({ publicUrl }: DeployedBroker, adminKey: string | undefined): Promise<void> => {
  const metadata = await askMetadata(publicUrl);
  if (metadata.is === 'wrong') {
    complain(metadata.what, 'docs/aws.md, "When something does not work"; for an own domain, its DNS record first');
    return;
  }
  say(`${publicUrl} answers.`);
  if (adminKey === undefined) return;
  const listed = await askRegistrations(publicUrl, adminKey);
  if (listed.is === 'wrong') complain(listed.what, 'the log group of the function admin says why (docs/aws.md)');
  else say('The admin API answers with the key of its secret.');
};

const farewell = ({ publicUrl, region, adminKeySecret }: DeployedBroker, adminKey: string | undefined): void =>
  say(
    '',
    `Console:    ${publicUrl}/`,
    adminKey === undefined
      ? `Its key:    aws secretsmanager get-secret-value --region ${region} --secret-id ${adminKeySecret} --query SecretString --output text`
      : `Its key:    ${adminKey}`,
    'Next:       make an organization and a mailbox there, and sign it in (docs/aws.md, "The first token").',
  );

const main = async (): Promise<void> => {
  const options = optionsOf();
  // Before anything is asked of AWS: a slip in the document needs no credentials to be found.
  const document = options.config === undefined ? undefined : readDocument(options.config);
  const broker = await findBroker(new CloudFormationClient(inRegion(options.region)), options.name);
  say(`${broker.name} in ${broker.region}: ${broker.publicUrl}`);
  const secrets = new SecretsManagerClient({ region: broker.region });
  await fillKeyRings(secrets, broker);
  const stored = await storedDocument(secrets, broker.providerConfigSecret);
  if (document !== undefined) await takeDocument(document, stored, { secrets, broker, options });
  else if (stored.config === undefined) {
    complain(
      'The stored provider document cannot be read by the functions.',
      'store a right one: --config broker.json',
    );
  } else if (isEmpty(stored)) tellRegistration(broker, await hasFormer(secrets, broker.providerConfigSecret));
  else await checkAtProviders({ config: stored.config }, broker);
  const adminKey = await adminKeyOf(secrets, broker);
  await lookFromOutside(broker, adminKey);
  farewell(broker, options['show-admin-key'] ? adminKey : undefined);
};

await runCommand(main, { usage: USAGE, settings: 'nothing was changed; docs/configuration.md' });
