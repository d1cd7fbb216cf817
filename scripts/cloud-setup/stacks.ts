import {
  type CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { asking, CommandTrouble } from './command-trouble.ts';

/** A broker as CloudFormation describes it, by the outputs of its two stacks. */
export interface DeployedBroker {
  readonly name: string;
  readonly region: string;
  readonly publicUrl: string;
  readonly keyRingSecrets: readonly string[];
  readonly providerConfigSecret: string;
  readonly adminKeySecret: string;
}

export const dataStackOf = (name: string): string => `${name}-data`;

/** States in which a stack is whole (API reference, Stack): also after a failed change that was taken back. */
const USABLE = [
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
  'UPDATE_ROLLBACK_COMPLETE',
  'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
  'IMPORT_COMPLETE',
  'IMPORT_ROLLBACK_COMPLETE',
];

/** CloudFormation has no name of its own for it. */
const isAbsence = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message);

const usable = ({ StackName: stack, StackStatus }: Stack): void => {
  const status = String(StackStatus);
  if (USABLE.includes(status)) return;
  if (status.endsWith('_IN_PROGRESS')) {
    throw new CommandTrouble(
      `The stack ${stack} is being changed just now (${status}).`,
      'wait until "npx cdk deploy" has ended, and run the same command again',
    );
  }
  throw new CommandTrouble(
    `The stack ${stack} is not whole (${status}).`,
    `its events say why: aws cloudformation describe-stack-events --stack-name ${stack}; then deploy again`,
  );
};

const describe = async (client: CloudFormationClient, stackName: string): Promise<ReadonlyMap<string, string>> => {
  const region = await client.config.region();
  const found = await asking(`The stack ${stackName} could not be looked at in ${region}`, async () => {
    try {
      return (await client.send(new DescribeStacksCommand({ StackName: stackName }))).Stacks?.[0];
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
  if (found === undefined || found.StackStatus === 'REVIEW_IN_PROGRESS') {
    throw new CommandTrouble(
      `There is no stack ${stackName} in ${region}.`,
      'deploy it ("npx cdk deploy --all"), or name what was deployed: --name, --region, AWS_PROFILE',
    );
  }
  usable(found);
  return new Map((found.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
};

const outputOf = (outputs: ReadonlyMap<string, string>, stack: string, key: string): string => {
  const value = outputs.get(key);
  if (value) return value;
  throw new CommandTrouble(
    `The stack ${stack} has no output ${key}: it is of another version.`,
    'deploy this version ("npm run build", "npx cdk deploy --all"), and run the same command again',
  );
};

/** Throws `CommandTrouble` where it is not there, or not whole. */
export const findBroker = async (client: CloudFormationClient, name: string): Promise<DeployedBroker> => {
  const data = await describe(client, dataStackOf(name));
  const rest = await describe(client, name);
  const ofData = (key: string): string => outputOf(data, dataStackOf(name), key);
  return {
    name,
    region: await client.config.region(),
    publicUrl: outputOf(rest, name, 'PublicUrl'),
    keyRingSecrets: ofData('KeyRingSecrets').split(' '),
    providerConfigSecret: ofData('ProviderConfigSecret'),
    adminKeySecret: ofData('AdminKeySecret'),
  };
};

/** Physical ids of a stack's resources of one type, by the names that the template gives them. */
export const resourcesOf = async (
  client: CloudFormationClient,
  stackName: string,
  type: string,
): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  let NextToken: string | undefined;
  do {
    const page = await asking(`The resources of ${stackName} could not be listed`, () =>
      client.send(new ListStackResourcesCommand({ StackName: stackName, ...(NextToken && { NextToken }) })),
    );
    for (const { ResourceType, LogicalResourceId = '', PhysicalResourceId } of page.StackResourceSummaries ?? []) {
      if (ResourceType === type && PhysicalResourceId) found.set(LogicalResourceId, PhysicalResourceId);
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
};
