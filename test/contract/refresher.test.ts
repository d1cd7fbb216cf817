import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { correlated, correlationId } from '../../shared/adapters/correlation/correlation.ts';
import { lambdaRefresher } from '../../shared/adapters/lambda/lambda-refresher.ts';
import { refreshHandler } from '../../shared/adapters/lambda/refresh-handler.ts';
import { refresherOnDemand } from '../../shared/adapters/lambda/refresher-on-demand.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { inProcessRefresher } from '../../shared/adapters/system/in-process-refresher.ts';
import type { Refresher, RefreshOutcome, RefreshRequest } from '../../shared/ports/refresher.ts';
import type { WorkQueue } from '../../shared/ports/work-queue.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startLambdaInvoke } from '../fakes/lambda-invoke.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { during } from './during.ts';

type RefreshGrant = (request: RefreshRequest) => Promise<RefreshOutcome>;
type Start = (t: TestContext, refreshGrant: RefreshGrant, queue: WorkQueue) => Promise<Refresher>;

/** Over a real invocation, through the handler that the function has. */
const overLambda: Start = async (t, refreshGrant, queue) => {
  const nothing = async () => undefined;
  const others = { maintainGrant: nothing, emptyIdleSlot: nothing, watchAppRegistrations: nothing, log: memoryLog() };
  const handle = refreshHandler({ refreshGrant, ...others });
  const invoke = async (event: unknown) =>
    ({ outcome: 'returned', payload: await handle(event as RefreshRequest) }) as const;
  const { endpoint } = during(t, await startLambdaInvoke(new Map([['refresh', { invoke }]])));
  const client = new LambdaClient({ ...LOOPBACK_CLIENT, endpoint });
  t.after(() => client.destroy());
  return lambdaRefresher(client, 'refresh', queue);
};

const newQueue = (t: TestContext): WorkQueue => {
  const database = openDatabase(':memory:');
  t.after(() => database.close());
  const settings = { name: 'grants', fifo: false, visibilitySeconds: 30, maxReceives: 3 };
  return sqliteWorkQueue(database, { ...settings, clock: manualClock() });
};

const REQUEST: RefreshRequest = {
  mailboxId: 'mbx_1',
  audience: 'imap',
  minTtlSeconds: Number.MAX_SAFE_INTEGER,
  askedAt: 1_795_000_000.25,
  duringBackOff: true,
};
const { duringBackOff: _, ...PLAIN } = REQUEST;

const contract = (start: Start) => () => {
  it('hands the whole request on, and the outcome back', async (t) => {
    const asked: RefreshRequest[] = [];
    const outcomes: readonly RefreshOutcome[] = [
      { outcome: 'fresh' },
      {
        outcome: 'failed',
        error: { kind: 'sign_in_lapsed', detail: 'Revoked.', code: 'AADSTS50173', correlationId: 'c-1' },
      },
      { outcome: 'failed', error: { kind: 'provider_unavailable', retryAfterSeconds: 7 } },
    ];
    const refreshGrant: RefreshGrant = async (request) => {
      asked.push(request);
      return outcomes[asked.length - 1] ?? { outcome: 'fresh' };
    };
    const refresher = await start(t, refreshGrant, newQueue(t));
    for (const outcome of outcomes) assert.deepEqual(await refresher.refreshNow(REQUEST), outcome);
    await refresher.refreshNow(PLAIN);
    assert.deepEqual(asked, [REQUEST, REQUEST, REQUEST, PLAIN]);
  });

  it('hands on what its caller is about', async (t) => {
    const queue = newQueue(t);
    const found: (string | undefined)[] = [];
    const refreshGrant: RefreshGrant = async () => {
      found.push(correlationId());
      return { outcome: 'fresh' };
    };
    const refresher = await start(t, refreshGrant, queue);
    await correlated({ request_id: 'req_1' }, () => refresher.refreshNow(PLAIN));
    await correlated({ correlation_id: 'run_1' }, () => refresher.refreshNow(PLAIN));
    await correlated({ request_id: 'req_2' }, () => refresher.refreshSoon(PLAIN));
    const [queued] = await queue.receive({ limit: 10, waitSeconds: 0 });
    assert.deepEqual([...found, queued?.correlationId], ['req_1', 'run_1', 'req_2']);
  });

  it('has the work in the queue when it says that it will be done', async (t) => {
    const queue = newQueue(t);
    const refresher = await start(t, async () => assert.fail('asked at once'), queue);
    await refresher.refreshSoon(PLAIN);
    const received = await queue.receive({ limit: 10, waitSeconds: 0 });
    assert.deepEqual(
      received.map(({ body }) => JSON.parse(body)),
      [{ mailboxId: 'mbx_1' }],
    );
  });
};

describe(
  'inProcessRefresher as Refresher',
  contract(async (_, refreshGrant, queue) => inProcessRefresher(refreshGrant, queue)),
);

describe('refresherOnDemand as Refresher', () => {
  contract(async (_, refreshGrant, queue) => refresherOnDemand(async () => inProcessRefresher(refreshGrant, queue)))();

  it('makes what it stands for once, when it is first asked', async (t) => {
    let made = 0;
    const refresher = refresherOnDemand(async () => {
      made++;
      return inProcessRefresher(async () => ({ outcome: 'fresh' }), newQueue(t));
    });
    assert.equal(made, 0);
    await Promise.all([refresher.refreshNow(PLAIN), refresher.refreshSoon(PLAIN), refresher.refreshNow(PLAIN)]);
    assert.equal(made, 1);
  });
});

describe('lambdaRefresher as Refresher', () => {
  contract(overLambda)();

  it('takes a function that crashes, or is not there, for a provider that does not answer', async (t) => {
    const error = { errorType: 'Error', errorMessage: 'boom', trace: [] };
    const crashing = { invoke: async () => ({ outcome: 'failed', error }) as const };
    const { endpoint } = during(t, await startLambdaInvoke(new Map([['crashing', crashing]])));
    const client = new LambdaClient({ ...LOOPBACK_CLIENT, endpoint, maxAttempts: 1 });
    t.after(() => client.destroy());
    for (const name of ['crashing', 'missing']) {
      const outcome = await lambdaRefresher(client, name, newQueue(t)).refreshNow(PLAIN);
      assert.ok(outcome.outcome === 'failed');
      const { kind, retryAfterSeconds } = outcome.error;
      assert.deepEqual({ kind, retryAfterSeconds }, { kind: 'provider_unavailable', retryAfterSeconds: 5 });
    }
  });
});
