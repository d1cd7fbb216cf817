/**
 * Brings back what a table holds that was restored to a point in time: docs/aws-backup.md. `npm run cloud:restore --
 * --from <restored table> [--replace] [--name token-broker] [--region eu-central-1] [--dry-run] [--yes]`. Where `--from` is
 * the broker's own table, that is itself a restored one, and is made fit to be used.
 */
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { agreed } from './cloud/agreed.ts';
import { asking, CommandTrouble, runCommand } from './cloud/command-trouble.ts';
import { functionsOf, isStopped, LONGEST_RUN_MINUTES, mustBeAllThere } from './cloud/functions-switch.ts';
import { dataStackOf, resourcesOf } from './cloud/stacks.ts';
import { inRegion, WHICH_BROKER } from './cloud/which-broker.ts';
import { type Mode, type RestoreOptions, restoreTable, type Tally } from './cloud-restore/restore.ts';

const USAGE = `npm run cloud:restore -- --from TABLE [options]

  --from TABLE      the restored table; the broker's own where that is a restored one (docs/aws-backup.md)
  --replace         what people have decided becomes as it was then
  --name NAME       the broker's name, as it was deployed (token-broker)
  --region REGION   where it was deployed (AWS_REGION, or the profile's)
  --dry-run         only say what would be done
  --yes             do it without asking`;

const OPTIONS = {
  ...WHICH_BROKER,
  from: { type: 'string' },
  replace: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
} as const;

const MODES: Readonly<Record<Mode, string>> = {
  missing: 'What is gone comes back, with all that belongs to it. What is there is not touched.',
  replace: 'What people have decided becomes as it was then. What happened since to mail and sign-ins is kept.',
  'in-place': 'The table is itself a restored one: what must not come back of it is removed.',
};

/** More names than anybody reads. */
const MOST_NAMES = 50;

const tableOf = async (client: CloudFormationClient, name: string): Promise<string> => {
  const tables = [...(await resourcesOf(client, dataStackOf(name), 'AWS::DynamoDB::Table')).values()];
  const [only] = tables;
  if (only !== undefined && tables.length === 1) return only;
  throw new CommandTrouble(`The stack ${dataStackOf(name)} has ${tables.length} tables.`, 'it must be one of a broker');
};

const mustBeThere = async (client: DynamoDBClient, TableName: string): Promise<void> => {
  const { Table } = await asking(`The table ${TableName} could not be looked at`, async () => {
    try {
      return await client.send(new DescribeTableCommand({ TableName }));
    } catch (error) {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return { Table: undefined };
      throw error;
    }
  });
  if (Table?.TableStatus === 'ACTIVE') return;
  throw new CommandTrouble(
    Table === undefined ? `There is no table ${TableName}.` : `The table ${TableName} is ${Table.TableStatus}.`,
    'restore it first, and wait until it is ACTIVE (docs/aws-backup.md)',
  );
};

/** As it is to be typed: whatever else the shell has set, it is the same broker. */
const switchCommand = async (wish: 'on' | 'off', cloudFormation: CloudFormationClient, name: string): Promise<string> =>
  `npm run cloud:switch -- ${wish} --name ${name} --region ${await cloudFormation.config.region()}`;

const mustBeStopped = async (cloudFormation: CloudFormationClient, lambda: LambdaClient, name: string) => {
  const functions = await functionsOf(cloudFormation, name);
  mustBeAllThere(name, functions);
  for (const one of functions.found) {
    if (await isStopped(lambda, one)) continue;
    throw new CommandTrouble(
      `${one.name} may still run.`,
      `stop the broker: ${await switchCommand('off', cloudFormation, name)}; then wait for ${LONGEST_RUN_MINUTES} minutes`,
    );
  }
};

const lines = (counts: ReadonlyMap<string, number>, what: string): readonly string[] =>
  [...counts].toSorted().map(([type, n]) => `  ${String(n).padStart(8)} ${what} ${type}`);

const tell = (tally: Tally, done: string, gone: string): void => {
  const { written, removed, named, endedUnknown } = tally;
  for (const line of [...lines(written, done), ...lines(removed, gone)]) console.log(line);
  for (const { what, id, name } of named.slice(0, MOST_NAMES)) console.log(`  ${what}  ${id}  ${name}`);
  if (named.length > MOST_NAMES) console.log(`  and ${named.length - MOST_NAMES} more`);
  if (endedUnknown > 0) {
    console.log(
      `  ${endedUnknown} messages waited to be sent then. Nobody knows whether they were since, so none is sent again by`,
      '\n  itself: look through those that failed with "outcome_unknown", and resend what is missing.',
    );
  }
  if (written.size + removed.size === 0) console.log('  nothing to do');
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({ args: process.argv.slice(2), options: OPTIONS });
  const { from, name, replace, yes, 'dry-run': dryRun } = values;
  if (from === undefined) throw new CommandTrouble('--from is missing.', 'name the restored table: --from <table>');
  const region = inRegion(values.region);
  const cloudFormation = new CloudFormationClient(region);
  const client = new DynamoDBClient(region);
  const to = await tableOf(cloudFormation, name);
  const mode: Mode = from === to ? 'in-place' : replace ? 'replace' : 'missing';
  await mustBeThere(client, from);
  await mustBeThere(client, to);
  const options: RestoreOptions = { client, from, to, mode, now: Math.floor(Date.now() / 1000), dryRun };
  console.log(`From ${from} to ${to}. ${MODES[mode]}`);
  tell(await restoreTable({ ...options, dryRun: true }), 'would be written:', 'would be removed:');
  if (dryRun) return;
  await mustBeStopped(cloudFormation, new LambdaClient(region), name);
  if (!yes && !(await agreed('Do it?'))) throw new CommandTrouble('Nothing was changed.', 'run it again with --yes');
  await restoreTable(options);
  console.log(`Done. Start the broker again: ${await switchCommand('on', cloudFormation, name)}`);
};

await runCommand(main, { usage: USAGE, settings: 'docs/aws-backup.md' });
