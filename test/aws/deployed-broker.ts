import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  GetSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { PYTHON } from '../../scripts/aws-emulators/python-environment.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startBothProviders } from '../fakes/both-providers.ts';
import { startEmulatorProcess } from '../fakes/emulator-process.ts';
import { ensureBuilt } from '../wire/bundles/built.ts';
import { adaptTemplate, type Places } from './adapt-template.ts';
import { startApiFront } from './api-front.ts';
import { synthesizeAssembly } from './synthesize.ts';

/** Checked as a setting, and then replaced by the front's, which has no certificate. */
const SET_URL = 'https://broker.example.test';

/**
 * Not what is set unless somebody chooses: ministack's Secrets Manager is no home for the other one (emulated-aws.ts), nor
 * does it know the condition under which a role may make secrets (`secretsmanager:KmsKeyArn`).
 */
const VAULT = 'envelope';

/** Where `cdk bootstrap` would have made a bucket for what is deployed (CDK guide, bootstrapping). */
const ASSETS = 'cdk-hnb659fds-assets-000000000000-us-east-1';

const ZIP = 'import shutil, sys; shutil.make_archive(sys.argv[1].removesuffix(".zip"), "zip", sys.argv[2])';

interface AssetFile {
  readonly source: { readonly path: string; readonly packaging: 'zip' | 'file' };
}

/** The functions' code, zipped as `cdk deploy` does it, by the name in the template. */
const publishAssets = async (s3: S3Client, folder: string, stackName: string): Promise<void> => {
  const { files } = JSON.parse(readFileSync(join(folder, `${stackName}.assets.json`), 'utf8')) as {
    files: Readonly<Record<string, AssetFile>>;
  };
  for (const [id, { source }] of Object.entries(files)) {
    if (source.packaging !== 'zip') continue;
    const zip = join(folder, `${id}.zip`);
    const { status, stderr } = spawnSync(PYTHON, ['-c', ZIP, zip, join(folder, source.path)], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${source.path} could not be zipped: ${stderr}`);
    await s3.send(new PutObjectCommand({ Bucket: ASSETS, Key: `${id}.zip`, Body: readFileSync(zip) }));
  }
};

const reasonsOf = async (client: CloudFormationClient, StackName: string): Promise<string> => {
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
  return StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED'))
    .map(({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`)
    .join('\n');
};

/** What was made of a stack. */
export interface MadeStack {
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly { readonly type: string; readonly logicalId: string; readonly physicalId: string }[];
}

const createStack = async (client: CloudFormationClient, StackName: string, url: string): Promise<MadeStack> => {
  const Capabilities = ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'] as const;
  await client.send(new CreateStackCommand({ StackName, TemplateURL: url, Capabilities: [...Capabilities] }));
  for (;;) {
    const [stack] = (await client.send(new DescribeStacksCommand({ StackName }))).Stacks ?? [];
    const status = String(stack?.StackStatus);
    if (status === 'CREATE_COMPLETE') {
      const outputs = (stack?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
      const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ StackName }));
      const resources = StackResources.map((made) => ({
        type: made.ResourceType ?? '',
        logicalId: made.LogicalResourceId ?? '',
        physicalId: made.PhysicalResourceId ?? '',
      }));
      return { outputs: Object.fromEntries(outputs), resources };
    }
    if (!status.endsWith('_IN_PROGRESS'))
      throw new Error(`${StackName}: ${status}\n${await reasonsOf(client, StackName)}`);
    await sleep(100);
  }
};

/**
 * ministack gives a secret that the template gives no value an empty one, where AWS gives it none (template reference,
 * AWS::SecretsManager::Secret). It lets go of that, which AWS would not.
 */
const takeEmptyValues = async (client: SecretsManagerClient, secrets: readonly string[]): Promise<void> => {
  for (const SecretId of secrets) {
    const { SecretString, VersionId } = await client.send(new GetSecretValueCommand({ SecretId }));
    if (SecretString !== '') throw new Error(`${SecretId} has a value that nobody gave it`);
    const change = { SecretId, VersionStage: 'AWSCURRENT', RemoveFromVersionId: VersionId };
    await client.send(new UpdateSecretVersionStageCommand(change));
  }
};

/**
 * Both stacks as they are synthesized, made by ministack's CloudFormation; what cannot be taken as it is, adapt-template.ts
 * names. ministack runs the functions with this machine's Node, calls them by its HTTP API, queues and schedules, and
 * holds every request to the role that made it (`AUTH`).
 */
export const deployBroker = async () => {
  await ensureBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'token-broker-deployed-'));
  const front = await startApiFront();
  const standIns = await startBothProviders(folder, front.url);
  const emulator = await startEmulatorProcess('ministack', {
    AUTH: 'true',
    NODE_EXTRA_CA_CERTS: standIns.authorityFile,
  });

  const assembly = synthesizeAssembly({
    publicUrl: SET_URL,
    notificationAddress: 'operator@example.org',
    vault: VAULT,
  });
  const close = async () => {
    await emulator.close();
    await Promise.all([front.close(), standIns.close()]);
    for (const one of [folder, assembly.folder]) rmSync(one, { recursive: true, force: true });
  };
  const client = { ...LOOPBACK_CLIENT, endpoint: emulator.endpoint };
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const cloudFormation = new CloudFormationClient(client);
  const places: Places = {
    publicUrl: { from: SET_URL, to: front.url },
    mailServers: standIns.mailServers,
  };
  const create = async (): Promise<ReadonlyMap<string, MadeStack>> => {
    await s3.send(new CreateBucketCommand({ Bucket: ASSETS }));
    const made = new Map<string, MadeStack>();
    for (const { stackName, template } of assembly.stacks) {
      await publishAssets(s3, assembly.folder, stackName);
      const Body = JSON.stringify(adaptTemplate(template, places));
      await s3.send(new PutObjectCommand({ Bucket: ASSETS, Key: stackName, Body }));
      made.set(stackName, await createStack(cloudFormation, stackName, `${emulator.endpoint}/${ASSETS}/${stackName}`));
    }
    return made;
  };
  const made = await create().catch(async (error) => {
    await close();
    throw error;
  });
  s3.destroy();
  cloudFormation.destroy();
  const [data, rest] = [made.get('token-broker-data'), made.get('token-broker')];
  if (data === undefined || rest === undefined) throw new Error(`stacks: ${[...made.keys()]}`);
  const secrets = new SecretsManagerClient(client);
  await takeEmptyValues(secrets, String(data.outputs.KeyRingSecrets).split(' '));
  secrets.destroy();
  const api = rest.resources.find(({ type }) => type === 'AWS::ApiGatewayV2::Api');
  front.leadTo(emulator.endpoint, String(api?.physicalId));

  const documentFile = join(folder, 'broker.json');
  writeFileSync(documentFile, standIns.document);

  return {
    url: front.url,
    inbox: standIns.inboxUrl,
    endpoint: emulator.endpoint,
    data,
    rest,
    client,
    /** As `npm run cloud:setup -- --config` takes it. */
    documentFile,
    close,
  };
};

export type DeployedBroker = Awaited<ReturnType<typeof deployBroker>>;
