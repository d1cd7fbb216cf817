import { AUDIENCES } from '../../../shared/domain/provider.ts';
import {
  DUE_SHARDS,
  IN_USE_SECONDS,
  RESTORED_AFTER_SECONDS,
  RESTORED_SOONER_SECONDS,
} from '../../../shared/domain/timing.ts';
import { MAILBOXES_PER_SECOND } from '../../../shared/usecases/grants/migrate-vault.ts';
import { billOf, type Consumption, consumptionOf, type FleetCosts, type Line } from './bill.ts';
import type { Cost, VaultName } from './costs.ts';
import * as deployment from './deployment.ts';
import { dollars, figure, millions, table, times, whole } from './markdown.ts';
import { DAYS_OF_MONTH, monthOf, peakByChance, type Rate, rateOf } from './month.ts';
import type { SimulatedRun } from './simulate.ts';
import { type Day, MINUTES_OF_DAY } from './tally.ts';
import {
  ALERTS_ONLY_SHARE,
  ALERTS_PER_DAY,
  DAY_SECONDS,
  GOOGLE_SHARE,
  HOUR_SECONDS,
  SCANS_PER_DAY,
  TOKEN_LIFE,
} from './usage.ts';

const daysOf = (seconds: number): number => seconds / DAY_SECONDS;

/** Drawn by the grant's id. */
const RESTORED_AGE = `${daysOf(RESTORED_AFTER_SECONDS - RESTORED_SOONER_SECONDS)} to ${daysOf(RESTORED_AFTER_SECONDS)} days`;

export const TARGET_PEAK = 1.3;
/** Quotas of Secrets Manager: writes of all callers together, readings, versions of a secret in a day. */
const WRITES_PER_SECOND = 50;
const READS_PER_SECOND = 10_000;
const VERSIONS_PER_DAY = 100;
/** What one partition of DynamoDB gives. */
const PARTITION = { reads: 3000, writes: 1000 };

const VAULTS = ['secrets-manager', 'envelope'] as const;
const VAULT_NAMES: Readonly<Record<VaultName, string>> = { 'secrets-manager': 'Secrets Manager', envelope: 'envelope' };

export interface ReportInputs {
  readonly runs: readonly SimulatedRun[];
  /** A fleet whose offices were closed for some days. */
  readonly closed: SimulatedRun;
  readonly costs: Readonly<Record<VaultName, FleetCosts>>;
}

interface Fleet {
  readonly run: SimulatedRun;
  readonly name: string;
  readonly month: Day;
  readonly calls: Rate;
  readonly hourly: Rate;
  readonly stores: Rate;
  readonly used: Readonly<Record<VaultName, Consumption>>;
  readonly bills: Readonly<Record<VaultName, readonly Line[]>>;
}

const fleetOf = (run: SimulatedRun, { costs }: ReportInputs): Fleet => {
  const { mailboxes, callsByMinute, storesByMinute } = run;
  const month = monthOf(run);
  const byVault = <Value>(of: (vault: VaultName) => Value): Readonly<Record<VaultName, Value>> => ({
    'secrets-manager': of('secrets-manager'),
    envelope: of('envelope'),
  });
  const used = byVault((vault) => consumptionOf(mailboxes, month, costs[vault]));
  return {
    ...{ run, month, used },
    name: `${whole(mailboxes)} mailboxes`,
    calls: rateOf(callsByMinute, 1),
    hourly: rateOf(callsByMinute, 60),
    stores: rateOf(storesByMinute, 1),
    bills: byVault((vault) => billOf(mailboxes, vault, used[vault], month.waited)),
  };
};

const rows = (fleets: readonly Fleet[], of: readonly (readonly [string, (fleet: Fleet) => string])[]) =>
  of.map(([what, cell]) => [what, ...fleets.map(cell)]);

const heads = (fleets: readonly Fleet[]): string[] => ['', ...fleets.map(({ name }) => name)];

const perMailbox = ({ run }: Fleet, count: number): string => figure(count / DAYS_OF_MONTH / run.mailboxes);

