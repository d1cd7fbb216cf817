import { type CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import {
  DeleteFunctionConcurrencyCommand,
  GetFunctionConcurrencyCommand,
  type LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import { asking, CommandTrouble } from '../cloud-setup/command-trouble.ts';
import { resourcesOf } from '../cloud-setup/stacks.ts';

export interface SwitchedFunction {
  readonly name: string;
  /** What the template reserves; undefined: nothing. */
  readonly reserved: number | undefined;
}

/** The one that may run longest, `relay-mail/send` (infra/functions/timing.ts): what runs at the switch has ended by then. */
export const LONGEST_RUN_MINUTES = 15;

/** Behind the broker's name. */
export const OWN_NAMES = [
  'fetch-token',
  'register-device',
  'sign-in',
  'refresh-grants-sweep',
  'refresh-grants-worker',
  'relay-mail-accept',
  'relay-mail-send',
  'relay-mail-test',
  'relay-mail-gateway',
  'notify',
  'admin',
];

interface Template {
  readonly Resources?: Readonly<
    Record<string, { readonly Properties?: { readonly ReservedConcurrentExecutions?: unknown } }>
  >;
}

/** The broker's functions, with what they reserve by the template that was deployed. */
export const functionsOf = async (
  client: CloudFormationClient,
  stackName: string,
): Promise<readonly SwitchedFunction[]> => {
  const found = await resourcesOf(client, stackName, 'AWS::Lambda::Function');
  const { TemplateBody = '{}' } = await asking('The deployed template could not be read', () =>
    client.send(new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Processed' })),
  );
  const { Resources = {} } = JSON.parse(TemplateBody) as Template;
  // A stack may hold functions of CDK's own, which serve deployments; those of the broker are known by their names.
  const functions = [...found].flatMap(([logicalId, name]) => {
    const reserved = Resources[logicalId]?.Properties?.ReservedConcurrentExecutions;
    const isOwn = OWN_NAMES.some((own) => name === `${stackName}-${own}`);
    return isOwn ? [{ name, reserved: reserved === undefined ? undefined : Number(reserved) }] : [];
  });
  if (functions.length > 0) return functions;
  throw new CommandTrouble(`The stack ${stackName} has no functions.`, 'name the broker: --name, --region');
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
