import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { sqsEvent, sqsEventSource } from '../../fakes/sqs-event-source.ts';
import { type Cloud, startCloud } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';
import { SCHEDULE_EVENT } from './schedule-event.ts';

describe('grants and mail in the built bundles', () => {
  let cloud: Cloud;
  let office: Office;
  before(async () => {
    cloud = await startCloud({ concurrency: 3 });
    office = await furnishOffice(cloud);
  });
  afterEach(() => {
    delete cloud.faults.secretsManager;
    delete cloud.faults.dynamodb;
    cloud.standIns.identity.microsoft?.clearFaults();
    assert.deepEqual(cloud.denied(), []);
  });
  after(() => cloud.close());

  const sweep = async () => (await cloud.functionOf('refresh-grants/sweep').invoke(SCHEDULE_EVENT)) as object;
  /** A submission that is due, whose message somebody took out of the queue and died, for good. */
  const NOTHING = { grants: 0, idleSlots: 0, outboxes: 0, submissions: 0, forgotten: 0 };
  const lostMail = async (text: string): Promise<unknown> => {
    const { submission_id: id } = await office.handIn(text);
    const lost = { client: cloud.sqs, queueUrl: cloud.mailQueueUrl };
    const nobody = { invoke: async () => ({ outcome: 'returned', payload: null }) as const };
    await sqsEventSource({ ...lost, batchSize: 10, target: nobody }).drain();
    assert.equal((await office.submission(id)).state, 'queued');
    await office.letSubmissionFallDue(id);
    return id;
  };
  const refreshesAtProvider = (): number => cloud.standIns.identity.microsoft?.counters()['token:refresh_token'] ?? 0;

  it('serve a warm fetch with one request to DynamoDB and none to Secrets Manager', async () => {
    const fetchToken = cloud.functionOf('fetch-token');
    for (let warmed = 0; warmed < 2; warmed++) assert.equal((await office.fetchToken()).status, 200);
    const [from, starts] = [cloud.requests.length, fetchToken.coldStarts()];
    const reply = await office.fetchToken();
    assert.equal(reply.status, 200);
    assert.equal(fetchToken.coldStarts(), starts);
    const made = cloud.requests.slice(from).map(({ by, service, operation }) => `${by}: ${service} ${operation}`);
    assert.deepEqual(made, ['fetch-token: dynamodb BatchGetItem']);
  });

  it('never let fetch-token read a secret but the keys of access tokens', () => {
    const read = cloud.requests.filter(({ by, service }) => by === 'fetch-token' && service === 'secretsmanager');
    assert.ok(read.length > 0);
    for (const { body } of read) assert.equal(JSON.parse(body).SecretId, 'token-broker/access-token-keys');
  });

  it('queue what is due by a schedule event, refresh the grant, and send the mail', async () => {
    cloud.standIns.mail.setFault('DATA', { kind: 'reply', code: 451, text: '4.3.0 Later' });
    const { submission_id: deferred } = await office.handIn('deferred and swept');
    await cloud.mailSource.drain();
    assert.equal((await office.submission(deferred)).state, 'deferred');
    await office.letSubmissionFallDue(deferred);
    await office.letKeepAliveFallDue();
    const [earlier, calls] = [await office.grant(), refreshesAtProvider()];

    assert.deepEqual(await sweep(), { outcome: 'returned', payload: { ...NOTHING, grants: 1, outboxes: 1 } });
    assert.equal(await cloud.grantSource.drain(), 1);
    assert.equal(await cloud.mailSource.drain(), 1);

    const refreshed = await office.grant();
    assert.equal(refreshesAtProvider(), calls + 1);
    assert.ok(Number(refreshed.provenAt) > Number(earlier.provenAt));
    assert.ok(Number(refreshed.dueAt) > Date.now() / 1000);
    assert.equal((await office.submission(deferred)).state, 'sent');
    assert.deepEqual(await sweep(), { outcome: 'returned', payload: NOTHING });
  });

  it('find accepted mail by the sweep where the queue was not reached', async () => {
    const id = await lostMail('lost in the queue');
    await sweep();
    await cloud.mailSource.drain();
    assert.equal((await office.submission(id)).state, 'sent');
  });

  it('sweep the mail although the sweep of grants fails, which is told', async () => {
    const id = await lostMail('while grants cannot be swept');
    const sweeper = cloud.functionOf('refresh-grants/sweep');
    cloud.faults.dynamodb = ({ operation, body }) =>
      operation === 'Query' && body.includes('"grant-')
        ? { status: 400, body: { __type: 'com.amazonaws.dynamodb.v20120810#ValidationException', message: 'Injected' } }
        : undefined;
    const { outcome } = await sweeper.invoke(SCHEDULE_EVENT);
    assert.equal(outcome, 'failed', 'so that the alarm sees it');
    assert.match(sweeper.logs(), /^(?=.*"sweep\.failed").*"part":"grants"/m);
    await cloud.mailSource.drain();
    assert.equal((await office.submission(id)).state, 'sent');
  });

  it('call the provider once for devices that ask at once in several environments', async () => {
    const worker = cloud.functionOf('refresh-grants/worker');
    const satisfied = { mailboxId: office.mailboxId, audience: 'smtp', minTtlSeconds: 0 };
    // Three environments of each are warm before it begins, so that they do meet.
    await Promise.all(Array.from({ length: 3 }, office.fetchToken));
    await Promise.all(Array.from({ length: 3 }, () => worker.invoke(satisfied)));
    assert.equal(worker.coldStarts(), 3);
    await office.letAccessTokenExpire();
    const calls = refreshesAtProvider();
    cloud.standIns.identity.microsoft?.setFault('token', { kind: 'delay', milliseconds: 500 });
    const replies = await Promise.all(Array.from({ length: 9 }, office.fetchToken));
    const tokens = await Promise.all(replies.map(async (reply) => ((await reply.json()) as Json).access_token));
    assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
    assert.equal(new Set(tokens).size, 1);
    assert.equal(refreshesAtProvider(), calls + 1);
  });

  it('answer 503 with Retry-After when the refresher dies, and lose nothing', async () => {
    await office.letAccessTokenExpire();
    const worker = cloud.functionOf('refresh-grants/worker');
    const starts = worker.coldStarts();
    let dying = true;
    cloud.faults.secretsManager = ({ operation }) => {
      if (!dying || operation !== 'UpdateSecretVersionStage') return undefined;
      dying = false;
      worker.crash();
      return 'break_connection';
    };
    const reply = await office.fetchToken();
    const body = (await reply.json()) as Json;
    assert.equal(reply.status, 503);
    assert.ok(Number(reply.headers.get('retry-after')) > 0);
    assert.equal(body.error, 'temporarily_unavailable');
    assert.equal(body.panel_code, 360);
    assert.equal(dying, false, 'it died with the new refresh token half stored');

    const { submission_id: id } = await office.handIn('while the refresher is dead');
    await office.letLeaseRunOut();
    assert.equal((await office.fetchToken()).status, 200);
    assert.ok(worker.coldStarts() > starts);
    await cloud.mailSource.drain();
    assert.equal((await office.submission(id)).state, 'sent');
    assert.equal((await office.grant()).state, 'active');
  });

  it('defer mail while there is no token, and send it later', async () => {
    await office.letAccessTokenExpire();
    cloud.standIns.identity.microsoft?.setFault('token', { kind: 'reply', status: 503 }, 'always');
    const { submission_id: id } = await office.handIn('while the provider is down');
    await cloud.mailSource.drain();
    assert.equal((await office.submission(id)).state, 'deferred');
    cloud.standIns.identity.microsoft?.clearFaults();
    await office.letTroublePass();
    await office.letSubmissionFallDue(id);
    await sweep();
    await cloud.grantSource.drain();
    await cloud.mailSource.drain();
    assert.equal((await office.submission(id)).state, 'sent');
  });

  it('leave a message that the worker cannot read in the queue, and refresh the others of its batch', async () => {
    await office.letKeepAliveFallDue();
    const calls = refreshesAtProvider();
    const event = sqsEvent('grants', [
      { id: 'poison', body: 'not JSON' },
      { id: 'good', body: JSON.stringify({ mailboxId: office.mailboxId }) },
      { id: 'crooked', body: '{"mailboxId":7}' },
      { id: 'unknown', body: '{"mailboxId":"mbx_unknown"}' },
    ]);
    const invoked = await cloud.functionOf('refresh-grants/worker').invoke(event);
    assert.deepEqual(invoked, {
      outcome: 'returned',
      payload: { batchItemFailures: [{ itemIdentifier: 'poison' }, { itemIdentifier: 'crooked' }] },
    });
    assert.equal(refreshesAtProvider(), calls + 1);
  });
});