const providerCalls = (fleets: readonly Fleet[]): string =>
  table(
    heads(fleets),
    rows(fleets, [
      ['refreshes of a mailbox in a day', (fleet) => perMailbox(fleet, fleet.month.microsoft + fleet.month.google)],
      ['calls a second, mean', ({ calls }) => figure(calls.mean)],
      ['calls a second, busiest minute', ({ calls }) => figure(calls.peak)],
      [`**peak over mean, by the minute** (target ${TARGET_PEAK})`, ({ calls }) => times(calls.peak / calls.mean)],
      [
        'the same, if chance alone set the moments',
        ({ calls, run }) => times(peakByChance(calls.mean, run.callsByMinute.length - MINUTES_OF_DAY) / calls.mean),
      ],
      ['peak over mean, by the hour', ({ hourly }) => times(hourly.peak / hourly.mean)],
      [
        'fetches that waited for a refresh',
        ({ run }) => share(sum(run.byDay.slice(1), 'waited'), sum(run.byDay.slice(1), 'fetched')),
      ],
    ]),
  );

const sum = (days: readonly Day[], field: keyof Day): number => days.reduce((all, day) => all + day[field], 0);

const share = (part: number, all: number): string => `${((100 * part) / all).toFixed(2)} %`;

const start = (fleets: readonly Fleet[]): string =>
  table(
    heads(fleets),
    rows(fleets, [
      ['grants due at once', ({ run }) => whole(run.mailboxes)],
      ['caught up after', ({ run }) => `${run.caughtUpAfterMinutes} min`],
      ['calls a second until then, mean', ({ run }) => figure(caughtUp(run).mean)],
      ['calls a second until then, busiest minute', ({ run }) => figure(caughtUp(run).peak)],
      ['busiest minute of the rest of the day, over the steady mean', (fleet) => times(restOfDay(fleet))],
      [
        'fetches of the first day that waited',
        ({ run }) => share(run.byDay[0]?.waited ?? 0, run.byDay[0]?.fetched ?? 1),
      ],
    ]),
  );

const caughtUp = ({ callsByMinute, caughtUpAfterMinutes }: SimulatedRun): Rate =>
  rateOf(callsByMinute.subarray(0, caughtUpAfterMinutes), 1, 0);

const restOfDay = ({ run, calls }: Fleet): number =>
  rateOf(run.callsByMinute.subarray(0, MINUTES_OF_DAY), 1, run.caughtUpAfterMinutes).peak / calls.mean;

const vault = (fleets: readonly Fleet[], { costs }: ReportInputs): string => {
  const { secretWrites } = costs['secrets-manager'].microsoft.stored;
  return table(
    heads(fleets),
    rows(fleets, [
      ['stores in the vault a second, mean', ({ stores }) => figure(stores.mean)],
      ['Secrets Manager writes a second, mean', ({ stores }) => figure(stores.mean * secretWrites)],
      [
        `**Secrets Manager writes a second, busiest minute** (quota ${WRITES_PER_SECOND})`,
        ({ stores }) => figure(stores.peak * secretWrites),
      ],
      [`versions of a secret in a day, most (quota about ${VERSIONS_PER_DAY})`, () => '1'],
      [
        `Secrets Manager readings a second, busiest minute (quota ${whole(READS_PER_SECOND)})`,
        ({ calls, used, month }) =>
          figure((calls.peak * used['secrets-manager'].secretReads) / (month.microsoft + month.google)),
      ],
    ]),
  );
};

/** Strict providers: each refresh is a store. */
const strictLimits = ({ month, run }: Fleet, { costs }: ReportInputs) => {
  const { secretWrites } = costs['secrets-manager'].microsoft.stored;
  const perDay = (month.microsoft + month.google) / DAYS_OF_MONTH / run.mailboxes;
  return { perDay, mailboxes: (WRITES_PER_SECOND / secretWrites) * (DAY_SECONDS / perDay) };
};

const unitsEach = ({ readUnits, writeUnits }: Cost): string => `${figure(readUnits)} r, ${figure(writeUnits)} w`;

