import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HTTP_API_LOG } from '../../../infra/front/access-log.ts';
import type { FleetCosts } from '../scale/bill.ts';
import type { Logged } from '../scale/costs.ts';
import { GOOGLE_SHARE } from '../scale/usage.ts';

const POWERTOOLS_LOG = fileURLToPath(new URL('../../../shared/adapters/powertools/powertools-log.ts', import.meta.url));
const CORRELATION = fileURLToPath(new URL('../../../shared/adapters/correlation/correlation.ts', import.meta.url));

/** As long as Lambda's and API Gateway's are. */
const FUNCTION_REQUEST_ID = '8f507cfc-xmpl-4697-b07a-ac58fc914c95';
const API_REQUEST_ID = 'JKJaXmPLvHcESHA=';
const REQUEST_ID = 'req_0f2c1f0e-7a43-4b52-9d5e-1f0a2b3c4d5e';

/** What CloudWatch Logs adds to each event (API reference, PutLogEvents). */
const EVENT_BYTES = 26;

interface Writer {
  /** As the function calls itself. */
  readonly service: string;
  readonly correlation: object;
  readonly lines: readonly Logged[];
}

/** Writes the lines as the functions do: the broker's own logger, with what Lambda has in the environment. */
const PROGRAM = `
import { powertoolsLog } from ${JSON.stringify(POWERTOOLS_LOG)};
import { correlated } from ${JSON.stringify(CORRELATION)};
for (const { service, correlation, lines } of JSON.parse(process.argv[1])) {
  const log = powertoolsLog(service, 'token-broker');
  correlated(correlation, () => { for (const { event, fields } of lines) log.info(event, fields); });
}
`;

const bytesOf = (text: string): number => Buffer.byteLength(text) + EVENT_BYTES;

/** The bytes of each writer's lines. */
const written = <Names extends string>(writers: Readonly<Record<Names, Writer>>): Readonly<Record<Names, number>> => {
  const all = Object.entries<Writer>(writers);
  const order = JSON.stringify(all.map(([, writer]) => writer));
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROGRAM, order];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1' },
  });
  const found = stdout.split('\n').filter((line) => line !== '');
  const sums = all.map(([name, { lines }]) => {
    const own = found.splice(0, lines.length);
    if (own.length !== lines.length) throw new Error(`the log is not written: ${stdout}${stderr}`);
    return [name, own.reduce((sum, line) => sum + bytesOf(line), 0)];
  });
  return Object.fromEntries(sums);
};

/** Lambda's own lines of an invocation, as plain text (developer guide, "Sending Lambda function logs to CloudWatch Logs"). */
const LAMBDA_LINES = [
  `START RequestId: ${FUNCTION_REQUEST_ID} Version: $LATEST\n`,
  `END RequestId: ${FUNCTION_REQUEST_ID}\n`,
  `REPORT RequestId: ${FUNCTION_REQUEST_ID}\tDuration: 315.32 ms\tBilled Duration: 316 ms\tMemory Size: 512 MB\tMax Memory Used: 128 MB\t\n`,
].reduce((sum, line) => sum + bytesOf(line), 0);

/** What API Gateway puts in for a device's fetch. */
const ACCESS: Readonly<Record<string, string>> = {
  '$context.requestId': API_REQUEST_ID,
  '$context.requestTime': '09/Jan/2027:12:34:56 +0000',
  '$context.domainName': 'mail.example.com',
  '$context.httpMethod': 'POST',
  '$context.status': '200',
  '$context.responseLatency': '19',
  '$context.integrationLatency': '17',
  '$context.integrationErrorMessage': '-',
  '$context.error.message': '-',
  '$context.responseLength': '6500',
  '$context.identity.sourceIp': '203.0.113.77',
  '$context.identity.userAgent': 'Mozilla/5.0 (compatible; a printer)',
  '$context.routeKey': 'ANY /oauth/token',
};

const accessLine = (): number => {
  const line = HTTP_API_LOG.toString().replaceAll(/\$context[.\w]+/g, (variable) => {
    const value = ACCESS[variable];
    if (value === undefined) throw new Error(`what does ${variable} look like? (test/bench/aws-costs/log-lines.ts)`);
    return value;
  });
  return bytesOf(line);
};

export interface LogBytes {
  /** Lambda's own, of each invocation. */
  readonly invocation: number;
  readonly fetch: number;
  readonly refresh: number;
  readonly sweep: number;
  readonly access: number;
}

/** The bytes of what is logged, as the broker was seen to log it. */
export const measureLogBytes = ({ google, microsoft }: FleetCosts): LogBytes => {
  const fromApi = { api_request_id: API_REQUEST_ID, request_id: REQUEST_ID, function_request_id: FUNCTION_REQUEST_ID };
  const fromQueue = { correlation_id: REQUEST_ID, function_request_id: FUNCTION_REQUEST_ID };
  const fetching = { service: 'fetch-token', correlation: fromApi };
  const refreshing = { service: 'refresh-grants', correlation: fromQueue };
  const swept = { event: 'grants.swept', fields: { count: 600, waiting: 0, oldest_due_seconds: 59 } };
  const bytes = written({
    googleFetch: { ...fetching, lines: google.fetched.logged },
    microsoftFetch: { ...fetching, lines: microsoft.fetched.logged },
    googleRefresh: { ...refreshing, lines: google.refreshed.logged },
    microsoftRefresh: { ...refreshing, lines: microsoft.refreshed.logged },
    sweep: { service: 'sweep', correlation: fromQueue, lines: [swept] },
  });
  const mixed = (ofGoogle: number, ofMicrosoft: number) => ofGoogle * GOOGLE_SHARE + ofMicrosoft * (1 - GOOGLE_SHARE);
  return {
    invocation: LAMBDA_LINES,
    fetch: mixed(bytes.googleFetch, bytes.microsoftFetch),
    refresh: mixed(bytes.googleRefresh, bytes.microsoftRefresh),
    sweep: bytes.sweep,
    access: accessLine(),
  };
};
