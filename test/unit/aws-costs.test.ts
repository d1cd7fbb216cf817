import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENT_METRICS } from '../../shared/config/metrics.ts';
import { ASSUMED, type FleetMonth, monthBill, optionsBill } from '../bench/aws-costs/bill.ts';
import { customMetrics, KINDS_SEEN } from '../bench/aws-costs/custom-metrics.ts';
import type { Deployed } from '../bench/aws-costs/deployed.ts';
import { FLEETS, kept, simulateWeek } from '../bench/aws-costs/months.ts';
import { messageBill, totalsOf } from '../bench/relay/bill.ts';
import { measureMessageCosts } from '../bench/relay/costs.ts';
import { consumptionOf, PRICES, SWEEPS } from '../bench/scale/bill.ts';
import { measureCosts, type VaultName } from '../bench/scale/costs.ts';

describe('the months of docs/aws-costs.md', () => {
  it('are what the simulation of scale makes of a fleet today, as far as its first week shows', async () => {
    const hint = 'run node test/bench/aws-costs/page.ts --simulate --write';
    assert.deepEqual(kept().week, await simulateWeek(), hint);
  });

  it('are alike for each device, however many there are', () => {
    const { months } = kept();
    const each = (devices: (typeof FLEETS)[number]) => {
      const { microsoft, google, fetched, used, messages, stored } = months[devices];
      return [microsoft + google, fetched, used, messages, stored].map((count) => count / devices);
    };
    for (const devices of FLEETS) {
      for (const [index, count] of each(devices).entries()) {
        const ofThousand = each(1000)[index] ?? Number.NaN;
        const share = count / ofThousand;
        assert.ok(share > 0.9 && share < 1.1, `${devices} devices: ${count} instead of ${ofThousand}`);
      }
    }
  });
});

const DEPLOYED: Deployed = {
  secrets: 5,
  keys: 2,
  schedules: 2,
  alarms: 10,
  alarmMetrics: 20,
  dashboards: 1,
  metrics: 30,
  natGateways: 2,
  egressAddresses: 2,
  gateway: { vcpus: 0.5, memoryGb: 1, addresses: 3 },
};

const LOG_BYTES = { invocation: 300, fetch: 700, refresh: 800, sweep: 600, access: 400 };

const fleetOf = async (vault: VaultName, devices: 100 | 1000 | 100_000 = 1000): Promise<FleetMonth> => {
  const costs = { microsoft: await measureCosts('microsoft', vault), google: await measureCosts('google', vault) };
  return { devices, vault, month: kept().months[devices], costs, logBytes: LOG_BYTES, deployed: DEPLOYED };
};

const linesOf = (bill: ReturnType<typeof monthBill>): ReadonlyMap<string, number> =>
  new Map(bill.map(({ what, dollars }) => [what, dollars]));

const near = (actual: number | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-6, `${actual} instead of ${expected}`);

