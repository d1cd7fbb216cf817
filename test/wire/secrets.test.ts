import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePerson } from '../../local/demo/person.ts';
import { PROVIDERS } from '../../shared/domain/provider.ts';
import { startForeignOAuth } from '../fakes/foreign-oauth.ts';
import {
  ADMIN_KEY,
  adminView,
  type Bound,
  boundDevice,
  call,
  eventually,
  fetchToken,
  postMessage,
  signInLink,
  smallMessage,
  type WireBroker,
  wireBroker,
} from './support.ts';

const TOKEN_SECONDS = 2;

let broker: WireBroker;

/** Real values by name, each to be found nowhere. */
const secrets = new Map<string, string>();

/** Everything the broker answered anybody but a device that asked for its token: API replies, pages, headers. */
const replies: string[] = [];

/** The broker's own files, without the stand-ins' and the key rings. */
const filesOfBroker = async ({ folder }: WireBroker): Promise<ReadonlyMap<string, Buffer>> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Buffer>();
  for (const entry of names) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (entry.isFile() && !/^(stand-ins|keys)\//.test(name)) files.set(name, await readFile(path));
  }
  return files;
};

/** In the clear, or in one of the spellings in which it is in the clear to anybody who knows how. */
const spellings = (secret: string): readonly (readonly [how: string, text: string])[] => {
  // Base64 of a text depends on where in a group of three it begins; the middle is the same in each of the three.
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]).toString('base64');
    return text.slice(4, Math.floor(text.length / 4) * 4 - 4);
  });
  return [
    ['in the clear', secret],
    ['percent-encoded', encodeURIComponent(secret)],
    ['hexadecimal', Buffer.from(secret).toString('hex')],
    ...base64.map((text, shift) => [`base64 from ${shift}`, text] as const),
  ];
};

const assertNowhere = (
  haystacks: Iterable<readonly [name: string, content: Buffer]>,
  wanted: ReadonlyMap<string, string> = secrets,
): void => {
  for (const [where, content] of haystacks) {
    for (const [what, secret] of wanted) {
      for (const [how, text] of spellings(secret)) {
        assert.ok(!content.includes(text), `${what} lies ${how} in ${where}`);
      }
    }
  }
};

/** Tokens that the stand-ins gave, from their own database: what the broker was handed, whatever it did with it. */
const collectProviderTokens = (): void => {
  const database = new DatabaseSync(join(broker.folder, 'stand-ins', 'stand-ins.db'), { readOnly: true });
  const rows = database.prepare('SELECT provider, model, id, payload FROM stand_in_artifacts').all();
  database.close();
  for (const { provider, model, id, payload } of rows) {
    if (model === 'RefreshToken' || model === 'AccessToken' || model === 'AuthorizationCode') {
      secrets.set(`${provider} ${model} ${String(id).slice(0, 6)}`, String(id));
    }
    const { jwt } = JSON.parse(String(payload)) as { jwt?: string };
    if (jwt !== undefined) secrets.set(`${provider} ${model} JWT`, jwt);
  }
};

/** Passes on, and keeps what was answered. */
const keep = <Reply extends { readonly text: string; readonly headers: Headers }>(reply: Reply): Reply => {
  replies.push(`${[...reply.headers].map((pair) => pair.join(': ')).join('\n')}\n\n${reply.text}`);
  return reply;
};

before(async () => {
  broker = await wireBroker({ STAND_IN_TOKEN_SECONDS: String(TOKEN_SECONDS) });
});
after(() => broker.close());

