/**
 * The kill switch: `npm run cloud:switch -- off | on | status [--name token-broker] [--region eu-central-1]`. Off, no
 * function of the broker runs, whatever calls it; nothing is lost by that but time (docs/aws.md). On, each runs again with
 * what the deployed template reserves for it.
 */
import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { CommandTrouble, runCommand } from './cloud/command-trouble.ts';
import { functionsOf, isStopped, LONGEST_RUN_MINUTES, mustBeAllThere, start, stop } from './cloud/functions-switch.ts';
import { inRegion, WHICH_BROKER } from './cloud/which-broker.ts';

const USAGE = 'npm run cloud:switch -- off | on | status [--name token-broker] [--region eu-central-1]';

const WISHES = { off: stop, on: start, status: async () => undefined } as const;
type Wish = keyof typeof WISHES;

const isWish = (text: string | undefined): text is Wish => text !== undefined && Object.hasOwn(WISHES, text);

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: WHICH_BROKER,
    allowPositionals: true,
  });
  const [wish] = positionals;
  if (positionals.length !== 1 || !isWish(wish)) throw new CommandTrouble('Say off, on or status.', USAGE);
  const region = inRegion(values.region);
  const functions = await functionsOf(new CloudFormationClient(region), values.name);
  const lambda = new LambdaClient(region);
  const troubles: unknown[] = [];
  for (const one of functions.found) {
    try {
      await WISHES[wish](lambda, one);
      console.log(`${one.name}: ${(await isStopped(lambda, one)) ? 'stopped' : 'runs'}`);
    } catch (error) {
      // One that cannot be switched does not keep the others from it.
      console.log(`${one.name}: unknown`);
      troubles.push(error);
    }
  }
  if (troubles.length > 0) throw troubles[0];
  mustBeAllThere(values.name, functions);
  if (wish === 'off') {
    console.log(`What runs at this moment ends by itself, within ${LONGEST_RUN_MINUTES} minutes.`);
  }
};

await runCommand(main, { usage: USAGE, settings: 'docs/aws.md' });
