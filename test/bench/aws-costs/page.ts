/**
 * Prints `docs/aws-costs.md`; `--write` writes it, `--check` exits 1 when the file is stale. `--simulate` simulates the fleets
 * anew before: three minutes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { measureMessageCosts } from '../relay/costs.ts';
import { consumptionOf, type FleetCosts, type Line } from '../scale/bill.ts';
import { measureCosts, type VaultName } from '../scale/costs.ts';
import * as deployment from '../scale/deployment.ts';
import { figure, table, whole } from '../scale/markdown.ts';
import { ALERTS_ONLY_SHARE, GOOGLE_SHARE, SCANS_PER_DAY } from '../scale/usage.ts';
import { ASSUMED, type FleetMonth, monthBill, optionsBill } from './bill.ts';
import { KINDS_SEEN } from './custom-metrics.ts';
import { type Deployed, readDeployed } from './deployed.ts';
import { type LogBytes, measureLogBytes } from './log-lines.ts';
import { FLEETS, kept, MONTHS_FILE, simulateAll } from './months.ts';
import { QUOTED } from './prices.ts';

export const AWS_COSTS_PAGE = new URL('../../../docs/aws-costs.md', import.meta.url);

const VAULTS = ['secrets-manager', 'envelope'] as const satisfies readonly VaultName[];
const VAULT_TEXT = { 'secrets-manager': 'Secrets Manager', envelope: 'envelope' } as const;

const MAIL = [
  { name: '200 KB', sizeBytes: 200_000, byUpload: false },
  { name: '5 MB', sizeBytes: 5_000_000, byUpload: true },
] as const;

const dollars = (value: number): string => (value >= 100 ? `$${whole(value)}` : `$${value.toFixed(2)}`);
const sumOf = (bill: readonly Line[]): number => bill.reduce((sum, line) => sum + line.dollars, 0);
const percent = (share: number): string => `${Math.round(share * 100)} %`;

interface Counted {
  readonly fleets: readonly FleetMonth[];
  readonly logBytes: LogBytes;
  readonly deployed: Deployed;
}

const count = async (): Promise<Counted> => {
  const costsOf = async (vault: VaultName): Promise<FleetCosts> => ({
    microsoft: await measureCosts('microsoft', vault),
    google: await measureCosts('google', vault),
  });
  const costs = { 'secrets-manager': await costsOf('secrets-manager'), envelope: await costsOf('envelope') };
  const logBytes = measureLogBytes(costs.envelope);
  const deployed = readDeployed();
  const { months } = kept();
  const fleets = FLEETS.flatMap((devices) =>
    VAULTS.map((vault) => ({ devices, vault, month: months[devices], costs: costs[vault], logBytes, deployed })),
  );
  return { fleets, logBytes, deployed };
};

const billTable = (fleets: readonly FleetMonth[]): string => {
  const bills = fleets.map(monthBill);
  const [first = []] = bills;
  const rows = first.map(({ what }, line) => [
    what,
    ...bills.map((bill) => dollars(bill[line]?.dollars ?? Number.NaN)),
  ]);
  const heads = fleets.map(({ devices, vault }) => `${whole(devices)}, ${VAULT_TEXT[vault]}`);
  const total = ['**total**', ...bills.map((bill) => `**${dollars(sumOf(bill))}**`)];
  const each = [
    'for a device',
    ...bills.map((bill, index) => `$${(sumOf(bill) / (fleets[index]?.devices ?? 1)).toFixed(4)}`),
  ];
  return table(['a month, by devices and vault', ...heads], [...rows, total, each]);
};

/** The line that is the most of a bill, and how much of it. */
const mostOf = (bill: readonly Line[]): string => {
  const most = bill.reduce((found, line) => (line.dollars > found.dollars ? line : found));
  return `${most.what}, ${percent(most.dollars / sumOf(bill))}`;
};

