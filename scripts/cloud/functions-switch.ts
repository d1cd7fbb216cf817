import { type CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import {
  DeleteFunctionConcurrencyCommand,
  GetFunctionConcurrencyCommand,
  type LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { SEND_TIMEOUT } from '../../infra/functions/timing.ts';
import { hyphened } from '../../infra/rights/table-access.ts';
import { FUNCTIONS } from '../build.ts';
import { asking, CommandTrouble } from './command-trouble.ts';
import { askingOf, resourcesOf } from './stacks.ts';

export interface SwitchedFunction {
  readonly name: string;
  /** What the template reserves; undefined: nothing. */
  readonly reserved: number | undefined;
}

export interface BrokerFunctions {
  readonly found: readonly SwitchedFunction[];
  /** By name, those that this version has and the stack has not. */
  readonly missing: readonly string[];
}

/** `relay-mail/send` may run longest: what runs at the switch has ended by then. */
export const LONGEST_RUN_MINUTES = SEND_TIMEOUT.toMinutes();

/** Behind the broker's name. */
export const OWN_NAMES = FUNCTIONS.map(hyphened);

interface Template {
  readonly Resources?: Readonly<
    Record<string, { readonly Properties?: { readonly ReservedConcurrentExecutions?: unknown } }>
  >;
}

/** The broker's functions, with what they reserve by the template that was deployed. */
export const functionsOf = async (client: CloudFormationClient, stackName: string): Promise<BrokerFunctions> => {
  const functions = await resourcesOf(client, stackName, 'AWS::Lambda::Function');
  const { TemplateBody = '{}' } = await askingOf(client, stackName, () =>
    client.send(new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Processed' })),
  );
  const { Resources = {} } = JSON.parse(TemplateBody) as Template;
  // A stack may hold functions of CDK's own, which serve deployments; those of the broker are known by their names.
  const own = OWN_NAMES.map((name) => `${stackName}-${name}`);
  const found = [...functions].flatMap(([logicalId, name]) => {
    const reserved = Resources[logicalId]?.Properties?.ReservedConcurrentExecutions;
    return own.includes(name) ? [{ name, reserved: reserved === undefined ? undefined : Number(reserved) }] : [];
  });
  if (found.length === 0) {
    throw new CommandTrouble(`The stack ${stackName} has no functions.`, 'name the broker: --name, --region');
  }
  return { found, missing: own.filter((name) => !found.some((one) => one.name === name)) };
};

/** One that is not seen may run all the same. */
export const mustBeAllThere = (stackName: string, { missing }: BrokerFunctions): void => {
  if (missing.length === 0) return;
  throw new CommandTrouble(
    `The stack ${stackName} does not have ${missing.join(', ')}.`,
    'it is of another version, or was not deployed whole: run this from the version that was deployed, or deploy again',
  );
};

/** Zero is what stops a function: no event reaches it, from anywhere. */
export const stop = (lambda: LambdaClient, { name }: SwitchedFunction): Promise<unknown> =>
  asking(`${name} could not be stopped`, () =>
    lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: 0 })),
  );

export const start = (lambda: LambdaClient, { name, reserved }: SwitchedFunction): Promise<unknown> =>
  asking(`${name} could not be started`, async () => {
    const put = { FunctionName: name, ReservedConcurrentExecutions: reserved };
    if (reserved === undefined) await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: name }));
    else await lambda.send(new PutFunctionConcurrencyCommand(put));
  });

export const isStopped = async (lambda: LambdaClient, { name }: SwitchedFunction): Promise<boolean> => {
  const found = await asking(`${name} could not be looked at`, () =>
    lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: name })),
  );
  return found.ReservedConcurrentExecutions === 0;
};
