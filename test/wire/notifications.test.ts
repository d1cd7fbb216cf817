import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makePerson } from '../../local/demo/person.ts';
import { type TestCertificate, testCertificate } from '../fakes/certificate.ts';
import {
  arrived,
  call,
  eventually,
  type Json,
  newMailbox,
  newOrganization,
  signIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

const ADMINISTRATOR = 'it@contoso.example';

interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly type: string;
  readonly data: Json;
}

type Answer = (post: Post, response: ServerResponse) => void;

const OK: Answer = (_post, response) => response.writeHead(204).end();

/** A receiver of webhooks, as an administrator would write one: HTTPS on loopback. */
const startReceiver = async (identity: TestCertificate) => {
  const posts: Post[] = [];
  const state: { answer: Answer } = { answer: OK };
  const server: Server = createServer({ ...identity }, async (request: IncomingMessage, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { type, data } = JSON.parse(text) as { type: string; data: Json };
    const post = { headers: request.headers, text, type, data };
    posts.push(post);
    state.answer(post, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    posts,
    state,
    url: `https://localhost:${(server.address() as AddressInfo).port}/notices`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** Independent of the broker's own code: as the specification says it. */
const signatureOf = ({ headers, text }: Post, secret: string): string => {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
};

const isSignedBy = (post: Post, secret: string): boolean =>
  String(post.headers['webhook-signature']).split(' ').includes(signatureOf(post, secret));

/** The text of a mail of the broker's own. */
const textOf = ({ raw }: { raw: string }): string =>
  Buffer.from(raw.slice(raw.indexOf('\r\n\r\n')), 'base64').toString('utf8');

let broker: WireBroker;
let receiver: Receiver;
let folder: string;
/** The broker is told of its authority at its start, so every receiver has the same. */
let certificate: TestCertificate;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'token-broker-notices-'));
  certificate = await testCertificate();
  const authority = join(folder, 'authority.pem');
  await writeFile(authority, certificate.cert);
  receiver = await startReceiver(certificate);
  broker = await wireBroker({
    BROKER_PRIVATE_WEBHOOKS: 'allow',
    BROKER_NOTICE_GATHER_SECONDS: '1',
    NODE_EXTRA_CA_CERTS: authority,
  });
});
after(async () => {
  await broker?.close();
  receiver?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Told {
  readonly organizationId: string;
  readonly secret: string;
  readonly broken: { readonly id: string; readonly address: string };
  readonly healthy: { readonly id: string; readonly address: string };
}

let offices = 0;

/** An organization with two mailboxes that are signed in, whose people are told by both channels. */
const toldOffice = async (to: Receiver = receiver): Promise<Told> => {
  const office = ++offices;
  const organizationId = await newOrganization(broker, `Office ${office}`);
  const mailboxes = [];
  for (const [provider, name] of [
    ['microsoft', `scanner${office}@contoso.example`],
    ['google', `scanner${office}@gmail.example`],
  ] as const) {
    const id = await newMailbox(broker, organizationId, provider, name);
    assert.match((await signIn(broker, id, { username: name })).body, /data-result="completed"/);
    mailboxes.push({ id, address: name });
  }
  const [broken, healthy] = mailboxes;
  assert.ok(broken && healthy);
  const settings = { webhook_url: to.url, emails: [`${office}.${ADMINISTRATOR}`] };
  const set = await broker.administer('PATCH', `/organizations/${organizationId}/notifications`, settings);
  return { organizationId, secret: String(set.webhook_secret), broken, healthy };
};

/** The provider ends the sign-in, and the broker finds out. */
const lapse = async ({ broken }: Told): Promise<void> => {
  await broker.control('POST', 'microsoft/revocations', { account: broken.address });
  const reply = await broker.admin('POST', `/mailboxes/${broken.id}/refresh`);
  assert.equal(reply.body.token_status, 'invalid', reply.text);
};

const postsOf = ({ organizationId }: Told, to: Receiver = receiver): readonly Post[] =>
  to.posts.filter(({ data }) => (data.organization as Json | null)?.organization_id === organizationId);

const posted = (told: Told, phase: string, to: Receiver = receiver): Promise<Post> =>
  eventually(`a post: ${phase}`, () => postsOf(told, to).find(({ data }) => data.phase === phase));

const mailsTo = async ({ organizationId }: Told) => {
  const { emails } = await broker.administer('GET', `/organizations/${organizationId}/notifications`);
  return (await arrived(broker)).filter(({ raw }) => raw.includes(`To: ${(emails as string[])[0]}`));
};

const mailed = (told: Told, pattern: RegExp) =>
  eventually(`a mail: ${pattern}`, async () => (await mailsTo(told)).find((mail) => pattern.test(textOf(mail))));

/** At once, each with an office of its own: nearly all of it is waiting for sweeps and for further tries. */
describe('notifications', { concurrency: true }, () => {
  test('are tried out before they are needed, by webhook and by mail', async () => {
    const told = await toldOffice();
    assert.match(told.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const path = `/organizations/${told.organizationId}/notifications`;
    const shown = await broker.administer('GET', path);
    assert.ok(!('webhook_secret' in shown), 'it is shown once');
    assert.ok(!JSON.stringify(shown).includes(told.secret));

    assert.equal((await broker.admin('POST', `${path}/test`)).status, 202);
    const post = await posted(told, 'test');
    assert.equal(post.type, 'test');
    assert.ok(isSignedBy(post, told.secret));
    assert.ok(Math.abs(Number(post.headers['webhook-timestamp']) - Date.now() / 1000) < 60);
    await mailed(told, /This is a test\./);
    const outcome = await eventually(
      'the outcome of the test',
      async () => {
        const { last_test } = await broker.administer('GET', path);
        const { webhook, mail } = last_test as { webhook: Json; mail: Json };
        return webhook.state === 'delivered' && mail.state === 'delivered' ? mail : undefined;
      },
      90_000,
    );
    assert.match(String(outcome.by), /@(contoso|gmail)\.example$/);
  });

  test('tell of a sign-in that has ended, with a link that a person follows to a new one, and that it is mended', async () => {
    const told = await toldOffice();
    await lapse(told);
    const post = await posted(told, 'raised');
    assert.equal(post.type, 'grant.invalid');
    assert.ok(isSignedBy(post, told.secret));
    assert.deepEqual(post.data.mailbox, { mailbox_id: told.broken.id, address: told.broken.address });
    assert.equal(post.data.actor, 'person');

    const mail = await mailed(told, /has ended/);
    assert.match(mail.raw, new RegExp(`^From: MFP Token Broker <${told.healthy.address}>`, 'm'));
    assert.equal(mail.user ?? told.healthy.address, told.healthy.address, 'never through the broken mailbox');
    const [link = ''] = /http:\/\/localhost:\d+\/reconnect\/[\w-]{43}/.exec(textOf(mail)) ?? [];
    assert.ok(link !== '' && link !== post.data.sign_in_url, 'each has a link of its own');

    // Scanners and previews look at links; nothing comes of it.
    const started = async () => {
      const { audit } = (await broker.administer('GET', '/audit?limit=200')) as { audit: readonly Json[] };
      return audit.filter(({ action, subject }) => action === 'sign-in.started' && subject === told.broken.id).length;
    };
    const before = await started();
    for (const method of ['HEAD', 'GET', 'GET']) assert.equal((await call(link, { method })).status, 200);
    const page = await call(link, { headers: { 'accept-language': 'pl' } });
    assert.match(page.text, /Zaloguj ponownie/);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(page.headers.get('cache-control'), 'no-store');
    assert.equal(await started(), before);

    const end = await makePerson().signIn(link, { username: told.broken.address, stopAt: 'none' });
    assert.match(end.body, /data-result="completed"/);
    assert.equal(await started(), before + 1);
    const resolved = await posted(told, 'resolved');
    assert.equal(resolved.data.notice_id, post.data.notice_id);
    assert.deepEqual((await broker.administer('GET', `/organizations/${told.organizationId}/notices`)).notices, []);

    const over = await call(link);
    assert.equal(over.status, 200);
    assert.match(over.text, /no longer needed/);
    assert.ok(!over.text.includes('<form method="post" action="/reconnect'));
    const pressed = await call(link, { method: 'POST' });
    assert.equal(pressed.headers.get('location'), new URL(link).pathname);
    assert.equal(await started(), before + 1);
  });

  test('have links that nobody can guess, and of which nothing rests in the data', async () => {
    const told = await toldOffice();
    await lapse(told);
    const { data } = await posted(told, 'raised');
    const token = String(data.sign_in_url).split('/').at(-1) ?? '';
    for (const wrong of ['x', 'A'.repeat(43), `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, `${token}x`]) {
      assert.equal((await call(`${broker.url}/reconnect/${wrong}`)).status, 404, wrong);
      assert.equal((await call(`${broker.url}/reconnect/${wrong}`, { method: 'POST' })).status, 404, wrong);
    }
    const files = readdirSync(broker.folder).filter((name) => name.startsWith('broker.sqlite'));
    for (const name of files) {
      const bytes = readFileSync(join(broker.folder, name)).toString('latin1');
      assert.ok(!bytes.includes(token), `${name} holds the link`);
      assert.ok(!bytes.includes(told.secret.slice('whsec_'.length)), `${name} holds the secret of the webhook`);
    }
    assert.ok(!broker.output().includes(token) && !broker.output().includes(told.secret));
  });

  test('are repeated with the same id until the receiver takes them', async () => {
    const other = await startReceiver(certificate);
    try {
      const told = await toldOffice(other);
      let refused = 0;
      other.state.answer = (_post, response) => {
        refused++;
        response.writeHead(refused <= 2 ? 500 : 204).end();
      };
      await lapse(told);
      await eventually('a third post', () => (postsOf(told, other).length >= 3 ? true : undefined), 60_000);
      assert.equal(new Set(postsOf(told, other).map(({ headers }) => headers['webhook-id'])).size, 1);
      assert.ok(postsOf(told, other).every((post) => isSignedBy(post, told.secret)));
      const state = await eventually('the state', async () => {
        const { notices } = await broker.administer('GET', `/organizations/${told.organizationId}/notices`);
        const [notice] = notices as { last_told: { webhook: Json } }[];
        return notice?.last_told.webhook.state === 'delivered' ? notice : undefined;
      });
      assert.ok(state);
    } finally {
      other.close();
    }
  });

  test('of one organization do not wait for the receiver of another, which hangs', async () => {
    const hanging = await startReceiver(certificate);
    try {
      hanging.state.answer = () => undefined;
      const [stuck, told] = [await toldOffice(hanging), await toldOffice()];
      await lapse(stuck);
      await eventually('the hanging receiver is asked', () => (hanging.posts.length > 0 ? true : undefined));
      await lapse(told);
      await posted(told, 'raised');
      // Tokens, too, are fetched and refreshed meanwhile.
      assert.equal((await broker.admin('POST', `/mailboxes/${told.healthy.id}/refresh`)).status, 200);
    } finally {
      hanging.close();
    }
  });

  test('are signed by both secrets after a new one was made, until the grace is over', async () => {
    const told = await toldOffice();
    const path = `/organizations/${told.organizationId}/notifications`;
    const rotated = await broker.administer('POST', `${path}/secret`, { grace_seconds: 3600 });
    const secret = String(rotated.webhook_secret);
    assert.notEqual(secret, told.secret);
    await broker.administer('POST', `${path}/test`);
    const post = await posted(told, 'test');
    assert.ok(isSignedBy(post, secret) && isSignedBy(post, told.secret));
  });

  test('do not follow an address to this machine unless the operator allows it', async () => {
    const [guarded, ownReceiver] = [await wireBroker(), await startReceiver(certificate)];
    try {
      const organizationId = await newOrganization(guarded);
      const path = `/organizations/${organizationId}/notifications`;
      await guarded.administer('PATCH', path, { webhook_url: ownReceiver.url });
      await guarded.administer('POST', `${path}/test`);
      const test = await eventually('the outcome of the test', async () => {
        const { last_test } = await guarded.administer('GET', path);
        const { webhook } = last_test as { webhook: Json };
        return webhook.problem === null ? undefined : webhook;
      });
      assert.match(String(test.problem), /not one of the public internet/);
      assert.equal(ownReceiver.posts.length, 0);
    } finally {
      ownReceiver.close();
      await guarded.close();
    }
  });

  test('refuse settings that make no sense, and name the field', async () => {
    const organizationId = await newOrganization(broker);
    const path = `/organizations/${organizationId}/notifications`;
    for (const [body, detail] of [
      [{ webhook_url: 'http://receiver.example/' }, /webhook_url must be https/],
      [{ webhook_url: 'https://u:p@receiver.example/' }, /webhook_url must not have a user name/],
      [{ webhook_url: 7 }, /webhook_url/],
      [{ emails: ['not an address'] }, /Not a mail address: "not an address"/],
      [{ emails: Array.from({ length: 21 }, (_, index) => `a${index}@b.example`) }, /emails has more than 20/],
      [{ emails: ['a@b.example\r\nBcc: x@y.example'] }, /Not a mail address/],
      [{ kinds: ['grant.lost'] }, /kinds/],
      [{ kinds: [] }, /kinds/],
      [{ locale: 'not a locale' }, /locale/],
      [{ url: 'https://receiver.example/' }, /url/],
      [{}, /nothing to change/],
    ] as const) {
      const reply = await broker.admin('PATCH', path, body);
      assert.equal(reply.status, 400, JSON.stringify(body));
      assert.match(String(reply.body.detail), detail);
    }
    assert.equal((await broker.admin('POST', `${path}/test`)).status, 409);
    assert.equal((await broker.admin('POST', `${path}/secret`)).status, 409);
    assert.equal((await broker.admin('POST', `${path}/secret`, { grace_seconds: -1 })).status, 400);
    assert.equal((await broker.admin('GET', '/organizations/org_nothere/notifications')).status, 404);
  });
});

describe('notifications of a broker that is killed', () => {
  test('survive kill -9 between the notice and the word of it, and come once', async () => {
    const told = await toldOffice();
    await lapse(told);
    await broker.kill();
    await broker.start();
    const post = await posted(told, 'raised');
    await mailed(told, /has ended/);
    const same = postsOf(told).filter(({ data }) => data.event_id === post.data.event_id);
    assert.ok(same.length <= 2, 'told twice at most, where the process died before it heard that it was');
    assert.equal((await mailsTo(told)).length, 1);
  });
});