const inShort = (fleets: readonly FleetMonth[]): string =>
  fleets
    .map((fleet) => {
      const bill = monthBill(fleet);
      const each = `$${(sumOf(bill) / fleet.devices).toFixed(4)} for a device`;
      return `- **${whole(fleet.devices)} devices, ${VAULT_TEXT[fleet.vault]}: ${dollars(sumOf(bill))}**, ${each}. Most of it: ${mostOf(bill)}.`;
    })
    .join('\n');

const optionsTable = async (fleets: readonly FleetMonth[]): Promise<string> => {
  const measured = await measureMessageCosts(MAIL);
  const mail = MAIL.flatMap(({ name }, index) => {
    const costs = measured[index];
    return costs === undefined ? [] : [{ name, costs }];
  });
  const byEnvelope = fleets.filter(({ vault }) => vault === 'envelope');
  const bills = byEnvelope.map((fleet) => optionsBill(fleet, mail));
  const [first = []] = bills;
  const rows = first.map(({ what }, line) => [
    what,
    ...bills.map((bill) => dollars(bill[line]?.dollars ?? Number.NaN)),
  ]);
  return table(['a month more, by devices', ...byEnvelope.map(({ devices }) => whole(devices))], rows);
};

const requestsTable = (fleets: readonly FleetMonth[]): string => {
  const byEnvelope = fleets.filter(({ vault }) => vault === 'envelope');
  const used = byEnvelope.map(({ devices, month, costs }) => consumptionOf(devices, month, costs));
  const row = (what: string, of: (one: (typeof used)[number]) => number) => [
    what,
    ...used.map((one) => whole(of(one))),
  ];
  return table(
    ['a month, envelope vault', ...byEnvelope.map(({ devices }) => whole(devices))],
    [
      row('fetches of a token', ({ fetches }) => fetches),
      row('refreshes at the providers', ({ refreshes }) => refreshes),
      row('calls of the refresher by SQS', ({ batches }) => batches),
      row('SQS requests for grants', ({ sqsRequests }) => sqsRequests),
      row('DynamoDB read units', ({ readUnits }) => readUnits),
      row('DynamoDB write units', ({ writeUnits }) => writeUnits),
    ],
  );
};

const logTable = ({ invocation, fetch, refresh, access }: LogBytes): string =>
  table(
    ['bytes of log', ''],
    [
      ["Lambda's own lines, for each invocation", whole(invocation)],
      ['a fetch', whole(fetch)],
      ['its line in the access log', whole(access)],
      ['a refresh', whole(refresh)],
    ],
  );

const priceTable = (): string =>
  table(
    ['price', ''],
    QUOTED.map(({ what, price, isChecked }) => [isChecked ? what : `${what} \\*`, price]),
  );

const whatIsDeployed = ({ secrets, keys, schedules, alarms, alarmMetrics, dashboards, metrics }: Deployed): string =>
  `${secrets} secrets, ${keys} keys (with that of the alarms, which \`notificationAddress\` takes), ${schedules} schedules,
  ${dashboards} dashboard, ${alarms} alarms that look at ${alarmMetrics} metrics, and at most ${metrics} metrics of the broker's own: all that it
  counts, and ${KINDS_SEEN} kinds of refusals, in every hour of the month`;

