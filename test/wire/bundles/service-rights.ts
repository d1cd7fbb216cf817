import { readFileSync } from 'node:fs';
import type { FauxqsRequest } from '../../fakes/fauxqs.ts';

/** What a request to S3, SQS or Lambda does, in the words of docs/security.md. */
export interface Asked {
  readonly action: string;
  readonly on: string;
}

const PAGE = new URL('../../../docs/security.md', import.meta.url);

/** The lines of the page's table of functions: a test of its own holds them to the templates (test/infra/rights-doc.test.ts). */
const rights: readonly (Asked & { readonly by: string })[] = readFileSync(PAGE, 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, by, may = '', on = ''] = /^\| `([a-z/-]+)` \| (.*?) \| (.*?) \|/.exec(line) ?? [];
    if (by === undefined) return [];
    const actions = [...may.matchAll(/`((?:s3|sqs|lambda):\w+)`/g)].map(([, action = '']) => action);
    return actions.flatMap((action) => on.split(', ').map((one) => ({ by, action, on: one })));
  });

export const maySo = (by: string, asked: Asked): boolean =>
  rights.some((right) => right.by === by && right.action === asked.action && right.on === asked.on);

const QUEUES: Readonly<Record<string, string>> = {
  grants: 'grant queue',
  'grants-dead': 'grant dead letters',
  mail: 'mail queue',
  'mail-dead': 'mail dead letters',
};

/** A batch needs the right of the single action (Service Authorization Reference, Amazon SQS). */
const askedOfSqs = (operation: string, body: unknown): Asked => {
  const { QueueUrl = '' } = (typeof body === 'object' ? body : JSON.parse(String(body))) as { QueueUrl?: string };
  const queue = /([^/]+?)(?:\.fifo)?$/.exec(QueueUrl)?.[1] ?? '';
  return { action: `sqs:${operation.replace(/Batch$/, '')}`, on: QUEUES[queue] ?? queue };
};

/** Service Authorization Reference, Amazon S3: parts of an upload are put with the right to put. */
const askedOfS3 = (method: string, { pathname, searchParams }: URL): Asked => {
  const [, key] = /^\/[^/]+\/(.+)$/.exec(pathname) ?? [];
  if (key === undefined) return { action: 's3:ListBucket', on: 'bucket' };
  const aborts = method === 'DELETE' && searchParams.has('uploadId');
  const action = { GET: 'GetObject', HEAD: 'GetObject', DELETE: 'DeleteObject' }[method] ?? 'PutObject';
  return {
    action: `s3:${aborts ? 'AbortMultipartUpload' : action}`,
    on: `\`${key.slice(0, key.indexOf('/'))}/*\` in the bucket`,
  };
};

export const askedOf = ({ method, url, headers, body }: FauxqsRequest): Asked => {
  const [service = '', operation = ''] = String(headers['x-amz-target'] ?? '').split('.');
  return service === 'AmazonSQS' ? askedOfSqs(operation, body) : askedOfS3(method, new URL(url, 'http://any'));
};
