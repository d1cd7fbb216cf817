import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePerson } from '../../local/demo/person.ts';
import { compareReply, filledIn, type Memory, type Sample, stepsOf } from './device-guide-samples.ts';
import {
  basicOf,
  bind,
  call,
  enrolmentToken,
  newMailbox,
  newOrganization,
  signIn,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

const PAGE = readFileSync(new URL('../../docs/device-guide.md', import.meta.url), 'utf8');

/** The interval of the polls that the page shows. */
const INTERVAL_MS = 5_100;

describe('the guide for device engineers', () => {
  let broker: WireBroker;
  let organizationId: string;
  const memory: Memory = new Map();
  const told = (name: string): string => filledIn(`<${name}>`, memory);

  before(async () => {
    broker = await wireBroker();
    organizationId = await newOrganization(broker);
    memory.set('enrolment_token', await enrolmentToken(broker, organizationId));
  });
  after(() => broker.close());

  /** By the slot. */
  const mailboxes = new Map<string, string>();

  const signedIn = async (mailboxId: string, address: string): Promise<void> =>
    assert.match((await signIn(broker, mailboxId, { username: address })).body, /data-result="completed"/);

  const bindSignedIn = async (provider: 'microsoft' | 'google', address: string, slot: string): Promise<void> => {
    const mailboxId = await newMailbox(broker, organizationId, provider, address);
    mailboxes.set(slot, mailboxId);
    await bind(broker, told('client_id'), slot, mailboxId);
    await signedIn(mailboxId, address);
  };

  /** The message that was handed in last. */
  const becomes = (state: string): Promise<unknown> =>
    submissionIn(broker, { basic: basicOf(told('client_id'), told('client_secret')) }, told('submission_id'), state);

  /** What the page says that others do, by its beginning. */
  const MEANWHILE: Readonly<Record<string, () => Promise<unknown>>> = {
    'an administrator binds': () => bindSignedIn('microsoft', 'scanner@contoso.example', 'scan'),
    'the person types the code': async () => {
      const address = `${broker.url}/pair?user_code=${told('user_code')}`;
      const wish = { username: 'jan@contoso.example', stopAt: 'none' } as const;
      const [end] = await Promise.all([makePerson().signIn(address, wish), sleep(INTERVAL_MS)]);
      assert.match(end.body, /data-result="completed"/);
    },
    'the owner changes': () => broker.control('POST', 'microsoft/revocations', { account: 'scanner@contoso.example' }),
    'the provider is down': async () => {
      await bindSignedIn('google', 'office@gmail.example', 'alerts');
      const fault = { kind: 'reply', status: 503 };
      await broker.control('POST', 'google/faults', { place: 'token', fault, times: 'always' });
    },
    'the broker finds': () => becomes('held'),
    'the owner signs in,': async () => {
      const fault = { kind: 'reply', code: 550, text: '5.1.1 User unknown' };
      await broker.control('POST', 'mail/faults', { place: 'RCPT', fault, times: 1 });
      await signedIn(mailboxes.get('scan') ?? '', 'scanner@contoso.example');
      await becomes('sent');
    },
  };

  const happens = (sentence: string): Promise<unknown> => {
    const [, act] = Object.entries(MEANWHILE).find(([beginning]) => sentence.startsWith(beginning)) ?? [];
    if (act === undefined) throw new Error(`nothing is done for "Meanwhile ${sentence}"`);
    return act();
  };

  const send = ({ request }: Sample) => {
    const { method, path, headers, body } = request;
    const contentType = body.startsWith('{') ? 'application/json' : 'application/x-www-form-urlencoded';
    return call(`${broker.url}${filledIn(path, memory)}`, {
      method,
      headers: {
        authorization: basicOf(told('client_id'), told('client_secret')),
        ...(body === '' ? {} : { 'content-type': contentType }),
        ...Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name.toLowerCase(), filledIn(value, memory)]),
        ),
      },
      ...(body === '' ? {} : { body: filledIn(body, memory) }),
    });
  };

  test('shows requests and replies as they are', async (t) => {
    memory.set('client_id', 'none').set('client_secret', 'none');
    const steps = stepsOf(PAGE.replaceAll('https://broker.example.org', broker.url));
    assert.equal(steps.length, PAGE.match(/^```http$|^\*Meanwhile\*/gm)?.length, 'every block is read');
    for (const step of steps) {
      if ('meanwhile' in step) await happens(step.meanwhile);
      else {
        const { method, path } = step.sample.request;
        await t.test(`${method} ${path}, ${step.sample.reply.status}`, async () => {
          compareReply(step.sample, await send(step.sample), memory);
        });
      }
    }
  });
});
