/**
 * The kill switch: `npm run cloud:switch -- off | on | status [--name token-broker] [--region eu-central-1]`. Off, no
 * function of the broker runs, whatever calls it; nothing is lost by that but time (docs/aws.md). On, each runs again with
 * what the deployed template reserves for it.
 */
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { functionsOf, isStopped, LONGEST_RUN_MINUTES, start, stop } from './cloud-restore/functions-switch.ts';
import { CommandTrouble, runCommand } from './cloud-setup/command-trouble.ts';

const USAGE = 'npm run cloud:switch -- off | on | status [--name token-broker] [--region eu-central-1]';

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: { name: { type: 'string', default: 'token-broker' }, region: { type: 'string' } },
    allowPositionals: true,
  });
  const [wish] = positionals;
  if (positionals.length !== 1 || (wish !== 'off' && wish !== 'on' && wish !== 'status')) {
    throw new CommandTrouble('Say off, on or status.', USAGE);
  }
  const region = values.region === undefined ? {} : { region: values.region };
  const functions = await functionsOf(new CloudFormationClient(region), values.name);
  const lambda = new LambdaClient(region);
  for (const one of functions) {
    if (wish === 'off') await stop(lambda, one);
    if (wish === 'on') await start(lambda, one);
    console.log(`${one.name}: ${(await isStopped(lambda, one)) ? 'stopped' : 'runs'}`);
  }
  if (wish === 'off') {
    console.log(`What runs at this moment ends by itself, within ${LONGEST_RUN_MINUTES} minutes.`);
  }
};

await runCommand(main);
