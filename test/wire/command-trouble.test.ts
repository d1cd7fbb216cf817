import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { get } from 'node:http';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { asking } from '../../scripts/cloud/command-trouble.ts';
import { AwsError, errorReply, serveAwsJson } from '../fakes/aws-json.ts';

const SCRIPTS = fileURLToPath(new URL('../../scripts/', import.meta.url));

const COMMANDS = {
  'cloud:setup': 'cloud-setup.ts',
  'cloud:restore': 'cloud-restore.ts',
  'cloud:switch': 'cloud-switch.ts',
  keys: 'keys.ts',
  'vault:migrate': 'vault-migrate.ts',
} as const;

/** What each of them does that asks AWS for something. */
const ASKING: Readonly<Record<keyof typeof COMMANDS, readonly string[]>> = {
  'cloud:setup': [],
  'cloud:restore': ['--from', 'then'],
  'cloud:switch': ['status'],
  keys: ['status'],
  'vault:migrate': ['--from', 'secrets-manager', '--to', 'envelope'],
};

const NAMES = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[];

/** Nobody listens at the port of the Discard Protocol. */
const NOWHERE = 'http://127.0.0.1:9';

const run = (
  name: keyof typeof COMMANDS,
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>> = {},
): Promise<{ code: number; out: string; err: string }> => {
  const env = {
    PATH: process.env.PATH,
    HOME: tmpdir(),
    NODE_NO_WARNINGS: '1',
    ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' },
    ...{ AWS_EC2_METADATA_DISABLED: 'true', AWS_MAX_ATTEMPTS: '1', AWS_ENDPOINT_URL: NOWHERE },
    ...{ BROKER_TABLE: 'broker', BROKER_VAULT_PREFIX: 'broker/grant/', BROKER_VAULT_KMS_KEY: 'key' },
    ...{ BROKER_VAULT_KEYS_SECRET: 'keys' },
    ...variables,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPTS + COMMANDS[name], ...args], { env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
};

/** An AWS that says the same to everything. */
const refusingAws = async (t: TestContext, error: AwsError): Promise<string> => {
  const emulator = await serveAwsJson('application/x-amz-json-1.1', async () => errorReply(error));
  t.after(() => emulator.close());
  return emulator.endpoint;
};

const fails = async (
  ...[name, args, variables, says]: [...Required<Parameters<typeof run>>, RegExp]
): Promise<void> => {
  const { code, err } = await run(name, args, variables);
  assert.equal(code, 2, err);
  assert.match(err, says);
  assert.match(err, /^error: [^\n]+\nhint: [^\n]+/);
  assert.doesNotMatch(err, /\n {4}at /);
};

for (const name of NAMES) {
  describe(`npm run ${name}`, () => {
    it('says how it is used, when asked and when misused', async () => {
      const { code, out, err } = await run(name, ['--help']);
      assert.deepEqual([code, err], [0, '']);
      assert.ok(out.startsWith(`npm run ${name} -- `), out);
      const misused = await run(name, ['--colour']);
      assert.equal(misused.code, 2);
      assert.match(misused.err, /^error: Unknown option '--colour'/);
      assert.ok(misused.err.endsWith(`\nhint: ${out}`), misused.err);
    });

    it('says that AWS could not be reached', () => fails(name, ASKING[name], {}, /AWS could not be reached\.\nhint: /));

    it('says which part of its AWS settings is missing', async () => {
      const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
      await fails(name, ASKING[name], none, /There are no AWS credentials here\.\nhint: /);
      await fails(name, ASKING[name], { AWS_REGION: undefined }, /No AWS region is set\.\nhint: /);
    });
  });
}

describe('what AWS answers', () => {
  const REFUSALS: readonly (readonly [string, RegExp])[] = [
    ['ExpiredTokenException', /The AWS credentials have expired\./],
    ['AccessDeniedException', /These credentials may not do that\.\nhint: docs\/aws\.md/],
    ['ResourceNotFoundException', /AWS does not have that here\./],
    ['ThrottlingException', /AWS takes no more requests just now\./],
  ];
  for (const name of ['keys', 'vault:migrate'] as const) {
    it(`is said by ${name} without a stack trace`, async (t) => {
      for (const [type, says] of REFUSALS) {
        const endpoint = await refusingAws(t, new AwsError(type, 'no'));
        await fails(name, ASKING[name], { AWS_ENDPOINT_URL: endpoint }, says);
      }
    });
  }

  it('may be nothing, which is told as AWS that cannot be reached', async (t) => {
    const silent = await serveAwsJson('application/x-amz-json-1.1', () => new Promise(() => undefined));
    t.after(() => silent.close());
    await fails('keys', ASKING.keys, { AWS_ENDPOINT_URL: silent.endpoint }, /AWS could not be reached\./);
  });
});

describe('an address that nobody can be reached at', () => {
  const trouble = { name: 'CommandTrouble', message: 'It failed. AWS could not be reached.' };

  it('may be several, as of a name that has more than one', async () => {
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    const lookup: LookupFunction = (_host, _options, found) => found(null, addresses);
    const ask = () =>
      new Promise((_resolve, reject) => get({ host: 'aws.example', port: 9, lookup }).on('error', reject));
    await assert.rejects(ask(), { name: 'AggregateError', code: 'ECONNREFUSED' });
    await assert.rejects(asking('It failed', ask), trouble);
  });

  for (const code of ['ENETUNREACH', 'EHOSTUNREACH', 'ECONNRESET']) {
    it(`is told by ${code}`, async () => {
      const error = Object.assign(new Error(`connect ${code} 192.0.2.1:443`), { code });
      await assert.rejects(
        asking('It failed', () => Promise.reject(error)),
        trouble,
      );
    });
  }

  it('is none of a fault in the command itself', async () => {
    const fault = new TypeError('x is not a function');
    await assert.rejects(
      asking('It failed', () => Promise.reject(fault)),
      fault,
    );
  });
});
