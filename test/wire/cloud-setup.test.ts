import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type StandIns, startStandIns } from '../../local/stand-ins/start.ts';
import { parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { AwsError, type AwsReply, type Emulator, errorReply, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { type FakeStack, startCloudFormation } from '../fakes/cloudformation.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';
import { type ScriptedTokenEndpoint, startScriptedTokenEndpoint } from '../fakes/token-endpoint.ts';
import { ADMIN_KEY, type WireBroker, wireBroker } from './support.ts';

const SETUP = fileURLToPath(new URL('../../scripts/cloud-setup.ts', import.meta.url));
const RINGS = ['broker/access-token-keys', 'broker/vault-keys', 'broker/webhook-keys'];
const CONFIG = 'broker/provider-config';
const WRONG_SECRET = 'a-secret-that-is-wrong-7Jq';

const NO_VALUE = new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret value.");
const DENIED = errorReply(new AwsError('AccessDeniedException', 'User: somebody is not authorized'));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

describe('npm run cloud:setup', () => {
  let folder: string;
  let broker: WireBroker;
  let standIns: StandIns;
  let cloudFormation: Emulator;
  let secretsManager: Emulator;
  let secrets: SecretsManagerClient;
  let scripted: ScriptedTokenEndpoint;
  const stacks = new Map<string, FakeStack>();
  const arns = new Map<string, string>();
  /** Secrets that have no value yet, as CloudFormation makes them; the emulator knows only secrets with one. */
  const empty = new Set<string>();
  const faults: { of?: (operation: string, secretId: string) => AwsReply | undefined } = {};

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-broker-setup-'));
    broker = await wireBroker();
    standIns = await startStandIns({
      providers: ['microsoft', 'google'],
      host: '127.0.0.1',
      httpPort: 0,
      smtpPort: 0,
      folder,
      // Google's has another one.
      redirectUris: {
        microsoft: [`${broker.url}/oauth/callback/microsoft`],
        google: ['https://another.example/oauth/callback/google'],
      },
    });
    scripted = await startScriptedTokenEndpoint();
    cloudFormation = await startCloudFormation(stacks);
    secretsManager = await startSecretsManager({
      injectFault({ operation, input }) {
        const secretId = String(input.SecretId);
        const fault = faults.of?.(operation, secretId);
        if (fault !== undefined) return fault;
        if (operation === 'PutSecretValue') empty.delete(secretId);
        return operation === 'GetSecretValue' && empty.has(secretId) ? errorReply(NO_VALUE) : undefined;
      },
    });
    secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: secretsManager.endpoint });
    for (const [Name, SecretString] of [
      ...RINGS.map((name) => [name, '-'] as const),
      [CONFIG, '{}'] as const,
      ['broker/admin-key', ADMIN_KEY] as const,
    ]) {
      const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name, SecretString }));
      arns.set(Name, ARN);
    }
    for (const name of [...RINGS, CONFIG]) empty.add(arns.get(name) ?? '');
  });

  beforeEach(async () => {
    delete faults.of;
    stacks.clear();
    const outputs = {
      KeyRingSecrets: RINGS.map((name) => arns.get(name)).join(' '),
      ProviderConfigSecret: arns.get(CONFIG) ?? '',
      AdminKeySecret: arns.get('broker/admin-key') ?? '',
    };
    stacks.set('broker-data', { status: 'CREATE_COMPLETE', outputs });
    stacks.set('broker', { status: 'UPDATE_COMPLETE', outputs: { PublicUrl: broker.url } });
    const isStored = !empty.has(arns.get(CONFIG) ?? '');
    if (isStored) await secrets.send(new PutSecretValueCommand({ SecretId: CONFIG, SecretString: '{}' }));
  });

  after(async () => {
    secrets.destroy();
    await Promise.all([broker.close(), standIns.close(), scripted.close()]);
    await Promise.all([cloudFormation.close(), secretsManager.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** Whatever it says, it says no secret. */
  const setup = async (args: readonly string[], env: Record<string, string | undefined> = {}): Promise<Run> => {
    const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };
    const child = spawn(process.execPath, [SETUP, '--name', 'broker', ...args], {
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_MAX_ATTEMPTS: '1',
        AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
        ...credentials,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    const { microsoft } = standIns.providers;
    for (const secret of [microsoft?.client_secret ?? '', WRONG_SECRET])
      assert.ok(!`${out}${err}`.includes(secret), secret);
    if (!args.includes('--show-admin-key')) assert.ok(!`${out}${err}`.includes(ADMIN_KEY));
    return { code, out, err };
  };

  const document = async (providers: unknown): Promise<string> => {
    const path = join(folder, 'broker.json');
    await writeFile(path, typeof providers === 'string' ? providers : JSON.stringify({ providers }));
    return path;
  };

  const microsoft = (change: Readonly<Record<string, unknown>> = {}) => {
    const { client_id, client_secret, endpoints } = standIns.providers.microsoft ?? {};
    return { client_id, client_secret, endpoints, ...change };
  };

  const google = () => {
    const { client_id, client_secret, endpoints } = standIns.providers.google ?? {};
    return { client_id, client_secret, endpoints };
  };

  const storedText = async (label = 'AWSCURRENT'): Promise<string> =>
    (await secrets.send(new GetSecretValueCommand({ SecretId: CONFIG, VersionStage: label }))).SecretString ?? '';

  it('fills empty key rings, and says which redirect URIs to register', async () => {
    const { code, out, err } = await setup([]);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /broker\/vault-keys: made a key/);
    assert.ok(out.includes(`${broker.url}/oauth/callback/microsoft`));
    assert.ok(out.includes(`${broker.url}/oauth/callback/google`));
    assert.ok(out.includes(`--secret-id ${arns.get('broker/admin-key')}`));
    for (const SecretId of RINGS) {
      const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      assert.equal(parseKeySet(SecretString, 'the test').keys.size, 1);
    }
  });

  it('changes nothing when it is run again', async () => {
    await setup([]);
    const read = () => Promise.all(RINGS.map((SecretId) => secrets.send(new GetSecretValueCommand({ SecretId }))));
    const versions = async () => (await read()).map(({ VersionId }) => VersionId);
    const before = await versions();
    const config = await document({ microsoft: microsoft() });
    assert.equal((await setup(['--config', config])).code, 0);
    const { out, code } = await setup(['--config', config]);
    assert.equal(code, 0);
    assert.match(out, /has keys; left as it is/);
    assert.match(out, /stored already; left as it is/);
    assert.deepEqual(await versions(), before);
  });

  it('proves client and redirect URI with the provider, stores the document, and finds the broker', async () => {
    const { code, out, err } = await setup(['--config', await document({ microsoft: microsoft() })]);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /ok +client id and secret: the provider accepts it/);
    assert.match(out, /ok +redirect URI/);
    assert.match(out, /The admin API answers with the key of its secret/);
    assert.deepEqual(JSON.parse(await storedText()).providers.microsoft.client_id, microsoft().client_id);
    assert.equal(await storedText('AWSPREVIOUS'), '{}');
  });

  it('stores nothing that a provider refuses, unless it is told to', async () => {
    const config = await document({ microsoft: microsoft({ client_secret: WRONG_SECRET }) });
    const refused = await setup(['--config', config]);
    assert.equal(refused.code, 2);
    assert.match(refused.out, /REFUSED +client id and secret: The client secret is wrong.*AADSTS7000215/);
    assert.match(refused.err, /nothing was stored/);
    assert.equal(await storedText(), '{}');
    assert.equal((await setup(['--config', config, '--unchecked'])).code, 1);
    assert.ok((await storedText()).includes(WRONG_SECRET));
  });

  it('tells a client id that does not exist', async () => {
    const { code, out } = await setup(['--config', await document({ microsoft: microsoft({ client_id: 'nobody' }) })]);
    assert.equal(code, 2);
    assert.match(out, /REFUSED.*AADSTS700016/);
  });

  it('names which of two client secrets is refused, and stores both', async () => {
    const { client_secret: value, ...rest } = microsoft();
    const entry = { ...rest, client_secrets: [{ value }, { value: WRONG_SECRET }] };
    const { code, out } = await setup(['--config', await document({ microsoft: entry })]);
    assert.equal(code, 1);
    assert.match(out, /ok +client id and secret 1/);
    assert.match(out, /REFUSED +client id and secret 2/);
    assert.ok((await storedText()).includes(WRONG_SECRET));
  });

  it('tells a redirect URI that is not registered', async () => {
    const { code, out } = await setup(['--config', await document({ google: google() })]);
    assert.equal(code, 1);
    assert.match(out, /ok +client id and secret: the provider accepts it/);
    assert.match(out, /MISSING +redirect URI: enter .*\/oauth\/callback\/google/);
  });

  describe('where the provider looks at the code first', () => {
    const malformed = {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'AADSTS9002313: Invalid request.', error_codes: [9002313] },
    };
    const wrong = {
      status: 401,
      body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid.', error_codes: [7000215] },
    };
    const token = { status: 200, body: { access_token: 'app-only-7Jq', token_type: 'Bearer', expires_in: 3600 } };
    const endpoints = () => ({
      authorization_endpoint: `${scripted.origin}/authorize`,
      token_endpoint: `${scripted.origin}/token`,
    });

    it('asks for a token without a person, and keeps none', async () => {
      scripted.decide((form) => {
        if (form.get('grant_type') !== 'client_credentials') return malformed;
        return form.get('client_secret') === 'the-right-one' ? token : wrong;
      });
      const entry = microsoft({ client_secret: 'the-right-one', endpoints: endpoints() });
      const right = await setup(['--config', await document({ microsoft: entry })]);
      assert.match(right.out, /ok +client id and secret/);
      assert.doesNotMatch(right.out, /app-only-7Jq/);
      const another = await document({ microsoft: { ...entry, client_secret: WRONG_SECRET } });
      assert.match((await setup(['--config', another])).out, /REFUSED.*AADSTS7000215/);
    });

    it('says plainly what it could not find out', async () => {
      scripted.decide(() => malformed);
      const entry = microsoft({ endpoints: endpoints() });
      const { code, out } = await setup(['--config', await document({ microsoft: entry })]);
      assert.equal(code, 0);
      assert.match(out, /not checked +client id and secret/);
      assert.match(out, /not checked +redirect URI/);
      assert.doesNotMatch(out, / ok /);
    });
  });

  it('stores nothing of a document that does not fit, and names the field', async () => {
    const slip = await setup(['--config', await document({ microsoft: microsoft({ client_secert: WRONG_SECRET }) })]);
    assert.equal(slip.code, 2);
    assert.match(slip.err, /providers\.microsoft\.client_secert/);
    const noJson = await setup(['--config', await document(`{"client_secret": ${WRONG_SECRET}`)]);
    assert.match(noJson.err, /is not JSON/);
    const missing = await setup(['--config', join(folder, 'nowhere.json')]);
    assert.match(missing.err, /nowhere\.json cannot be read \(ENOENT\)/);
    assert.equal(await storedText(), '{}');
  });

  it('replaces a stored document only when it is told to, and shows names alone', async () => {
    await setup(['--config', await document({ microsoft: microsoft() })]);
    const before = await storedText();
    const config = await document({ microsoft: microsoft({ tenant: 'contoso.example' }) });
    const kept = await setup(['--config', config]);
    assert.equal(kept.code, 2);
    assert.match(kept.out, /\+ providers\.microsoft\.tenant/);
    assert.doesNotMatch(kept.out, /contoso/);
    assert.equal(await storedText(), before);
    assert.equal((await setup(['--config', config, '--yes'])).code, 0);
    assert.match(await storedText(), /contoso/);
    assert.equal(await storedText('AWSPREVIOUS'), before);
  });

  it('checks the stored document where none is given', async () => {
    const text = JSON.stringify({ providers: { microsoft: microsoft({ client_secret: WRONG_SECRET }) } });
    await secrets.send(new PutSecretValueCommand({ SecretId: CONFIG, SecretString: text }));
    const { code, out } = await setup([]);
    assert.equal(code, 1);
    assert.match(out, /REFUSED/);
  });

  it('says where a document is left when the stored one is empty', async () => {
    await secrets.send(new PutSecretValueCommand({ SecretId: CONFIG, SecretString: '{"providers":{}}' }));
    await secrets.send(
      new PutSecretValueCommand({
        SecretId: CONFIG,
        SecretString: JSON.stringify({ providers: { microsoft: microsoft() } }),
      }),
    );
    await secrets.send(new PutSecretValueCommand({ SecretId: CONFIG, SecretString: '{}' }));
    assert.match((await setup([])).out, /AWSPREVIOUS/);
  });

  it('prints the admin key when asked', async () => {
    assert.ok((await setup(['--show-admin-key'])).out.includes(ADMIN_KEY));
  });

  it('says that the broker does not answer', async () => {
    stacks.set('broker', { status: 'CREATE_COMPLETE', outputs: { PublicUrl: 'http://127.0.0.1:9' } });
    const { code, err } = await setup([]);
    assert.equal(code, 1);
    assert.match(err, /cannot be had/);
  });

  it('says that the admin key is not the broker’s', async () => {
    const SecretId = 'broker/admin-key';
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'another-key-7Jq' }));
    const { code, err, out } = await setup([]);
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: ADMIN_KEY }));
    assert.equal(code, 1);
    assert.match(err, /app-registrations answers 401/);
    assert.doesNotMatch(`${out}${err}`, /another-key-7Jq/);
  });

  const failing = async (args: readonly string[], env: Record<string, string | undefined>, pattern: RegExp) => {
    const { code, err } = await setup(args, env);
    assert.equal(code, 2);
    assert.match(err, pattern);
    assert.match(err, /\nhint: /);
    assert.doesNotMatch(err, /\n {4}at /);
  };

  it('says what is missing of AWS', async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    await failing([], none, /no AWS credentials/);
    await failing([], { AWS_REGION: undefined }, /No AWS region is set/);
    await failing(['--colour'], {}, /colour/);
  });

  it('says what is wrong with a stack', async () => {
    stacks.delete('broker');
    await failing(['--region', 'eu-west-1'], {}, /There is no stack broker in eu-west-1/);
    stacks.set('broker', { status: 'UPDATE_IN_PROGRESS', outputs: {} });
    await failing([], {}, /is being changed just now/);
    stacks.set('broker', { status: 'ROLLBACK_COMPLETE', outputs: {} });
    await failing([], {}, /is not whole \(ROLLBACK_COMPLETE\)/);
    stacks.set('broker', { status: 'CREATE_COMPLETE', outputs: {} });
    await failing([], {}, /has no output PublicUrl/);
  });

  it('says that a secret may not be written', async () => {
    faults.of = (operation) => (operation === 'PutSecretValue' ? DENIED : undefined);
    const config = await document({ microsoft: microsoft() });
    await failing(['--config', config], {}, /could not be stored\. These credentials may not/);
    assert.equal(await storedText(), '{}');
  });

  it('goes on where only the admin key may not be read: the document is stored by then', async () => {
    const adminKey = arns.get('broker/admin-key');
    faults.of = (operation, secretId) => (operation === 'GetSecretValue' && secretId === adminKey ? DENIED : undefined);
    const { code, out, err } = await setup(['--config', await document({ microsoft: microsoft() })]);
    assert.equal(code, 1);
    assert.match(err, /^error: The admin key could not be read\. These credentials may not do that\.\nhint: /);
    assert.match(out, /^Stored in broker\/provider-config/m);
    assert.match(out, / answers\.$/m);
    assert.ok((await storedText()).includes(String(microsoft().client_id)));
  });
});
