import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FUNCTIONS, type FunctionName } from '../../../scripts/build.ts';
import { TEST_PAUSE_SECONDS } from '../../../shared/domain/connection-test.ts';
import { metafileOf } from './built.ts';
import { ADMIN_KEY, type Cloud, startCloud } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';

describe('the connection test in the built bundles', () => {
  let cloud: Cloud;
  let office: Office;
  before(async () => {
    cloud = await startCloud();
    office = await furnishOffice(cloud);
  });
  after(async () => {
    assert.deepEqual(cloud.denied(), []);
    await cloud.close();
  });

  const run = async (body: Json, language = 'en') => {
    const reply = await fetch(`${cloud.url}/v1/admin/mailboxes/${office.mailboxId}/test`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        'content-type': 'application/json',
        'accept-language': language,
      },
      body: JSON.stringify(body),
    });
    return { status: reply.status, json: (await reply.json()) as Json };
  };
  const messagesTo = async (address: string) => {
    const { messages } = (await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] };
    return messages.filter((message) => JSON.stringify(message).includes(address)).length;
  };
  const summary = ({ steps }: Json) =>
    (steps as readonly Json[]).map(({ step, ok }) => `${step} ${ok ? 'ok' : 'failed'}`);
  const CONNECTED = ['grant ok', 'token ok', 'name ok', 'tcp ok', 'tls ok', 'greeting ok', 'auth ok'];

  it('is asked of admin, and made by the function that may have a token', async () => {
    const sent = await run({ direction: 'send', to: 'anna@example.org' }, 'da');
    assert.equal(sent.status, 200, JSON.stringify(sent.json));
    assert.deepEqual(summary(sent.json), [...CONNECTED, 'envelope ok', 'message ok']);
    assert.equal(await messagesTo('anna@example.org'), 1);
    await sleep(TEST_PAUSE_SECONDS * 1000);
    const received = await run({ direction: 'receive', protocol: 'imap' });
    assert.deepEqual(summary(received.json), [...CONNECTED, 'mailbox ok']);
  });

  it('is not made twice, though its answer was lost', async () => {
    await sleep(TEST_PAUSE_SECONDS * 1000);
    cloud.faults.losesInvocation = () => true;
    const lost = await run({ direction: 'send', to: 'bert@example.org' });
    delete cloud.faults.losesInvocation;
    assert.deepEqual([lost.status, await messagesTo('bert@example.org')], [500, 1]);
  });

  it('has its words where they are told, and not in what serves devices', () => {
    const hasWords = (name: FunctionName) =>
      Object.keys(metafileOf(name).inputs).some((file) => file.includes('connection-test-texts'));
    assert.deepEqual(FUNCTIONS.filter(hasWords), ['relay-mail/test', 'admin']);
  });

  it('shows the token to nobody: not to admin, and in no log', async () => {
    const askers = cloud.requests.filter(
      ({ operation, body }) => operation === 'GetSecretValue' && body.includes('access-token-keys'),
    );
    assert.ok(askers.length > 0);
    assert.ok(!askers.some(({ by }) => by === 'admin'));
    const token = String(((await (await office.fetchToken()).json()) as Json).access_token);
    const told =
      cloud.logs() +
      cloud.exchanges
        .filter(({ request }) => request.target.includes('/admin/'))
        .map(({ reply }) => reply.body.toString())
        .join('\n');
    assert.match(told, /mailbox\.tested/);
    for (let at = 0; at + 24 <= token.length; at += 8) assert.ok(!told.includes(token.slice(at, at + 24)));
  });
});
