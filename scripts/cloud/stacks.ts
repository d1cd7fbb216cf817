import { type CloudFormationClient, ListStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { asking, CommandTrouble } from './command-trouble.ts';

export const dataStackOf = (name: string): string => `${name}-data`;

/** CloudFormation has no name of its own for it. */
const isAbsence = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message);

/** What CloudFormation says of a stack; throws `CommandTrouble` where it has none, or says undefined. */
export const askingOf = async <Value>(
  client: CloudFormationClient,
  stackName: string,
  work: () => Promise<Value | undefined>,
): Promise<Value> => {
  const region = await client.config.region();
  const found = await asking(`The stack ${stackName} could not be looked at in ${region}`, async () => {
    try {
      return await work();
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
  if (found !== undefined) return found;
  throw new CommandTrouble(
    `There is no stack ${stackName} in ${region}.`,
    'deploy it ("npx cdk deploy --all"), or name what was deployed: --name, --region, AWS_PROFILE',
  );
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
    const page = await askingOf(client, stackName, () =>
      client.send(new ListStackResourcesCommand({ StackName: stackName, ...(NextToken && { NextToken }) })),
    );
    for (const { ResourceType, LogicalResourceId = '', PhysicalResourceId } of page.StackResourceSummaries ?? []) {
      if (ResourceType === type && PhysicalResourceId) found.set(LogicalResourceId, PhysicalResourceId);
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
};