export const awsCostsPage = async (): Promise<string> => {
  const { fleets, logBytes, deployed } = await count();
  const { gateway } = deployed;
  return `# What the broker costs in AWS

Made by \`node test/bench/aws-costs/page.ts --write\`; do not edit. A test compares it with the code.

## In short

US dollars a month, us-east-1, list prices of November 2026 without what is free at first. Every device has a mailbox of its
own, which is the dearest case: a fleet that shares mailboxes pays by the mailbox.

${inShort(fleets)}

Being looked after costs the same for a hundred devices as for a hundred thousand: metrics, alarms, the dashboard. Beyond it,
the vault decides. A secret for each mailbox is most of the bill at a hundred mailboxes already, and nearly all at a
thousand; with the [envelope vault](vaults.md) a large fleet pays for the writes that refreshing takes.

## The month's bill

${billTable(fleets)}

## What is optional

On top of it, each by itself.

${await optionsTable(fleets)}

- **Fixed addresses**: ${deployed.natGateways} NAT gateways and as many addresses, and ${ASSUMED.egressKbPerRefresh} KB through them for each refresh (assumed). Mail goes
  through them, too: $0.045 for each GB on top of the way out.
- **Old TLS**: as if every device used the REST API; as a rule few do.
- **Traces**: the first request in each second, and ${percent(ASSUMED.tracedShare)} of the others, of each function.
- **The SMTP gateway**: one task of ${gateway.vcpus} vCPU and ${figure(gateway.memoryGb)} GB, a load balancer with up to a GB an hour, ${gateway.addresses} addresses, ${ASSUMED.spoolGb} GB of
  spool. One of them serves a few offices; it does not grow with the fleet.
- **Mail**: if every fetch of a token were a message that the broker sends instead ([mail costs](mail-costs.md)). Devices that
  fetch their token and send by themselves cost none of it.
- A domain of one's own and a rollout by and by cost nothing here; a zone in Route 53 and its queries do.

## What a device does

As in [scale](scale.md), from the same simulation: ${percent(1 - ALERTS_ONLY_SHARE)} make ${SCANS_PER_DAY} scans on a working day, the others send an alert every ten days;
each is one fetch of a token. ${percent(1 - GOOGLE_SHARE)} of the mailboxes are Microsoft's, ${percent(GOOGLE_SHARE)} Google's. Tokens in use are kept fresh around the clock, which is
some 24 refreshes a day. Nobody looks at the console, no mail is sent, nothing fails.

${requestsTable(fleets)}

## What is counted, and what is assumed

- **Counted**: requests to DynamoDB and Secrets Manager, by running the broker's own code once for each thing that it does
  ([scale](scale.md) has them one by one); log lines, by writing them; what stands in the bill whether it is used or not, by
  reading the templates: ${whatIsDeployed(deployed)}.
- **KMS**: a request for each value that is read from Secrets Manager or put there. The table is under DynamoDB's own key in
  this account: what KMS asks for it, to our knowledge a request for each caller every five minutes, is not counted.
- **Functions** of ${deployment.MEMORY_MB} MB (assumed): ${deployment.FETCH_SECONDS * 1000} ms for a fetch, ${deployment.REFRESH_SECONDS} s for a batch of refreshes, ${deployment.SWEEP_SECONDS} s for either sweep, which run every
  minute. Starts are not counted: under one in a hundred requests, and a third of a second each.
- **Metrics** that are rare, such as a provider's pause, cost by the hour in which they are seen, to our knowledge; here they
  are taken as always there.
- **Free at first**, and not taken off, to our knowledge: each month 10 metrics, 10 alarms, 3 dashboards, a million requests
  and 400,000 GB-seconds of Lambda, a million requests of SQS, 5 GB of logs, 25 GB of table, 14 million invocations of the
  Scheduler, 100,000 traces and 100 GB of data out; API Gateway for the first year.
- **Data out** is reckoned by the month for all of the account: what else it sends out counts, too, and makes this cheaper.
- **Not in it**: sign-ins, the console, mail and notices; the mails about alarms; what CloudTrail, backups of one's own and support
  cost; taxes. AWS changes the material of each key once a year: to our knowledge that adds $1 a month to each key after the first
  year, another after the second, and nothing more after that.

${logTable(logBytes)}

## Prices

\\* Not found in a stored source: check it before you rely on it. All others are list prices as public price tests have them; see
what AWS says today.

${priceTable()}
`;
};

const main = async (options: readonly string[]): Promise<void> => {
  if (options.includes('--simulate')) writeFileSync(MONTHS_FILE, `${JSON.stringify(await simulateAll(), null, 2)}\n`);
  const page = await awsCostsPage();
  if (options.includes('--write')) return writeFileSync(AWS_COSTS_PAGE, page);
  if (!options.includes('--check')) return console.log(page);
  if (readFileSync(AWS_COSTS_PAGE, 'utf8') === page) return;
  console.error('error: docs/aws-costs.md is stale\nhint: run node test/bench/aws-costs/page.ts --write');
  process.exitCode = 1;
};

if (import.meta.main) await main(process.argv.slice(2));
