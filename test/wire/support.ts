import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ready, startBroker } from '../../local/demo/broker-process.ts';
import { makePerson, type Page, type SignInWish } from '../../local/demo/person.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';
import { freePort as anyFreePort } from '../fakes/free-port.ts';

export type Json = { readonly [name: string]: unknown };

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where the reply is not a JSON object. */
  readonly body: Json;
}

export const ADMIN_KEY = 'wire-test-admin-key-0123456789';

export const ADDRESSES = { microsoft: 'scanner@contoso.example', google: 'scanner@gmail.example' } as const;

/** More than a small machine needs for anything that is waited for here. */
const WAIT_LIMIT_MS = 30_000;

const jsonOf = (text: string): Json => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    return {};
  }
};

export const call = async (url: string, init: RequestInit = {}): Promise<Reply> => {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: jsonOf(text) };
};

/** Sends the bytes as they are and returns all that comes back before the connection ends. */
export const rawRequest = (url: string, bytes: string | Uint8Array, limitMs = 2_000): Promise<string> =>
  new Promise((resolve) => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    let reply = '';
    const timer = setTimeout(() => socket.destroy(), limitMs);
    socket.on('data', (chunk) => {
      reply += chunk.toString('latin1');
    });
    // A reset is one way to be refused.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(reply);
    });
    socket.write(bytes);
  });

export const basicOf = (clientId: string, clientSecret: string): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

/** Looks again and again until the answer is there. */
export const eventually = async <Value>(
  what: string,
  look: () => Promise<Value | undefined> | Value | undefined,
  limitMs = WAIT_LIMIT_MS,
): Promise<Value> => {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (Date.now() > giveUpAt) throw new Error(`not in time: ${what}`);
    await sleep(50);
  }
};

/** For what must come back at the same address; as the environment has it. */
export const freePort = async (): Promise<string> => String(await anyFreePort());

export type WireBroker = Awaited<ReturnType<typeof wireBroker>>;