describe('no secret is written anywhere', () => {
  const bounds: Bound[] = [];
  const accessTokens = new Set<string>();

  const takeToken = async ({ device }: Bound): Promise<string> => {
    const { status, body, text } = await fetchToken(broker, device);
    assert.equal(status, 200, text);
    const token = String(body.access_token);
    accessTokens.add(token);
    return token;
  };

  before(async () => {
    secrets.set('the admin key', ADMIN_KEY);
    secrets.set('the client secret at the provider', 'stand-in-client-secret');
    for (const provider of PROVIDERS) {
      const bound = await boundDevice(broker, provider);
      bounds.push(bound);
      secrets.set(`${provider} device secret`, bound.device.clientSecret);
      secrets.set(`${provider} enrolment token`, bound.device.enrolmentToken);
      secrets.set(`${provider} registration token`, bound.device.registrationToken);

      // A sign-in, step by step, with what passes by the browser.
      const { url } = await signInLink(broker, bound.mailboxId);
      // The browser itself may and must see state and cookie, so this one is not kept.
      const departure = await call(url);
      const cookie = (departure.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
      const door = await makePerson().signIn(departure.headers.get('location') ?? '', { username: bound.address });
      const callback = new URL(door.url);
      secrets.set(`${provider} state`, callback.searchParams.get('state') ?? '');
      secrets.set(`${provider} browser secret`, cookie.slice(cookie.indexOf('=') + 1));
      const page = keep(await call(callback.href, { headers: { cookie } }));
      assert.match(page.text, /data-result="completed"/);

      const first = await takeToken(bound);
      await eventually('a refresh', async () => ((await takeToken(bound)) === first ? undefined : true));
      const sent = await postMessage(broker, bound.device, smallMessage(bound.address, `<${provider}@example.org>`));
      keep(sent);
      await eventually('it is sent, or waits because its token ran out on the way', async () => {
        const path = `${broker.url}/v1/messages/${sent.body.submission_id}`;
        const reply = keep(await call(path, { headers: { authorization: bound.device.basic } }));
        return reply.body.state === 'queued' || reply.body.state === 'sending' ? undefined : true;
      });
    }
  });

  /** Each a way in which a secret could find its way into a log, a table or a page. */
  test('while things go wrong, either', async () => {
    for (const [index, provider] of PROVIDERS.entries()) {
      const bound = bounds[index] as Bound;
      const echo = (form: string) => ({ error: 'invalid_request', error_description: `you sent ${form}` });
      const faults = [
        { kind: 'reply', status: 500, body: echo('stand-in-client-secret') },
        { kind: 'reply', status: 400, body: 'not JSON stand-in-client-secret' },
        { kind: 'lose_reply' },
      ];
      for (const fault of faults) {
        await broker.control('POST', `${provider}/faults`, { place: 'token', fault });
        await sleep(TOKEN_SECONDS * 1000);
        keep(await fetchToken(broker, bound.device, '?scope=imap'));
        await broker.control('DELETE', `${provider}/faults`);
      }
      // A credential in the wrong place.
      const { clientSecret, registrationToken } = bound.device;
      keep(await fetchToken(broker, { ...bound.device, basic: `Bearer ${clientSecret}` }));
      keep(
        await call(`${broker.url}/v1/admin/organizations`, {
          headers: { authorization: `Bearer ${registrationToken}` },
        }),
      );
    }
    await broker.control('POST', 'mail/faults', {
      place: 'AUTH',
      fault: { kind: 'reply', code: 535, text: '5.7.3 Authentication unsuccessful' },
    });
    const [bound] = bounds as [Bound];
    keep(await postMessage(broker, bound.device, smallMessage(bound.address, '<refused@example.org>')));
    await sleep(500);
    keep(await broker.admin('GET', '/submissions'));
    replies.push(JSON.stringify(await adminView(broker)));
    const login = await call(`${broker.url}/console/login`, {
      method: 'POST',
      body: new URLSearchParams({ admin_key: ADMIN_KEY }),
    });
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    secrets.set('the console session', cookie.slice(cookie.indexOf('=') + 1));
    for (const path of [
      '/',
      ...bounds.map(({ organizationId }) => `/console/organizations/${organizationId}`),
      ...bounds.map(({ mailboxId }) => `/console/mailboxes/${mailboxId}`),
      ...bounds.map(({ device }) => `/console/devices/${device.clientId}`),
    ]) {
      const page = keep(await call(`${broker.url}${path}`, { headers: { cookie } }));
      assert.equal(page.status, 200, path);
    }
  });

  test('is searched for with the real values in hand', () => {
    collectProviderTokens();
    for (const [index, token] of [...accessTokens].entries()) secrets.set(`access token ${index}`, token);
    const names = [...secrets.keys()];
    for (const provider of PROVIDERS) {
      assert.ok(
        names.some((name) => name.startsWith(`${provider} RefreshToken`)),
        `a refresh token of ${provider}`,
      );
    }
    assert.ok(accessTokens.size >= 4);
    for (const [name, secret] of secrets) assert.ok(secret.length >= 20, `${name} is ${secret.length} long`);
    // The search finds what is there: a control, with values that stand in these very places.
    const [{ address }] = bounds as [Bound];
    assert.ok(broker.output().includes('grant.refreshed'));
    assert.ok(replies.some((reply) => reply.includes(address)));
  });

  test('by the process to its output', () => {
    assertNowhere([['the output', Buffer.from(broker.output())]]);
  });

  test('by the process to its replies and pages', () => {
    assert.ok(replies.length > 20);
    assertNowhere(replies.map((reply, index) => [`reply ${index}: ${reply.slice(0, 2_000)}`, Buffer.from(reply)]));
  });

  test('by the process to its files, while it runs, after kill -9 and after a proper end', async () => {
    const look = async (): Promise<void> => {
      const files = await filesOfBroker(broker);
      assert.ok(files.has('broker.sqlite'));
      assertNowhere(files);
    };
    const running = await filesOfBroker(broker);
    assert.ok((running.get('broker.sqlite-wal')?.length ?? 0) > 0);
    // The organization is named there, so the bytes that are looked through are the right ones.
    assert.ok([...running.values()].some((content) => content.includes('scanner@contoso.example')));
    await look();
    await broker.kill();
    await look();
    await broker.start();
    await broker.stop();
    await look();
  });
});

describe('what goes to the token endpoint', () => {
  test('is written nowhere: code, code verifier, refresh tokens, client secret', async (t) => {
    const client = { clientId: 'the-broker', clientSecret: 'a-secret-that-is-long-enough' };
    const address = 'mfp@firm.example';
    const oauth = await startForeignOAuth({ ...client, address, accessTokenSeconds: 1 });
    t.after(oauth.close);
    const folder = await mkdtemp(join(tmpdir(), 'token-broker-secrets-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const config = join(folder, 'config.json');
    const entry = { client_id: client.clientId, client_secret: client.clientSecret, endpoints: oauth.endpoints };
    await writeFile(config, JSON.stringify({ providers: { microsoft: entry, google: entry } }), { mode: 0o600 });
    const own = await wireBroker({ BROKER_CONFIG: config });
    t.after(own.close);

    const pages: string[] = [];
    for (const provider of PROVIDERS) {
      const { mailboxId, device } = await boundDevice(own, provider, address);
      const { url } = await signInLink(own, mailboxId);
      const page = await makePerson().signIn(url, { username: '', stopAt: 'none' });
      assert.match(page.body, /data-result="completed"/);
      pages.push(page.body);
      const before = oauth.refreshes();
      await eventually('a refresh', async () => {
        await fetchToken(own, device);
        return oauth.refreshes() > before ? true : undefined;
      });
    }
    const sent = new Map<string, string>();
    for (const [index, form] of oauth.forms().entries()) {
      for (const name of ['code', 'code_verifier', 'refresh_token', 'client_secret']) {
        const value = form.get(name);
        if (value) sent.set(`${name} of request ${index}`, value);
      }
    }
    for (const name of ['code ', 'code_verifier', 'refresh_token', 'client_secret']) {
      assert.ok(
        [...sent.keys()].some((key) => key.startsWith(name)),
        name,
      );
    }
    pages.push(own.output(), JSON.stringify(await adminView(own)));
    assertNowhere([...pages.map((page, index) => [`text ${index}`, Buffer.from(page)] as const)], sent);
    assertNowhere(await filesOfBroker(own), sent);
    await own.kill();
    assertNowhere(await filesOfBroker(own), sent);
  });
});

describe('a generated admin key', () => {
  test('stands in its own file, for its owner alone, and nowhere else', async () => {
    const own = await wireBroker({ BROKER_ADMIN_KEY: '' });
    try {
      const key = (await readFile(join(own.folder, 'admin-key'), 'utf8')).trim();
      assert.ok(key.length >= 32);
      const { status } = await call(`${own.url}/v1/admin/organizations`, {
        headers: { authorization: `Bearer ${key}` },
      });
      assert.equal(status, 200);
      assert.ok(!own.output().includes(key));
      for (const name of ['broker.sqlite', 'broker.sqlite-wal']) {
        assert.ok(!(await readFile(join(own.folder, name))).includes(key), name);
      }
    } finally {
      await own.close();
    }
  });
});
