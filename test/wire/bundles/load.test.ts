import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
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
const OPTIONAL = ['BROKER_VAULT', 'BROKER_MAIL_SERVERS'];

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

const packagesIn = (name: FunctionName): Set<string> =>
  new Set(
    Object.keys(metafileOf(name).inputs).flatMap((file) => {
      const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
      return found === undefined ? [] : [found];
    }),
  );

describe('the built bundles', () => {
  before(ensureBuilt);

  for (const name of FUNCTIONS) {
    it(`${name} says at load which variables it lacks`, async () => {
      const bare = await loadedWith(name, {});
      assert.equal(bare.errorType, 'ConfigError');
      assert.match(bare.errorMessage, /BROKER_PUBLIC_URL.*BROKER_TABLE/);

      const { BROKER_PUBLIC_URL = '', BROKER_TABLE = '', ...others } = variables[name];
      const needed = Object.keys(others).filter((variable) => !OPTIONAL.includes(variable));
      const vaultKeys = 'BROKER_VAULT_KEYS_SECRET';
      for (const missing of [needed.filter((variable) => variable !== vaultKeys), [vaultKeys]]) {
        const lacking = missing.filter((variable) => needed.includes(variable));
        if (lacking.length === 0) continue;
        const given = Object.fromEntries(Object.entries(others).filter(([variable]) => !lacking.includes(variable)));
        const { errorType, errorMessage } = await loadedWith(name, { BROKER_PUBLIC_URL, BROKER_TABLE, ...given });
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

  it('are small enough to start quickly', (context) => {
    for (const name of FUNCTIONS) {
      const { size } = statSync(bundlePath(name));
      const zipped = gzipSync(readFileSync(bundlePath(name))).length;
      context.diagnostic(`${name}: ${Math.round(size / 1024)} KB, ${Math.round(zipped / 1024)} KB compressed`);
      assert.ok(size < 2_000_000, `${name} has ${size} bytes`);
    }
  });
});
