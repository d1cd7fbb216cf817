import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { sqsEvent } from '../../fakes/sqs-event-source.ts';
import { type Cloud, startCloud, VISIBILITY_SECONDS } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';

describe('the mail queue in front of the built relay-mail/send', () => {
  let cloud: Cloud;
  let first: Office;
  let second: Office;
  before(async () => {
    cloud = await startCloud();
    first = await furnishOffice(cloud, { address: 'first@contoso.example' });
    second = await furnishOffice(cloud, { address: 'second@contoso.example' });
  });
  afterEach(() => {
    delete cloud.faults.dynamodb;
    assert.deepEqual(cloud.denied(), []);
  });
  after(() => cloud.close());

  const arrivedSubjects = async (): Promise<string[]> => {
    const listed = (await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] };
    const raws = listed.messages.map(async ({ id }) =>
      (await fetch(new URL(`messages/${id}/raw`, cloud.inbox))).text(),
    );
    const subjects = (await Promise.all(raws)).map((raw) => /^Subject: (.*)$/m.exec(raw)?.[1]?.trim() ?? '');
    return subjects.reverse();
  };
  const handIn = async ({ handIn: give, mailboxId }: Office, text: string) => {
    const id = String((await give(text)).submission_id);
    return { id, body: JSON.stringify({ mailboxId }), group: mailboxId };
  };
  const invoke = (messages: Parameters<typeof sqsEvent>[1]) =>
    cloud.functionOf('relay-mail/send').invoke(sqsEvent('mail.fifo', messages));
  const failures = (...ids: string[]) => ({
    outcome: 'returned',
    payload: { batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) },
  });

  it('sends several messages of one group in their order', async () => {
    const messages = [];
    for (const text of ['1st', '2nd', '3rd', '4th']) messages.push(await handIn(first, text));
    assert.deepEqual(await invoke(messages), failures());
    assert.deepEqual((await arrivedSubjects()).slice(-4), ['1st', '2nd', '3rd', '4th']);
    // What the real queue still holds of them is found done.
    await cloud.mailSource.drain();
    assert.equal((await arrivedSubjects()).length, 4);
    for (const { id } of messages) assert.equal((await first.submission(id)).state, 'sent');
  });

  it('stops a group at its poison message and sends the other groups', async () => {
    const before = (await arrivedSubjects()).length;
    const [a, b, c] = [await handIn(first, 'a'), await handIn(first, 'b'), await handIn(second, 'c')];
    const poison = { id: 'poison', body: 'not JSON', group: first.mailboxId };
    assert.deepEqual(await invoke([a, poison, b, c]), failures('poison', b.id));
    // All that waited in the mailbox went with its first message.
    assert.deepEqual((await arrivedSubjects()).slice(before), ['a', 'b', 'c']);
    assert.deepEqual(await invoke([b]), failures());
    await cloud.mailSource.drain();
    assert.equal((await arrivedSubjects()).length, before + 3);
  });

  it('leaves what failed in the queue, deletes the rest, and sends it when it comes back', async () => {
    const [lost, good] = [await handIn(first, 'comes back'), await handIn(second, 'goes')];
    cloud.faults.dynamodb = ({ operation, body }) =>
      operation === 'GetItem' && body.includes(lost.id)
        ? { status: 400, body: { __type: 'com.amazonaws.dynamodb.v20120810#ValidationException', message: 'Injected' } }
        : undefined;
    assert.deepEqual(await cloud.mailSource.poll(), { received: 2, left: 1 });
    delete cloud.faults.dynamodb;
    assert.equal((await second.submission(good.id)).state, 'sent');
    assert.equal((await first.submission(lost.id)).state, 'queued');
    await sleep(VISIBILITY_SECONDS * 1000 + 100);
    assert.deepEqual(await cloud.mailSource.poll(), { received: 1, left: 0 });
    assert.equal((await first.submission(lost.id)).state, 'sent');
    assert.equal(cloud.mailSource.seen().at(-1)?.attributes.ApproximateReceiveCount, '2');
  });

  it('leaves the whole batch in the queue when the function dies, and sends each message once', async () => {
    const before = (await arrivedSubjects()).length;
    const { id } = await handIn(first, 'after a death');
    cloud.faults.dynamodb = ({ operation, body }) => {
      if (operation !== 'GetItem' || !body.includes(id)) return undefined;
      cloud.functionOf('relay-mail/send').crash();
      return 'break_connection';
    };
    assert.deepEqual(await cloud.mailSource.poll(), { received: 1, left: 1 });
    delete cloud.faults.dynamodb;
    await sleep(VISIBILITY_SECONDS * 1000 + 100);
    assert.deepEqual(await cloud.mailSource.poll(), { received: 1, left: 0 });
    assert.deepEqual((await arrivedSubjects()).slice(before), ['after a death']);
  });

  it('moves on past a message of an earlier version, which named a submission', async () => {
    const body = JSON.stringify({ submissionId: 'sub_gone' });
    const gone = {
      QueueUrl: cloud.mailQueueUrl,
      MessageBody: body,
      MessageGroupId: 'g',
      MessageDeduplicationId: 'gone',
    };
    await cloud.sqs.send(new SendMessageCommand(gone));
    assert.deepEqual(await cloud.mailSource.poll(), { received: 1, left: 0 });
  });
});
