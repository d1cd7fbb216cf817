import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { makePerson } from '../../../local/demo/person.ts';
import { ADMIN_KEY, type Cloud, startCloud } from './cloud.ts';
import { SCHEDULE_EVENT } from './schedule-event.ts';

type Json = Record<string, unknown>;

interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly type: string;
  readonly data: Json;
}

const BROKEN = 'scanner@contoso.example';
const HEALTHY = 'scanner@gmail.example';

describe('people are told through the built bundles', () => {
  let cloud: Cloud;
  let organizationId: string;
  let secret: string;
  const mailboxIds: string[] = [];
  const posts: Post[] = [];
  const receiver = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    posts.push({ headers: request.headers, text, ...(JSON.parse(text) as { type: string; data: Json }) });
    response.writeHead(204).end();
  });

  const admin = async (method: string, path: string, body?: Json): Promise<Json> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const text = await (await fetch(`${cloud.url}/v1/admin${path}`, init)).text();
    return text === '' ? {} : (JSON.parse(text) as Json);
  };
  const notify = async (): Promise<void> => {
    const ran = await cloud.functionOf('notify').invoke(SCHEDULE_EVENT);
    assert.equal(ran.outcome, 'returned', JSON.stringify(ran));
  };
  const mails = async (): Promise<readonly Json[]> => {
    const reply = await fetch(new URL('messages.json', cloud.inbox));
    return ((await reply.json()) as { messages: readonly Json[] }).messages;
  };

  before(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    cloud = await startCloud({ movesClock: true });
    organizationId = String((await admin('POST', '/organizations', { name: 'Contoso' })).organization_id);
    for (const [provider, address] of [
      ['microsoft', BROKEN],
      ['google', HEALTHY],
    ] as const) {
      const { mailbox_id: id } = await admin('POST', `/organizations/${organizationId}/mailboxes`, {
        provider,
        address,
      });
      const { url } = await admin('POST', `/mailboxes/${id}/sign-ins`, {});
      const end = await makePerson().signIn(String(url), { username: address, stopAt: 'none' });
      assert.match(end.body, /data-result="completed"/);
      mailboxIds.push(String(id));
    }
    const webhook_url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const emails = ['it@contoso.example'];
    const set = await admin('PATCH', `/organizations/${organizationId}/notifications`, { webhook_url, emails });
    secret = String(set.webhook_secret);
  });
  after(async () => {
    receiver.close();
    await cloud?.close();
  });

  it('of an ended sign-in at once by webhook, and two minutes later by mail through the mailbox that works', async () => {
    cloud.standIns.identity.microsoft?.revokeAccount(BROKEN);
    await admin('POST', `/mailboxes/${mailboxIds[0]}/refresh`);
    await notify();
    const [post] = posts;
    assert.ok(post);
    assert.deepEqual([post.type, post.data.phase], ['grant.invalid', 'raised']);
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const content = `${post.headers['webhook-id']}.${post.headers['webhook-timestamp']}.${post.text}`;
    const signature = `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
    assert.equal(post.headers['webhook-signature'], signature);

    await cloud.moveClock(130);
    await notify();
    await cloud.mailSource.drain();
    const [mail, ...others] = await mails();
    assert.deepEqual(others, []);
    assert.ok(JSON.stringify(mail).includes('it@contoso.example'));
    assert.ok(JSON.stringify(mail).includes(HEALTHY));
    await cloud.moveClock(200);
    await notify();
    const { notices } = await admin('GET', `/organizations/${organizationId}/notices`);
    const [notice] = notices as { last_told: { mail: Json; webhook: Json } }[];
    assert.deepEqual([notice?.last_told.webhook.state, notice?.last_told.mail.state], ['delivered', 'delivered']);
  });

  it('that it is mended, by somebody who has followed the link', async () => {
    const link = String(posts[0]?.data.sign_in_url);
    assert.equal((await fetch(link, { method: 'HEAD' })).status, 200);
    const end = await makePerson().signIn(link, { username: BROKEN, stopAt: 'none' });
    assert.match(end.body, /data-result="completed"/);
    await notify();
    assert.deepEqual(
      posts.map(({ data }) => data.phase),
      ['raised', 'resolved'],
    );
    assert.match(await (await fetch(link)).text(), /no longer needed/);
  });

  it('by a test, and with another secret once it was asked for', async () => {
    const path = `/organizations/${organizationId}/notifications`;
    await admin('POST', `${path}/secret`, {});
    await admin('POST', `${path}/test`);
    await notify();
    const last = posts.at(-1);
    assert.equal(last?.type, 'test');
    assert.equal(String(last?.headers['webhook-signature']).split(' ').length, 2);
  });

  it('with nothing that the roles do not allow', async () => {
    await admin('DELETE', `/mailboxes/${mailboxIds[0]}`);
    await notify();
    assert.deepEqual(cloud.denied(), []);
    assert.ok(!cloud.logs().includes(secret));
    assert.ok(!cloud.requests.some(({ service, body }) => service === 'dynamodb' && body.includes(secret)));
  });
});
