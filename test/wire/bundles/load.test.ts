import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bundlePath, FUNCTIONS, type FunctionName } from '../../../scripts/build.ts';
import { lambdaFunction } from '../../fakes/lambda-function.ts';
import { ensureBuilt, metafileOf } from './built.ts';
import { brokerVariables } from './cloud.ts';

/** Nothing listens there; loading must come to its end before anything is asked. */
const NOWHERE = 'http://127.0.0.1:9';

const variables = brokerVariables(
  {
    publicUrl: 'http://localhost',
    grantQueueUrl: `${NOWHERE}/1/grants`,
    mailQueueUrl: `${NOWHERE}/1/mail`,
    mailServers: '{}',
  },
  'envelope',
);

/** Have defaults. */
const OPTIONAL = ['BROKER_VAULT', 'BROKER_MAIL_SERVERS', 'BROKER_NOTICE_MAILBOX', 'BROKER_PRIVATE_WEBHOOKS'];

/** A device waits for this one to start. */
const FETCH_TOKEN_KB = 450;
const OTHERS_KB = 2000;

/** What a function says that is loaded with these variables and no others. */
const loadedWith = async (name: FunctionName, broker: Readonly<Record<string, string>>) => {
  const loading = lambdaFunction({
    name,
    bundle: bundlePath(name),
    environment: {
      ...broker,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'made-up',
      AWS_ENDPOINT_URL: NOWHERE,
      AWS_MAX_ATTEMPTS: '1',
    },
  });
  const invoked = await loading.invoke({});
  await loading.close();
  return invoked.outcome === 'failed' ? invoked.error : { errorType: '', errorMessage: '' };
};

const packagesOf = (inputs: readonly string[]): Set<string> =>
  new Set(
    inputs.flatMap((file) => {
      const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
      return found === undefined ? [] : [found];
    }),
  );

const packagesIn = (name: FunctionName): Set<string> => packagesOf(Object.keys(metafileOf(name).inputs));

/** The packages of which something is loaded at the start: in the entry, and in what it imports before it runs. */
const packagesAtStart = (name: FunctionName): Set<string> => {
  const { outputs } = metafileOf(name);
  const entry = Object.keys(outputs).find((path) => basename(path) === basename(bundlePath(name))) ?? '';
  const loaded = new Set([entry]);
  for (const path of loaded) {
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && next in outputs) loaded.add(next);
    }
  }
  const inputs = [...loaded].flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}));
  return packagesOf(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file));
};

/** Everything that is deployed of a function. */
const filesOf = (name: FunctionName): Buffer[] =>
  Object.keys(metafileOf(name).outputs).map((path) => readFileSync(join(dirname(bundlePath(name)), basename(path))));

describe('the built bundles', () => {
  before(ensureBuilt);

  for (const name of FUNCTIONS) {
    it(`${name} says at load which variables it lacks`, async () => {
      const bare = await loadedWith(name, {});
      assert.equal(bare.errorType, 'ConfigError');
      assert.match(bare.errorMessage, /BROKER_NAME.*BROKER_PUBLIC_URL.*BROKER_TABLE/);

      const { BROKER_NAME = '', BROKER_PUBLIC_URL = '', BROKER_TABLE = '', ...others } = variables[name];
      const needed = Object.keys(others).filter((variable) => !OPTIONAL.includes(variable));
      const vaultKeys = 'BROKER_VAULT_KEYS_SECRET';
      for (const missing of [needed.filter((variable) => variable !== vaultKeys), [vaultKeys]]) {
        const lacking = missing.filter((variable) => needed.includes(variable));
        if (lacking.length === 0) continue;
        const given = Object.fromEntries(Object.entries(others).filter(([variable]) => !lacking.includes(variable)));
        const { errorType, errorMessage } = await loadedWith(name, {
          BROKER_NAME,
          BROKER_PUBLIC_URL,
          BROKER_TABLE,
          ...given,
        });
        assert.equal(errorType, 'ConfigError', errorMessage);
        for (const variable of lacking) assert.ok(errorMessage.includes(variable), `${variable}: ${errorMessage}`);
      }
    });
  }

  it('keep provider libraries and mail out of what serves devices', () => {
    const packages = packagesIn('fetch-token');
    assert.ok(packages.has('hono') && packages.has('@aws-sdk/client-dynamodb'));
    for (const name of [
      '@azure/msal-node',
      '@azure/msal-common',
      'google-auth-library',
      'gaxios',
      'nodemailer',
      '@aws-sdk/client-s3',
    ]) {
      assert.ok(!packages.has(name), `fetch-token contains ${name}`);
    }
    assert.ok(packagesIn('refresh-grants/worker').has('@azure/msal-node'));
    assert.ok(packagesIn('relay-mail/send').has('nodemailer'));
  });

  it('keep what opens the vault out of what may not', () => {
    const opensVault = (name: FunctionName): boolean =>
      Object.keys(metafileOf(name).inputs).some((file) => file.endsWith('-token-vault.ts'));
    assert.deepEqual(FUNCTIONS.filter(opensVault), ['sign-in', 'refresh-grants/worker', 'admin']);
  });

  it('contain nothing that runs on one machine only', () => {
    for (const name of FUNCTIONS) {
      const local = Object.keys(metafileOf(name).inputs).filter((file) =>
        /^(local|test)\/|adapters\/(sqlite|filesystem)\//.test(file),
      );
      assert.deepEqual(local, [], name);
    }
  });

  it('load at the start of fetch-token nothing that only a refresh needs', () => {
    const atStart = packagesAtStart('fetch-token');
    assert.ok(atStart.has('hono') && atStart.has('@aws-sdk/client-dynamodb'));
    for (const name of ['@aws-sdk/client-lambda', '@aws-sdk/client-sqs']) {
      assert.ok(packagesIn('fetch-token').has(name), `fetch-token lacks ${name}`);
      assert.ok(!atStart.has(name), `fetch-token loads ${name} at the start`);
    }
  });

  it('take credentials from the environment alone', () => {
    for (const name of FUNCTIONS) {
      const packages = [...packagesIn(name)];
      assert.ok(packages.includes('@aws-sdk/credential-provider-env'), name);
      const others = packages.filter((one) => /credential-provider|token-providers|nested-clients/.test(one));
      assert.deepEqual(others, ['@aws-sdk/credential-provider-env'], name);
    }
  });

  it('are small enough to start quickly', (context) => {
    for (const name of FUNCTIONS) {
      const files = filesOf(name);
      const kilobytes = (all: readonly Buffer[]): number => all.reduce((sum, { length }) => sum + length, 0) / 1024;
      const [size, zipped] = [kilobytes(files), kilobytes(files.map((file) => gzipSync(file)))];
      context.diagnostic(`${name}: ${Math.round(size)} KB, ${Math.round(zipped)} KB compressed`);
      assert.ok(size <= (name === 'fetch-token' ? FETCH_TOKEN_KB : OTHERS_KB), `${name} has ${Math.round(size)} KB`);
    }
  });
});