const operations = ({ costs }: ReportInputs): string => {
  const columns = (['microsoft', 'google'] as const).flatMap((provider) => VAULTS.map((name) => costs[name][provider]));
  const row = (what: string, of: (costs: FleetCosts['google']) => Cost) => [
    what,
    ...columns.map((one) => unitsEach(of(one))),
  ];
  return table(
    ['', 'Microsoft, Secrets Manager', 'Microsoft, envelope', 'Google, Secrets Manager', 'Google, envelope'],
    [
      row('a refresh that the sweep began', ({ refreshed }) => refreshed),
      row('the same, with a store in the vault', ({ stored }) => stored),
      row('a message with nothing to refresh', ({ postponed }) => postponed),
      row('a warm fetch', ({ fetched }) => fetched),
      row('and once in ten minutes, to note the use', ({ used }) => used),
      row('and where no token is alive, to refresh', ({ waited }) => waited),
    ],
  );
};

/** The items of one refresh, those of the same request together. */
const derivation = ({ refreshed }: { readonly refreshed: Cost }): string =>
  table(
    ['request', 'bytes', 'read units', 'write units'],
    refreshed.metered.map(({ request, key, bytes, readUnits, writeUnits }) => [
      `${request}: \`${key.pk.split('#')[0]}\` / \`${key.sk.startsWith('org_') ? 'id' : key.sk}\``,
      bytes === 0 ? 'absent' : whole(bytes),
      readUnits === 0 ? '' : figure(readUnits),
      writeUnits === 0 ? '' : figure(writeUnits),
    ]),
  );

const dynamodb = (fleets: readonly Fleet[]): string =>
  table(
    heads(fleets),
    rows(fleets, [
      ...VAULTS.flatMap((name): (readonly [string, (fleet: Fleet) => string])[] => [
        [`read units in a month, ${VAULT_NAMES[name]}`, ({ used }) => millions(used[name].readUnits)],
        [`write units in a month, ${VAULT_NAMES[name]}`, ({ used }) => millions(used[name].writeUnits)],
      ]),
      ['table and index, Secrets Manager', ({ used }) => `${used['secrets-manager'].tableGb.toFixed(3)} GB`],
      ['table and index, envelope', ({ used }) => `${used.envelope.tableGb.toFixed(3)} GB`],
    ]),
  );

const requests = (fleets: readonly Fleet[]): string =>
  table(
    heads(fleets),
    rows(fleets, [
      ['fetches in a month', ({ used }) => millions(used.envelope.fetches)],
      ['refreshes in a month', ({ used }) => millions(used.envelope.refreshes)],
      ['messages to the workers', ({ used }) => millions(used.envelope.messages)],
      ['invocations of the workers by SQS', ({ used }) => millions(used.envelope.batches)],
      ['invocations by a fetch that waits', ({ month }) => millions(month.waited)],
      ['SQS requests', ({ used }) => millions(used.envelope.sqsRequests)],
    ]),
  );

const bill = (fleets: readonly Fleet[]): string => {
  const lines = fleets[0]?.bills.envelope ?? [];
  const cells = (index: number) =>
    fleets.flatMap(({ bills }) => VAULTS.map((name) => dollars(bills[name][index]?.dollars ?? 0)));
  const totals = fleets.map(({ bills }) =>
    VAULTS.map((name) => bills[name].reduce((all, one) => all + one.dollars, 0)),
  );
  return table(
    ['', ...fleets.flatMap(({ run }) => VAULTS.map((name) => `${whole(run.mailboxes)}, ${VAULT_NAMES[name]}`))],
    [
      ...lines.map(({ what }, index) => [what, ...cells(index)]),
      ['**total**', ...totals.flat().map((total) => `**${dollars(total)}**`)],
      [
        'for a mailbox',
        ...totals.flatMap((both, index) =>
          both.map((total) => `$${(total / (fleets[index]?.run.mailboxes ?? 1)).toFixed(4)}`),
        ),
      ],
    ],
  );
};

