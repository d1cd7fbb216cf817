import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hyphened } from '../../infra/rights/table-access.ts';
import { FUNCTIONS } from '../../scripts/build.ts';
import { close, type Emulator, listen } from '../fakes/aws-json.ts';
import { type FakeStack, startCloudFormation } from '../fakes/cloudformation.ts';
import { startLambdaConcurrency } from '../fakes/lambda-concurrency.ts';

const SWITCH = fileURLToPath(new URL('../../scripts/cloud-switch.ts', import.meta.url));
const NAMES = FUNCTIONS.map(hyphened);
const WORKER = 'refresh-grants-worker';

describe('npm run cloud:switch', () => {
  let cloudFormation: Emulator;
  let lambda: Emulator;
  const stacks = new Map<string, FakeStack>();
  const reserved = new Map<string, number>();
  /** Lambda's word for what it does not do, by the function's name. */
  const refused = new Map<string, string>();
  const front = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const [, refusal] = [...refused].find(([name]) => url.includes(`/${name}/`)) ?? [];
    if (refusal !== undefined) {
      response.writeHead(400, { 'x-amzn-errortype': refusal }).end('{}');
      return;
    }
    const body = method === 'PUT' ? { body: await text(request) } : {};
    const reply = await fetch(`${lambda.endpoint}${url}`, { method, ...body });
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(await reply.text());
  });
  let frontPort: number;

  const deploy = (names: readonly string[]): void => {
    const functions = Object.fromEntries(names.map((name) => [name, `broker-${name}`]));
    const resources = { 'AWS::Lambda::Function': { ...functions, cdk: 'broker-Custom1' } };
    const template = { Resources: { [WORKER]: { Properties: { ReservedConcurrentExecutions: 60 } } } };
    stacks.set('broker', { status: 'CREATE_COMPLETE', outputs: {}, resources, template });
  };

  before(async () => {
    cloudFormation = await startCloudFormation(stacks);
    lambda = await startLambdaConcurrency(reserved);
    frontPort = await listen(front);
  });
  beforeEach(() => {
    deploy(NAMES);
    refused.clear();
    reserved.clear();
    reserved.set(`broker-${WORKER}`, 60);
  });
  after(() => Promise.all([cloudFormation.close(), lambda.close(), close(front)]));

  const run = (wish: string, name = 'broker'): Promise<{ code: number; out: string; err: string }> => {
    const env = {
      PATH: process.env.PATH,
      ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1', AWS_MAX_ATTEMPTS: '1' },
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${frontPort}`,
    };
    return new Promise((resolve) => {
      execFile(process.execPath, [SWITCH, wish, '--name', name], { env }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
    });
  };

  const stopped = (): readonly string[] => [...reserved].filter(([, most]) => most === 0).map(([name]) => name);
  const own = (names: readonly string[]) => names.map((name) => `broker-${name}`).toSorted();

  it('stops every function and none of CDK, and starts each with what the template reserves', async () => {
    const off = await run('off');
    assert.deepEqual([off.code, off.err], [0, '']);
    assert.match(off.out, /within 15 minutes/);
    assert.deepEqual(stopped().toSorted(), own(NAMES));
    assert.equal((await run('status')).out.match(/: stopped$/gm)?.length, NAMES.length);
    assert.equal((await run('on')).code, 0);
    assert.deepEqual([...reserved], [[`broker-${WORKER}`, 60]]);
  });

  it('stops what it finds of a stack that lacks a function, and does not call that done', async () => {
    deploy(NAMES.filter((name) => name !== 'admin'));
    const { code, out, err } = await run('off');
    assert.equal(code, 2);
    assert.match(err, /^error: The stack broker does not have broker-admin\.\nhint: /);
    assert.doesNotMatch(out, /within 15 minutes/);
    assert.deepEqual(stopped().toSorted(), own(NAMES.filter((name) => name !== 'admin')));
  });

  it('stops the others where some cannot be stopped', async () => {
    // As CloudFormation still lists it, deleted by hand.
    refused.set('broker-fetch-token', 'ResourceNotFoundException');
    refused.set('broker-admin', 'ResourceConflictException');
    const { code, out, err } = await run('off');
    assert.equal(code, 2);
    assert.match(err, /^error: broker-fetch-token could not be stopped\. AWS does not have that here\.\nhint: /);
    for (const name of refused.keys()) assert.match(out, new RegExp(`^${name}: unknown$`, 'm'));
    assert.deepEqual(stopped().toSorted(), own(NAMES.filter((name) => !refused.has(`broker-${name}`))));
    refused.delete('broker-fetch-token');
    assert.match((await run('off')).err, /^error: broker-admin could not be stopped\. AWS is changing that just now\./);
  });

  it('says that there is no such stack', async () => {
    const { code, err } = await run('off', 'nobody');
    assert.equal(code, 2);
    assert.match(err, /^error: There is no stack nobody in us-east-1\.\nhint: /);
  });
});