/** The real process on a folder of its own; it can be killed and started again on the same folder. */
export const wireBroker = async (settings: Readonly<Record<string, string>> = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-wire-'));
  const env = {
    BROKER_PORT: '0',
    STAND_IN_PORT: '0',
    STAND_IN_SMTP_PORT: '0',
    STAND_IN_POP_PORT: '0',
    STAND_IN_IMAP_PORT: '0',
    BROKER_GATEWAY: 'off',
    BROKER_DATA_DIR: folder,
    BROKER_ADMIN_KEY: ADMIN_KEY,
    STAND_IN_TEST_CONTROLS: 'on',
    ...settings,
  };
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  let process = await startBroker(env).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  let earlierOutput = '';

  const admin = (method: string, path: string, body?: unknown): Promise<Reply> =>
    call(`${process.ready.url}/v1/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  return {
    folder,
    get url(): string {
      return process.ready.url;
    },
    /** What it said when it was ready. */
    get ready(): Ready {
      return process.ready;
    },
    get inbox(): string {
      return process.ready.inbox ?? '';
    },
    output: (): string => earlierOutput + process.output(),
    admin,
    /** The same where anything but success is a failed test. */
    async administer(method: string, path: string, body?: unknown): Promise<Json> {
      const reply = await admin(method, path, body);
      assert.ok(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
      return reply.body;
    },
    /** The stand-ins' switches (local/stand-ins/test-controls.ts). */
    async control(method: string, path: string, body?: Json): Promise<Json> {
      const reply = await call(new URL(`_test/${path}`, process.ready.inbox).href, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      assert.ok(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
      return reply.body;
    },
    kill: () => process.kill(),
    stop: () => process.stop(),
    async start(): Promise<void> {
      earlierOutput += process.output();
      process = await startBroker(env);
    },
    async close(): Promise<void> {
      await process.kill();
      await removeFolder();
    },
  };
};

export interface WireDevice {
  readonly clientId: string;
  readonly clientSecret: string;
  /** `Authorization` of the device. */
  readonly basic: string;
  readonly registrationToken: string;
  readonly registrationUri: string;
  readonly enrolmentToken: string;
}

export const newOrganization = async (broker: WireBroker, name = 'Contoso'): Promise<string> =>
  String((await broker.administer('POST', '/organizations', { name })).organization_id);

export const newMailbox = async (
  broker: WireBroker,
  organizationId: string,
  provider: ProviderName,
  address: string = ADDRESSES[provider],
): Promise<string> =>
  String(
    (await broker.administer('POST', `/organizations/${organizationId}/mailboxes`, { provider, address })).mailbox_id,
  );

export const enrolmentToken = async (broker: WireBroker, organizationId: string, body: Json = {}): Promise<string> =>
  String((await broker.administer('POST', `/organizations/${organizationId}/enrolment-tokens`, body)).enrolment_token);

export const register = (broker: WireBroker, token: string, metadata: unknown): Promise<Reply> =>
  call(`${broker.url}/oauth/register`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  });

export const newDevice = async (broker: WireBroker, organizationId: string): Promise<WireDevice> => {
  const token = await enrolmentToken(broker, organizationId);
  const { status, body, text } = await register(broker, token, { client_name: 'Scanner at reception' });
  assert.equal(status, 201, text);
  const [clientId, clientSecret] = [String(body.client_id), String(body.client_secret)];
  return {
    clientId,
    clientSecret,
    basic: basicOf(clientId, clientSecret),
    registrationToken: String(body.registration_access_token),
    registrationUri: String(body.registration_client_uri),
    enrolmentToken: token,
  };
};

export const bind = (broker: WireBroker, clientId: string, slot: string, mailboxId: string): Promise<Json> =>
  broker.administer('PUT', `/devices/${clientId}/bindings/${slot}`, { mailbox_id: mailboxId });

/** The link that an administrator sends to a mailbox's owner. */
export const signInLink = async (broker: WireBroker, mailboxId: string) => {
  const { sign_in_id, url } = await broker.administer('POST', `/mailboxes/${mailboxId}/sign-ins`);
  return { id: String(sign_in_id), url: String(url) };
};

/** A person goes through the whole sign-in, with a new browser. */
export const signIn = async (broker: WireBroker, mailboxId: string, wish: SignInWish): Promise<Page> =>
  makePerson().signIn((await signInLink(broker, mailboxId)).url, { stopAt: 'none', ...wish });

export interface Bound {
  readonly organizationId: string;
  readonly mailboxId: string;
  readonly address: string;
  readonly device: WireDevice;
}

/** A device with a mailbox that nobody has signed in yet. */
export const boundDevice = async (
  broker: WireBroker,
  provider: ProviderName,
  address: string = ADDRESSES[provider],
): Promise<Bound> => {
  const organizationId = await newOrganization(broker);
  const mailboxId = await newMailbox(broker, organizationId, provider, address);
  const device = await newDevice(broker, organizationId);
  await bind(broker, device.clientId, 'scan', mailboxId);
  return { organizationId, mailboxId, address, device };
};

/** The same with the mailbox signed in. */
export const signedInDevice = async (
  broker: WireBroker,
  provider: ProviderName,
  address: string = ADDRESSES[provider],
): Promise<Bound> => {
  const bound = await boundDevice(broker, provider, address);
  const end = await signIn(broker, bound.mailboxId, { username: address });
  assert.match(end.body, /data-result="completed"/);
  return bound;
};

export const postToken = (broker: WireBroker, form: Readonly<Record<string, string>>, authorization?: string) =>
  call(`${broker.url}/oauth/token`, {
    method: 'POST',
    headers: authorization === undefined ? {} : { authorization },
    body: new URLSearchParams(form),
  });

export const fetchToken = (broker: WireBroker, { basic }: WireDevice, query = ''): Promise<Reply> =>
  call(`${broker.url}/v1/token${query}`, { headers: { authorization: basic } });

export const postMessage = (
  broker: WireBroker,
  { basic }: WireDevice,
  message: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> =>
  call(`${broker.url}/v1/messages`, {
    method: 'POST',
    headers: { authorization: basic, 'content-type': 'message/rfc822', ...headers },
    body: message,
  });

export const smallMessage = (from: string, messageId: string, to = 'archive@example.org'): string =>
  [`From: ${from}`, `To: ${to}`, 'Subject: Scan', `Message-ID: ${messageId}`, '', 'A document was scanned.', ''].join(
    '\r\n',
  );

/** Waits until the submission is in the state. */
export const submissionIn = async (
  broker: WireBroker,
  { basic }: Pick<WireDevice, 'basic'>,
  id: unknown,
  state: string,
): Promise<Json> => {
  let last = '';
  try {
    return await eventually(`${id} is ${state}`, async () => {
      const { body, text } = await call(`${broker.url}/v1/messages/${id}`, { headers: { authorization: basic } });
      last = text;
      return body.state === state ? body : undefined;
    });
  } catch (error) {
    throw new Error(`${id} is not ${state}: ${last}`, { cause: error });
  }
};

/** What the stand-in mail server took, each with its raw text. */
export const arrived = async (broker: WireBroker): Promise<readonly (Json & { readonly raw: string })[]> => {
  const { messages } = (await call(new URL('messages.json', broker.inbox).href)).body as { messages: readonly Json[] };
  return Promise.all(
    messages.map(async (message) => ({
      ...message,
      raw: (await call(new URL(`messages/${message.id}/raw`, broker.inbox).href)).text,
    })),
  );
};

/** All that an administrator can see, for comparing before and after. */
export const adminView = async (broker: WireBroker): Promise<Json> => {
  const { organizations } = (await broker.administer('GET', '/organizations')) as { organizations: readonly Json[] };
  const each = async ({ organization_id: id }: Json) => {
    const { devices } = (await broker.administer('GET', `/organizations/${id}/devices`)) as {
      devices: readonly Json[];
    };
    return {
      mailboxes: await broker.administer('GET', `/organizations/${id}/mailboxes`),
      devices: await Promise.all(devices.map(({ client_id }) => broker.administer('GET', `/devices/${client_id}`))),
    };
  };
  return {
    organizations,
    contents: await Promise.all(organizations.map(each)),
    submissions: await broker.administer('GET', '/submissions?limit=200'),
    audit: await broker.administer('GET', '/audit?limit=200'),
  };
};

const REQUEST_ID = /^req_[a-hj-km-np-z2-9]{16}$/;

/** What every reply of the broker has (api.md): a request id, and nobody may keep it. */
export const assertCommonHeaders = ({ headers }: Reply): void => {
  assert.match(headers.get('x-request-id') ?? '', REQUEST_ID);
  assert.equal(headers.get('cache-control'), 'no-store');
};

/** RFC 6749 section 5.2, with the broker's own members. */
export const assertOAuthError = (reply: Reply, status: number, error: string, more: Json = {}): void => {
  assert.equal(reply.status, status, reply.text);
  assertCommonHeaders(reply);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/json\b/);
  const { body } = reply;
  assert.equal(body.error, error, reply.text);
  // RFC 6749 section 5.2: printable ASCII but for quote and backslash.
  assert.match(String(body.error_description), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  assert.match(String(body.actor), /^(device|person|operator|nobody)$/);
  assert.ok(typeof body.remedy === 'string' && body.remedy !== '');
  assert.equal(body.request_id, reply.headers.get('x-request-id'));
  for (const [name, value] of Object.entries(more)) assert.deepEqual(body[name], value, `${name}: ${reply.text}`);
};

/** Problem details (RFC 9457), with the same members. */
export const assertProblem = (reply: Reply, status: number, kind: string, more: Json = {}): void => {
  assert.equal(reply.status, status, reply.text);
  assertCommonHeaders(reply);
  assert.match(reply.headers.get('content-type') ?? '', /^application\/problem\+json\b/);
  const { body } = reply;
  assert.equal(body.type, `urn:token-broker:error:${kind}`);
  assert.equal(body.status, status);
  assert.ok(typeof body.title === 'string' && body.title !== '');
  assert.match(String(body.actor), /^(device|person|operator|nobody)$/);
  assert.ok(typeof body.remedy === 'string' && body.remedy !== '');
  assert.equal(body.request_id, reply.headers.get('x-request-id'));
  for (const [name, value] of Object.entries(more)) assert.deepEqual(body[name], value, `${name}: ${reply.text}`);
};