/** Microsoft has the larger part, and so the busier shards and the busier pause. */
const limits = (fleets: readonly Fleet[]): string => {
  const microsoft = ({ calls }: Fleet): number => calls.peak * (1 - GOOGLE_SHARE);
  return table(
    ['busiest minute of the steady state, a second', ...fleets.map(({ name }) => name), 'limit'],
    [
      [
        'index writes in one shard of the due index',
        ...fleets.map((fleet) => figure((2 * microsoft(fleet)) / DUE_SHARDS)),
        whole(PARTITION.writes),
      ],
      [
        "reads of a provider's `cool-down` item",
        ...fleets.map((fleet) => figure(2 * microsoft(fleet))),
        whole(PARTITION.reads),
      ],
      [
        'workers at once',
        ...fleets.map(({ calls }) => figure((calls.peak * deployment.REFRESH_SECONDS) / deployment.BATCH_SIZE)),
        `${deployment.REFRESHERS} as deployed`,
      ],
      [
        'grants let through by the sweep',
        ...fleets.map(({ calls }) => figure(calls.peak)),
        whole(deployment.PACE.grantsPerSecond),
      ],
    ],
  );
};

const closedOffices = ({ closed }: ReportInputs): string => {
  const before = rateOf(closed.callsByMinute.subarray(0, 3 * MINUTES_OF_DAY), 1);
  const day = closed.days - 1;
  const back = rateOf(closed.callsByMinute.subarray(day * MINUTES_OF_DAY - 2 * 60), 1, 0);
  const morning = closed.byDay.slice(day - 1);
  return [
    `Two free days before a weekend are longer than the ${IN_USE_SECONDS / HOUR_SECONDS} hours for which a mailbox counts as in`,
    `use: on the next working day every scanner's first fetch waits. Of ${whole(closed.mailboxes)} mailboxes`,
    `${whole(sum(morning, 'waited'))} fetches waited that day, and the busiest minute made ${figure(back.peak)} calls a second,`,
    `${times(back.peak / before.mean)} times the mean of ordinary days.`,
  ].join('\n');
};

/** The verdict in words, so that it is true of the figures beside it. */
const verdict = (fleets: readonly Fleet[], inputs: ReportInputs): string => {
  const { secretWrites } = inputs.costs['secrets-manager'].microsoft.stored;
  const peaks = fleets.map(({ run, calls, hourly }) => ({
    ...{ mailboxes: run.mailboxes, minute: calls.peak / calls.mean, hour: hourly.peak / hourly.mean },
    chance: peakByChance(calls.mean, run.callsByMinute.length - MINUTES_OF_DAY) / calls.mean,
  }));
  const missed = peaks.filter(({ minute }) => minute > TARGET_PEAK);
  const kept = peaks.filter(({ minute }) => minute <= TARGET_PEAK);
  const strict = fleets.at(-1);
  const short = fleets.filter(
    ({ calls }) => (calls.peak * deployment.REFRESH_SECONDS) / deployment.BATCH_SIZE > deployment.REFRESHERS,
  );
  return [
    `- **Even load.** Peak over mean of provider calls, by the minute, at most ${TARGET_PEAK}: ` +
      [
        ...kept.map(({ mailboxes, minute }) => `${whole(mailboxes)} mailboxes keep it (${times(minute)})`),
        ...missed.map(
          ({ mailboxes, minute, hour, chance }) =>
            `${whole(mailboxes)} mailboxes miss it (${times(minute)}; by the hour ${times(hour)}; so few calls ` +
            `fall into a minute that chance heaps them: it alone would make ${times(chance)})`,
        ),
      ].join('; ') +
      '.',
    `- **Secrets Manager's ${WRITES_PER_SECOND} writes a second.** Busiest minutes: ` +
      `${fleets.map(({ name, stores }) => `${figure(stores.peak * secretWrites)} (${name})`).join(', ')}.`,
    ...short.map(
      ({ name, calls }) =>
        `- **Workers.** ${name} need ${figure((calls.peak * deployment.REFRESH_SECONDS) / deployment.BATCH_SIZE)} workers at ` +
        `once; \`REFRESHERS\` in \`infra/functions/triggers.ts\` lets ${deployment.REFRESHERS} through. Raise it for a fleet of ` +
        'that size, or its tokens run out one after the other.',
    ),
    ...(strict
      ? [
          `- **Strict rotation.** A provider that retires a refresh token at each use (personal Microsoft accounts, other ` +
            `servers) has each refresh stored: about ${figure(strictLimits(strict, inputs).perDay)} versions of a secret in a day, and ` +
            `Secrets Manager's writes suffice for some ${whole(Math.floor(strictLimits(strict, inputs).mailboxes / 1000) * 1000)} such mailboxes. Beyond, use the envelope vault.`,
        ]
      : []),
  ].join('\n');
};