describe('the bill of docs/aws-costs.md', () => {
  it('asks KMS once for each value that is read or put, by whichever vault', async () => {
    for (const vault of ['secrets-manager', 'envelope'] as const) {
      const fleet = await fleetOf(vault);
      const { month, costs } = fleet;
      const { secretReads, secretWrites } = consumptionOf(1000, month, costs);
      assert.equal(secretWrites, vault === 'envelope' ? 0 : 2 * month.stored);
      const bill = linesOf(monthBill(fleet));
      const ownCalls = ((bill.get("Secrets Manager: the broker's own, and reading them") ?? 0) - 5 * 0.4) / 5e-6;
      assert.ok(ownCalls > 20_000, `the keys are read ${ownCalls} times`);
      const asked = secretReads + (vault === 'envelope' ? 0 : month.stored) + ownCalls;
      near(bill.get('KMS: the keys of the secrets and of the alarms, and their uses'), 2 + asked * 3e-6);
      near(bill.get('Secrets Manager: a secret for each mailbox'), vault === 'envelope' ? 0 : 400);
      near(bill.get('Secrets Manager: calls for them'), (secretReads + secretWrites) * 5e-6);
    }
  });

  it('counts what is deployed by the piece', async () => {
    const bill = linesOf(monthBill(await fleetOf('envelope')));
    near(bill.get('CloudWatch: metrics'), 9);
    near(bill.get('CloudWatch: alarms'), 2);
    near(bill.get('CloudWatch: dashboard'), 3);
    near(bill.get('Scheduler'), 0.0864);
  });

  it('counts each request of a device once, and what it writes to the logs', async () => {
    const fleet = await fleetOf('envelope');
    const { month, costs } = fleet;
    const { batches, refreshes } = consumptionOf(1000, month, costs);
    const bill = linesOf(monthBill(fleet));
    const invocations = month.fetched + batches + month.waited + 2 * SWEEPS;
    near(bill.get('API Gateway (HTTP API)'), month.fetched * 1e-6);
    near(bill.get('Lambda: requests'), invocations * 0.2e-6);
    near(bill.get('Logs: access to the API'), ((month.fetched * 400) / 1e9) * PRICES.logs);
    const bytes = invocations * 300 + month.fetched * 700 + refreshes * 800 + SWEEPS * 600;
    near(bill.get('Logs: functions'), (bytes / 1e9) * PRICES.logs);
  });

  it('has the lines in the order that the page says in words', async () => {
    const most = async (vault: VaultName, devices: 100 | 1000 | 100_000) =>
      monthBill(await fleetOf(vault, devices)).reduce((found, line) => (line.dollars > found.dollars ? line : found))
        .what;
    for (const devices of FLEETS) {
      assert.equal(await most('secrets-manager', devices), 'Secrets Manager: a secret for each mailbox');
    }
    assert.match(await most('envelope', 100), /^CloudWatch/);
    assert.equal(await most('envelope', 100_000), 'DynamoDB: writes');
  });

  it('adds what is optional', async () => {
    const fleet = await fleetOf('envelope');
    const { month, costs } = fleet;
    const options = linesOf(optionsBill(fleet, []));
    const { refreshes, batches } = consumptionOf(1000, month, costs);
    const gb = (refreshes * ASSUMED.egressKbPerRefresh) / 1e6;
    near(options.get('Fixed addresses towards providers (`staticEgress`)'), 2 * 32.85 + 2 * 3.65 + gb * 0.045);
    near(options.get('Every fetch by the address for old TLS (`legacyTls`)'), month.fetched * 2.5e-6);
    // So few that each is the first in its second.
    const traces = month.fetched + batches + month.waited + 2 * SWEEPS;
    near(options.get('Traces in X-Ray (`tracing`)'), traces * 5e-6);
    const task = 730 * (0.5 * 0.03238 + 0.00356);
    near(options.get('The SMTP gateway on Fargate (`smtpGateway`)'), task + 16.43 + 4.38 + 3 * 3.65 + 0.3);
  });
});

describe('mail, on top of it', () => {
  const MAIL = { name: '5 MB', sizeBytes: 5_000_000, byUpload: true };
  const mailOf = async (devices: 100 | 100_000) => {
    const [costs] = await measureMessageCosts([MAIL]);
    assert.ok(costs);
    const fleet = await fleetOf('envelope', devices);
    const { fetches, replyGb } = consumptionOf(devices, fleet.month, fleet.costs);
    const dollars = optionsBill(fleet, [{ name: MAIL.name, costs }]).at(-1)?.dollars;
    const bill = messageBill(fetches, costs);
    const [out] = bill;
    assert.equal(out?.what, 'Data out, to the provider');
    const atFirstPrice = bill.reduce((sum, line) => sum + line.dollars, 0);
    const gb = (fetches * totalsOf(costs).bytesOut) / 1e9;
    return { dollars, atFirstPrice, gb, replyGb };
  };

  it('is as dear as by itself where it is little', async () => {
    const { dollars, atFirstPrice } = await mailOf(100);
    near(dollars, atFirstPrice);
  });

  it('has the first ten TB that go out less the replies at the first price, and all after for less', async () => {
    const { dollars, atFirstPrice, gb, replyGb } = await mailOf(100_000);
    assert.ok(gb + replyGb > 150 * 1024, `${gb} GB`);
    const last = gb + replyGb - 150 * 1024;
    const out = (10_240 - replyGb) * 0.09 + 40_960 * 0.085 + 102_400 * 0.07 + last * 0.05;
    near(dollars, atFirstPrice - gb * 0.09 + out);
  });
});

describe('the metrics that are paid for', () => {
  it('are each as a whole, and once more for each provider and each kind of refusal seen', () => {
    const all = Object.values(EVENT_METRICS).flat();
    const names = new Set(all.map(({ metric }) => metric));
    const told = new Map(all.flatMap((one) => ('by' in one ? [[one.metric, one.by.dimension] as const] : [])));
    const further = [...told.values()].reduce((sum, dimension) => sum + (dimension === 'Provider' ? 2 : KINDS_SEEN), 0);
    assert.equal(customMetrics(), names.size + further);
  });
});
