/** Prints `docs/mail-costs.md` as measured; `--write` writes it, `--check` exits 1 when the file is stale. */
import { readFileSync, writeFileSync } from 'node:fs';
import { RETENTION_DAYS } from '../../../shared/domain/retention.ts';
import { MEMORY_MB } from '../scale/deployment.ts';
import { figure, table, whole } from '../scale/markdown.ts';
import { ASSUMED, messageBill, totalsOf } from './bill.ts';
import { type MessageCosts, measureMessageCosts } from './costs.ts';

export const COSTS_PAGE = new URL('../../../docs/mail-costs.md', import.meta.url);

const MESSAGES = 1000;

/** On the wire. Above some 4.5 MB a message is uploaded. */
const KINDS = [
  { name: '10 KB', sizeBytes: 10_000, byUpload: false },
  { name: '200 KB', sizeBytes: 200_000, byUpload: false },
  { name: '5 MB', sizeBytes: 5_000_000, byUpload: true },
  { name: '35 MB', sizeBytes: 35_000_000, byUpload: true },
] as const;

const cents = (dollars: number): string => (dollars >= 0.1 ? `$${dollars.toFixed(2)}` : `$${dollars.toFixed(4)}`);

const counted = (costs: readonly MessageCosts[]): string => {
  const totals = costs.map(totalsOf);
  const row = (what: string, of: (one: (typeof totals)[number]) => string): readonly string[] => [
    what,
    ...totals.map(of),
  ];
  return table(
    ['of one message', ...KINDS.map(({ name }) => name)],
    [
      row('requests at the HTTP API', ({ httpRequests }) => whole(httpRequests)),
      row('DynamoDB read units', ({ readUnits }) => whole(readUnits)),
      row('DynamoDB write units', ({ writeUnits }) => whole(writeUnits)),
      row("S3: put, post (the device's own upload among them)", ({ s3Puts }) => whole(s3Puts)),
      row('S3: get', ({ s3Gets }) => whole(s3Gets)),
      row('SQS requests', ({ sqsRequests }) => whole(sqsRequests)),
      row(`seconds of functions of ${MEMORY_MB} MB (assumed)`, ({ functionSeconds }) => figure(functionSeconds)),
      row('bytes that stay in the table', ({ keptBytes }) => whole(keptBytes)),
    ],
  );
};

const billed = (costs: readonly MessageCosts[]): string => {
  const bills = costs.map((one) => messageBill(MESSAGES, one));
  const [first = []] = bills;
  const rows = first.map(({ what }, line) => [what, ...bills.map((bill) => cents(bill[line]?.dollars ?? Number.NaN))]);
  const totals = bills.map((bill) => cents(bill.reduce((sum, { dollars }) => sum + dollars, 0)));
  const total = ['**total**', ...totals.map((text) => `**${text}**`)];
  return table([`${whole(MESSAGES)} messages of`, ...KINDS.map(({ name }) => name)], [...rows, total]);
};

export const costsPage = async (): Promise<string> => {
  const costs = await measureMessageCosts(KINDS);
  const perSecond = (bytes: number): string => `${bytes / 1e6} MB a second`;
  return `# What mail costs in AWS

Made by \`node test/bench/relay/costs-page.ts --write\`; do not edit. A test compares it with the code.

## A thousand messages, by size

US dollars, us-east-1, list prices of November 2026 without what is free at first.

${billed(costs)}

From some megabytes on, nearly all of it is the way out of AWS to the provider.

## What is counted, and what is assumed

Requests are counted, not estimated: the broker's own code takes in and sends each message once, alone, against a table that
notes what DynamoDB would bill, an S3 that notes every request, and a mail server that takes everything at once.

${counted(costs)}

- **The dearest way.** Each message is alone: a function, a connection and a look into the outbox for each. Messages that wait
  together share all three. It goes to an Exchange Online mailbox, whose access token is alive, and notes the use of its slot.
- **Above 4.5 MB** a message is uploaded: one more request, the device's upload into S3, two readings to check and to repair it,
  and a multipart upload in pieces of 8 MiB where it is larger than that.
- **Functions** of ${MEMORY_MB} MB work at a part of a processor. Assumed are ${ASSUMED.requestSeconds * 1000} ms for a request, ${perSecond(ASSUMED.acceptBytesPerSecond)} to check and
  store a message, ${ASSUMED.sessionSeconds} s for a session at the mail server, and ${perSecond(ASSUMED.sendBytesPerSecond)} on the way to it.
- **Stored**: the message for a day, though most are sent in seconds and then deleted; what is known of it for ${RETENTION_DAYS.unlessSet} days.
- **Not in it**: refreshing access tokens, the sweep of every minute and polling empty queues, which cost the same without mail
  ([scale](scale.md)); tries that fail; notices; a network of your own.
`;
};

const main = async (options: readonly string[]): Promise<void> => {
  const page = await costsPage();
  if (options.includes('--write')) return writeFileSync(COSTS_PAGE, page);
  if (!options.includes('--check')) return console.log(page);
  if (readFileSync(COSTS_PAGE, 'utf8') === page) return;
  console.error('error: docs/mail-costs.md is stale\nhint: run node test/bench/relay/costs-page.ts --write');
  process.exitCode = 1;
};

if (import.meta.main) await main(process.argv.slice(2));