const usage = (): string => {
  const minutes = (seconds: number): string => String(seconds / 60);
  const { microsoft, google } = TOKEN_LIFE;
  return [
    `- One time zone, Monday to Friday from 7 to 18 with a dip at noon: all offices open together, which is the hardest case.`,
    `- ${100 * (1 - ALERTS_ONLY_SHARE)} % of the mailboxes make ${SCANS_PER_DAY} scans on a working day, ${100 * ALERTS_ONLY_SHARE} % only send an alert every ${1 / ALERTS_PER_DAY} days on average, at any hour. Each scan and each alert is one fetch of a token for \`smtp\`; each further audience in use costs as many refreshes again.`,
    `- ${100 * (1 - GOOGLE_SHARE)} % Microsoft, whose access tokens live ${minutes(microsoft.shortest)} to ${minutes(microsoft.longest)} minutes, drawn for each; ${100 * GOOGLE_SHARE} % Google, ${minutes(google.shortest)} minutes. One device for each mailbox.`,
    `- The start is the worst: nothing ran for a day, every token is dead, everything is due, and it is nine on a Monday. The refresh tokens were all migrated into the vault in one go, ${MAILBOXES_PER_SECOND} a second, so that they come of age (${RESTORED_AGE}) close together, beginning on the second day.`,
    `- The steady state is everything after the first day. A worker takes ${deployment.REFRESH_SECONDS} s for a refresh and has ${deployment.BATCH_SIZE} in hand.`,
  ].join('\n');
};

export const reportOf = (inputs: ReportInputs): string => {
  const fleets = inputs.runs.map((run) => fleetOf(run, inputs));
  return `# Scale: what a thousand, a hundred thousand and a million mailboxes take

Made by \`npm run scale\`; do not edit. Each fleet's thirty days are simulated, mailbox by mailbox, with the broker's own planning code (\`planRefresh\`,
\`shared/domain/timing.ts\`, the sweep itself) and a simulated clock. A test holds the simulation against the broker
(\`test/unit/scale.test.ts\`).

## In short

${verdict(fleets, inputs)}

![Calls to the providers over a week](scale.svg)

## What is assumed

${usage()}

## Calls to the providers

${providerCalls(fleets)}

## The start: everything due at once

The sweep lets at most ${deployment.PACE.grantsPerSecond} grants a second through. Fetches that find no token refresh besides; each grant once.

${start(fleets)}

## After days off

${closedOffices(inputs)}

## The vault

Entra's refresh tokens are stored when the one in the vault is ${RESTORED_AGE} old, Google's never change. A store in Secrets
Manager is ${inputs.costs['secrets-manager'].microsoft.stored.secretWrites} writes of its quota (the put, and the move of the label). Reading a secret that was never replaced, as Google's
never are, is ${inputs.costs['secrets-manager'].google.refreshed.secretReads} readings.

${vault(fleets, inputs)}

## DynamoDB units

Not estimated: the broker's own code runs once for each line against a table that notes every request, with tokens of the
usual size, and counts as DynamoDB bills (\`test/bench/scale/dynamodb-units.ts\`). r: read units, w: write units.

${operations(inputs)}

Where the units of one refresh go (Microsoft, envelope vault), item by item:

${derivation(inputs.costs.envelope.microsoft)}

A strong read costs a unit for each 4 KB begun, also of an item that is absent; a write one for each 1 KB begun; within a
transaction twice that. A new due time is two writes in the index: one entry goes, another comes. There are ${AUDIENCES.length} token items,
one for each audience.

${dynamodb(fleets)}

## Requests

${requests(fleets)}

## The month's bill

US dollars, us-east-1, list prices of November 2026 without what is free at first. Worst case: one device for each mailbox.

${bill(fleets)}

KMS is not in it, nor are alarms, metrics, dashboards, a network of your own and mail through the relay:
[what the broker costs in AWS](aws-costs.md) has all of it, for smaller fleets.

## How near the limits are

${limits(fleets)}
`;
};
