import { type CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import { CommandTrouble } from '../cloud/command-trouble.ts';
import { askingOf, dataStackOf } from '../cloud/stacks.ts';

/** A broker as CloudFormation describes it, by the outputs of its two stacks. */
export interface DeployedBroker {
  readonly name: string;
  readonly region: string;
  readonly publicUrl: string;
  readonly keyRingSecrets: readonly string[];
  readonly providerConfigSecret: string;
  readonly adminKeySecret: string;
}

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
  const found = await askingOf(client, stackName, async () => {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    // A stack that is only being thought of.
    return Stacks.find(({ StackStatus }) => StackStatus !== 'REVIEW_IN_PROGRESS');
  });
  usable(found);
  return new Map((found.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
};

const outputOf = (outputs: ReadonlyMap<string, string>, stack: string, key: string): string => {
  const value = outputs.get(key);
  if (value) return value;
  throw new CommandTrouble(
    `The stack ${stack} has no output ${key}: it is of another version.`,
    'deploy this version ("npm run build", "npx cdk deploy --all", with the same settings), and run the same command again',
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
