import type { Key, Table, Write } from '../../../shared/ports/table.ts';

/** Told of every step that a process takes towards the outside, before it and after its answer. */
export type Watch = (moment: 'before' | 'after', what: string) => void;

const around = async <Value>(watch: Watch, what: string, work: () => Promise<Value>): Promise<Value> => {
  watch('before', what);
  const value = await work();
  watch('after', what);
  return value;
};

/** What an item is, without naming whose. */
const itemName = (pk: string, sk: string): string => (pk.startsWith('mailbox#') ? sk : (pk.split('#')[0] ?? pk));

const keyOf = (write: Write): Key => {
  if ('put' in write) return write.put;
  if ('update' in write) return write.update;
  return 'delete' in write ? write.delete : write.check;
};

const writeName = (writes: readonly Write[]): string =>
  `write ${writes.map((write) => itemName(keyOf(write).pk, keyOf(write).sk)).join('+')}`;

/** Every write; what only reads is no step, as below. */
export const watchedTable = (table: Table, watch: Watch): Table => ({
  ...table,
  write: (one) => around(watch, writeName([one]), () => table.write(one)),
  writeAll: (all) => around(watch, writeName(all), () => table.writeAll(all)),
});

interface HttpRequest {
  readonly headers: { readonly [name: string]: string };
  readonly body?: unknown;
}

/** Reading changes nothing: whoever dies before or after it leaves what the step before it left, where all die as well. */
const READS = /^(Get|BatchGet|Query|Describe)/;

/** Every request of an AWS client, repeats too, at the last place before the wire. */
export const watchAwsClient = <Options, Reply>(
  client: { config: { requestHandler: { handle(request: never, options?: Options): Promise<Reply> } } },
  watch: Watch,
): void => {
  const { requestHandler } = client.config;
  const send = requestHandler.handle.bind(requestHandler);
  requestHandler.handle = (request, options) => {
    const what = requestName(request);
    return READS.test(what) ? send(request, options) : around(watch, what, () => send(request, options));
  };
};

const requestName = ({ headers, body }: HttpRequest): string => {
  const operation = headers['x-amz-target']?.split('.').at(-1) ?? 'request';
  const names = [...String(body).matchAll(/"pk":\{"S":"([^"]*)"\},"sk":\{"S":"([^"]*)"\}/g)];
  return [operation, [...new Set(names.map(([, pk = '', sk = '']) => itemName(pk, sk)))].join('+')].join(' ').trim();
};

type Fetch = typeof globalThis.fetch;

export const watchedFetch =
  (fetch: Fetch, watch: Watch): Fetch =>
  (url, init) => {
    const grantType = new URLSearchParams(String(init?.body ?? '')).get('grant_type');
    return around(watch, `the provider: ${grantType}`, () => fetch(url, init));
  };
