import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FunctionName } from '../../../scripts/build.ts';
import { type Cloud, startCloud } from './cloud.ts';
import { loggedBy } from './log-lines.ts';
import { furnishOffice, type Office } from './office.ts';

describe('one request, followed through the built bundles', () => {
  let cloud: Cloud;
  let office: Office;
  before(async () => {
    cloud = await startCloud();
    office = await furnishOffice(cloud);
  });
  after(() => cloud.close());

  /** As the device was shown it. */
  const shownId = (): string => {
    const { reply } = cloud.exchanges.at(-1) ?? {};
    const [, id = ''] = reply?.headers.find(([name]) => name.toLowerCase() === 'x-request-id') ?? [];
    assert.match(id, /^req_\w{16}$/);
    return id;
  };
  /** The events of a function by which `id` is found, by the name that it has there. */
  const eventsBy = (name: FunctionName, field: 'request_id' | 'correlation_id', id: string): readonly string[] =>
    loggedBy(cloud, name).flatMap(({ event, fields }) => (fields[field] === id ? [event] : []));

  it('is one id from the message handed in, by its sending, to the refresh that this needed', async () => {
    await office.handIn('followed');
    const id = shownId();
    await office.letAccessTokenExpire();
    await cloud.mailSource.drain();
    assert.deepEqual(eventsBy('relay-mail/accept', 'request_id', id), ['submission.accepted']);
    assert.deepEqual(eventsBy('relay-mail/send', 'correlation_id', id), ['submission.sent']);
    assert.deepEqual(eventsBy('refresh-grants/worker', 'correlation_id', id), ['grant.refreshed']);

    await office.handIn('another');
    await cloud.mailSource.drain();
    assert.deepEqual(eventsBy('relay-mail/send', 'correlation_id', shownId()), ['submission.sent']);
    assert.deepEqual(eventsBy('relay-mail/send', 'correlation_id', id), ['submission.sent'], 'not of the other');
  });

  it("is one id from a device's fetch to the refresh that it waits for", async () => {
    await office.letAccessTokenExpire();
    assert.equal((await office.fetchToken()).status, 200);
    const id = shownId();
    assert.deepEqual(eventsBy('fetch-token', 'request_id', id), ['token.issued']);
    assert.deepEqual(eventsBy('refresh-grants/worker', 'correlation_id', id), ['grant.refreshed']);
  });

  it('is one id from a sweep to the refresh of what it put into the queue', async () => {
    await office.letKeepAliveFallDue();
    await cloud.functionOf('refresh-grants/sweep').invoke({});
    const swept = loggedBy(cloud, 'refresh-grants/sweep').find(({ event }) => event === 'grants.swept');
    const id = String(swept?.fields.correlation_id);
    assert.match(id, /^run_[\w-]{36}$/);
    await cloud.grantSource.drain();
    assert.deepEqual(eventsBy('refresh-grants/worker', 'correlation_id', id), ['grant.refreshed']);
  });

  it("names the API's own request, and Lambda's invocation, in every line", () => {
    const [issued] = loggedBy(cloud, 'fetch-token').filter(({ event }) => event === 'token.issued');
    assert.match(String(issued?.fields.api_request_id), /^[\w-]{36}$/);
    for (const name of ['fetch-token', 'relay-mail/send', 'refresh-grants/worker', 'refresh-grants/sweep'] as const) {
      for (const { fields, text } of loggedBy(cloud, name)) {
        assert.match(String(fields.function_request_id), /^[\w-]{36}$/, text);
      }
    }
  });
});
