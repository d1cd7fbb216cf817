import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { DeleteCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { OWN_NAMES } from '../../../scripts/cloud/functions-switch.ts';
import { tableDefinition } from '../../../shared/adapters/dynamodb/table-definition.ts';
import type { Emulator } from '../../fakes/aws-json.ts';
import { type FakeStack, startCloudFormation } from '../../fakes/cloudformation.ts';
import { startLambdaConcurrency } from '../../fakes/lambda-concurrency.ts';
import { ADMIN_KEY, type Cloud, startCloud, TABLE } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';

const SCRIPTS = fileURLToPath(new URL('../../../scripts/', import.meta.url));
const THEN = 'token-broker-then';
const WORKER = 'token-broker-refresh-grants-worker';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Registered {
  readonly clientId: string;
  readonly basic: string;
}

for (const vault of ['secrets-manager', 'envelope'] as const) {
  describe(`a table restored to a point in time, beside the vault ${vault}`, () => {
    let cloud: Cloud;
    let office: Office;
    let cloudFormation: Emulator;
    let lambda: Emulator;
    let organizationId: string;
    const reserved = new Map<string, number>([[WORKER, 60]]);
    const stacks = new Map<string, FakeStack>();

    const deploy = (functions: readonly string[]): void => {
      const physical = Object.fromEntries(functions.map((name) => [name, `token-broker-${name}`]));
      const resources = { 'AWS::Lambda::Function': { ...physical, cdk: 'token-broker-Custom1' } };
      const template = { Resources: { 'refresh-grants-worker': { Properties: { ReservedConcurrentExecutions: 60 } } } };
      stacks.set('token-broker', { status: 'CREATE_COMPLETE', outputs: {}, resources, template });
    };

    before(async () => {
      cloud = await startCloud({ vault, concurrency: 2, movesClock: true });
      office = await furnishOffice(cloud);
      deploy(OWN_NAMES);
      const resources = { 'AWS::DynamoDB::Table': { Table: TABLE } };
      stacks.set('token-broker-data', { status: 'CREATE_COMPLETE', outputs: {}, resources });
      cloudFormation = await startCloudFormation(stacks);
      lambda = await startLambdaConcurrency(reserved);
      await cloud.documents.send(new CreateTableCommand(tableDefinition(THEN)));
      organizationId = String((await office.admin('GET', `/mailboxes/${office.mailboxId}`)).organization_id);
    });
    afterEach(() => assert.deepEqual(cloud.denied(), []));
    after(async () => {
      await Promise.all([cloudFormation.close(), lambda.close()]);
      await cloud.close();
    });

    const run = async (script: string, ...args: readonly string[]): Promise<Run> => {
      const endpoint = await cloud.documents.config.endpoint?.();
      const env = {
        PATH: process.env.PATH,
        ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' },
        AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
        AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
        AWS_ENDPOINT_URL_DYNAMODB: `http://${endpoint?.hostname}:${endpoint?.port}`,
      };
      return new Promise((resolve) => {
        execFile(process.execPath, [SCRIPTS + script, ...args], { env }, (error, out, err) =>
          resolve({ code: error === null ? 0 : Number(error.code), out, err }),
        );
      });
    };

    const itemsOf = async (table: string): Promise<readonly Json[]> => {
      const items: Json[] = [];
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const page = await cloud.documents.send(
          new ScanCommand({ TableName: table, ...(ExclusiveStartKey && { ExclusiveStartKey }) }),
        );
        items.push(...(page.Items ?? []));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
      return items;
    };

    /** As RestoreTableToPointInTime does it: a table of its own with everything of this moment. */
    const copyTable = async (from: string, to: string): Promise<void> => {
      for (const { pk, sk } of await itemsOf(to)) {
        await cloud.documents.send(new DeleteCommand({ TableName: to, Key: { pk, sk } }));
      }
      for (const Item of await itemsOf(from)) await cloud.documents.send(new PutCommand({ TableName: to, Item }));
    };

    const restore = async (...args: readonly string[]): Promise<Run> => {
      assert.equal((await run('cloud-switch.ts', 'off')).code, 0);
      const outcome = await run('cloud-restore.ts', ...args, '--yes');
      assert.equal((await run('cloud-switch.ts', 'on')).code, 0);
      assert.equal(outcome.code, 0, outcome.err);
      return outcome;
    };

    const newDevice = async (): Promise<Registered> => {
      const made = await office.admin('POST', `/organizations/${organizationId}/devices`, { client_name: 'Scanner' });
      await office.admin('PUT', `/devices/${made.client_id}/bindings/scan`, { mailbox_id: office.mailboxId });
      const credential = Buffer.from(`${made.client_id}:${made.client_secret}`).toString('base64');
      return { clientId: String(made.client_id), basic: `Basic ${credential}` };
    };
    const remove = async (path: string): Promise<void> => {
      const headers = { authorization: `Bearer ${ADMIN_KEY}` };
      assert.equal((await fetch(`${cloud.url}/v1/admin${path}`, { method: 'DELETE', headers })).status, 204);
    };
    const fetchStatus = async ({ basic }: Pick<Registered, 'basic'>): Promise<number> => {
      const body = new URLSearchParams({ grant_type: 'client_credentials' });
      return (await fetch(`${cloud.url}/oauth/token`, { method: 'POST', headers: { authorization: basic }, body }))
        .status;
    };
    const arrivals = async (subject: string): Promise<number> => {
      const listed = (await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] };
      return listed.messages.filter((message) => message.subject === subject).length;
    };
    const send = async (text: string): Promise<unknown> => {
      const { submission_id: id } = await office.handIn(text);
      await cloud.mailSource.drain();
      assert.equal((await office.submission(id)).state, 'sent');
      return id;
    };
    const refresh = async (): Promise<void> => {
      await office.letAccessTokenExpire();
      assert.equal((await office.fetchToken()).status, 200);
    };
    /** What the vault holds, as it is stored. */
    const vaulted = async (): Promise<string> => {
      if (vault === 'secrets-manager') {
        const SecretId = `token-broker/grant/${office.mailboxId}`;
        return (await cloud.secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? '';
      }
      return JSON.stringify((await itemsOf(TABLE)).find(({ pk }) => pk === `vault#${office.mailboxId}`));
    };

    it('is not touched while a function may run, nor by a dry run', async () => {
      await copyTable(TABLE, THEN);
      const device = await newDevice();
      const refused = await run('cloud-restore.ts', '--from', THEN, '--replace', '--yes');
      assert.equal(refused.code, 2);
      assert.match(refused.err, /may still run\.\nhint: .*cloud:switch -- off/);
      await run('cloud-switch.ts', 'off');
      deploy(OWN_NAMES.slice(1));
      const unseen = await run('cloud-restore.ts', '--from', THEN, '--replace', '--yes');
      deploy(OWN_NAMES);
      assert.equal(unseen.code, 2);
      assert.match(unseen.err, /does not have token-broker-fetch-token\.\nhint: /);
      const dry = await run('cloud-restore.ts', '--from', THEN, '--replace', '--dry-run');
      assert.match(dry.out, /would be removed: device/);
      const unasked = await run('cloud-restore.ts', '--from', THEN, '--replace');
      assert.deepEqual([unasked.code, /Nothing was changed/.test(unasked.err)], [2, true]);
      await run('cloud-switch.ts', 'on');
      assert.equal(await fetchStatus(device), 200);
      assert.match((await run('cloud-restore.ts', '--from', 'nowhere', '--yes')).err, /There is no table nowhere/);
    });

    it('has its functions stopped, and started with what the template reserves', async () => {
      const { out } = await run('cloud-switch.ts', 'off');
      assert.match(out, /within 15 minutes/);
      assert.deepEqual([reserved.size, [...reserved.values()].every((n) => n === 0)], [OWN_NAMES.length, true]);
      await run('cloud-switch.ts', 'on');
      assert.deepEqual([...reserved], [[WORKER, 60]]);
    });

    it('gives back what was deleted since, whole, and touches nothing else', async () => {
      const [lost, locked] = [await newDevice(), await newDevice()];
      await copyTable(TABLE, THEN);
      const made = await newDevice();
      await remove(`/devices/${lost.clientId}`);
      await office.admin('PATCH', `/devices/${locked.clientId}`, { enabled: false });
      await remove(`/devices/${office.clientId}/bindings/scan`);
      const before = new Map((await itemsOf(TABLE)).map((item) => [`${item.pk} ${item.sk}`, JSON.stringify(item)]));
      // Broken off in the middle, it begins where it was.
      let batches = 0;
      cloud.faults.dynamodb = ({ operation }) =>
        operation === 'BatchWriteItem' && ++batches > 1 ? 'break_connection' : undefined;
      await run('cloud-switch.ts', 'off');
      assert.notEqual((await run('cloud-restore.ts', '--from', THEN, '--yes')).code, 0);
      delete cloud.faults.dynamodb;
      const { out } = await restore('--from', THEN);
      assert.match(out, new RegExp(`device +${lost.clientId} +Scanner`));
      const after = new Map((await itemsOf(TABLE)).map((item) => [`${item.pk} ${item.sk}`, JSON.stringify(item)]));
      for (const [key, item] of before) assert.equal(after.get(key), item, key);
      assert.deepEqual([await fetchStatus(lost), await fetchStatus(made)], [200, 200]);
      assert.equal(await fetchStatus(locked), 401);
      // Its binding was taken away by somebody, and the device is there: so that stands.
      assert.equal((await office.fetchToken()).status, 400);
      await office.admin('PUT', `/devices/${office.clientId}/bindings/scan`, { mailbox_id: office.mailboxId });
      // Once more finds nothing to do.
      assert.match((await restore('--from', THEN)).out, /nothing to do/);
    });

    it('brings decisions back as they were, and knows what happened since', async () => {
      const [lost, locked] = [await newDevice(), await newDevice()];
      const waited = (await office.handIn('waited then, sent since')).submission_id;
      await copyTable(TABLE, THEN);

      await cloud.mailSource.drain();
      await send('sent since');
      await refresh();
      const newest = await vaulted();
      const made = await newDevice();
      await remove(`/devices/${lost.clientId}`);
      await office.admin('PATCH', `/devices/${locked.clientId}`, { enabled: false });
      const waits = (await office.handIn('waits now')).submission_id;

      await restore('--from', THEN, '--replace');
      assert.equal(await vaulted(), newest);
      assert.deepEqual([await fetchStatus(lost), await fetchStatus(made), await fetchStatus(locked)], [200, 401, 401]);
      assert.equal(((await office.grant()) as { state?: string }).state, 'active');
      await cloud.mailSource.drain();
      for (const subject of ['waited then, sent since', 'sent since', 'waits now']) {
        assert.equal(await arrivals(subject), 1, subject);
      }
      assert.deepEqual(
        [(await office.submission(waited)).state, (await office.submission(waits)).state],
        ['sent', 'sent'],
      );
      await refresh();
    });

    it('is made fit in the place of a table that was lost', async () => {
      const done = (await office.handIn('done before the loss')).submission_id;
      const open = (await office.handIn('open at the loss')).submission_id;
      await copyTable(TABLE, THEN);
      await cloud.mailSource.drain();
      assert.equal(await arrivals('done before the loss'), 1);
      await refresh();
      const newest = await vaulted();

      await copyTable(THEN, TABLE);
      const { out } = await restore('--from', TABLE);
      assert.match(out, /in-place|itself a restored one/);
      assert.match(out, /2 messages waited to be sent then/);
      const left = (await itemsOf(TABLE)).map(({ pk, sk }) => `${pk} ${sk}`);
      for (const kind of [/ lease$/, / token#/, /^outbox#/, /^session#/, /^sign-in#/]) {
        assert.deepEqual(
          left.filter((key) => kind.test(key)),
          [],
        );
      }
      await cloud.mailSource.drain();
      assert.equal(await arrivals('done before the loss'), 1);
      const told = await office.submission(done);
      assert.deepEqual([told.state, told.reason], ['failed', 'outcome_unknown']);

      // The mailbox is signed in: with Secrets Manager by the newest token, with envelopes by the one of then.
      assert.equal(await fetchStatus(office), 200);
      if (vault === 'secrets-manager') assert.notEqual(newest, '');
      await send('after the loss');

      // Its content was removed when it had reached everybody, so that nobody can send it twice by mistake.
      await office.admin('POST', `/submissions/${done}/resend`);
      await cloud.mailSource.drain();
      assert.equal((await office.submission(done)).state, 'failed');
      assert.equal(await arrivals('done before the loss'), 1);
      assert.equal((await office.submission(open)).state, 'failed');
      assert.match((await restore('--from', TABLE)).out, /would be removed/);
    });

    it('says of a mailbox that was signed out since what the vault says', async () => {
      await copyTable(TABLE, THEN);
      await remove(`/mailboxes/${office.mailboxId}/grant`);
      assert.equal((await office.fetchToken()).status, 400);
      await copyTable(THEN, TABLE);
      await restore('--from', TABLE);
      // Just after a store a vault that has nothing may only be late.
      await cloud.moveClock(60);
      const { status } = await office.fetchToken();
      const { state, trouble } = (await office.grant()) as { state?: string; trouble?: Json };
      if (vault === 'envelope') return assert.deepEqual([status, state, trouble], [200, 'active', undefined]);
      assert.notEqual(status, 200);
      assert.deepEqual([state, trouble?.kind], ['active', 'stored_sign_in_missing']);
    });
  });
}
