import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProviderName } from '../../shared/domain/provider.ts';
import type { Ready } from './broker-process.ts';
import { makePerson } from './person.ts';
import { scanMessage } from './scan.ts';

/** Called with each step, once it has been proven. */
export type Tell = (step: string) => void;

export interface JourneyOptions {
  readonly broker: Ready;
  readonly adminKey: string;
  readonly provider: ProviderName;
  /** An account of the stand-in. */
  readonly address: string;
  readonly pdf: Uint8Array;
  readonly tell: Tell;
}

/** More than a small machine needs to send some megabytes to itself. */
const DELIVERY_LIMIT_MS = 30_000;

const expect = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`This did not hold: ${what}`);
};

type Json = Record<string, unknown>;

const call = async (url: string, init: RequestInit & { status: number }): Promise<Json> => {
  const { status, ...request } = init;
  const response = await fetch(url, request);
  const text = await response.text();
  expect(
    response.status === status,
    `${init.method ?? 'GET'} ${url} answers ${status}; it was ${response.status}: ${text}`,
  );
  return text === '' ? {} : JSON.parse(text);
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * One provider's journey: administrator, mailbox owner and device, each with nothing but HTTP. Throws at the first thing
 * that is not as it should be.
 */
export const walkJourney = async ({
  broker,
  adminKey,
  provider,
  address,
  pdf,
  tell,
}: JourneyOptions): Promise<void> => {
  const admin = (method: string, path: string, status: number, body?: Json): Promise<Json> =>
    call(`${broker.url}/v1/admin${path}`, {
      method,
      status,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  const json = { 'content-type': 'application/json' };

  const { organization_id } = await admin('POST', '/organizations', 201, { name: `Demo ${provider}` });
  const mailbox = await admin('POST', `/organizations/${organization_id}/mailboxes`, 201, { provider, address });
  expect(mailbox.token_status === 'not_acquired', 'a new mailbox is not acquired');
  tell(`an organization with the mailbox ${address}; its token is "Not acquired"`);

  const { enrolment_token } = await admin('POST', `/organizations/${organization_id}/enrolment-tokens`, 201, {
    uses: 1,
  });
  const device = await call(`${broker.url}/oauth/register`, {
    method: 'POST',
    status: 201,
    headers: { ...json, authorization: `Bearer ${enrolment_token}` },
    body: JSON.stringify({ client_name: 'Scanner at reception', vendor: 'Example', model: 'MFP 9000' }),
  });
  tell(`a device registered itself with an enrolment token (RFC 7591): client_id ${device.client_id}`);
  await admin('PUT', `/devices/${device.client_id}/bindings/scan`, 200, { mailbox_id: mailbox.mailbox_id });

  const basic = `Basic ${Buffer.from(`${device.client_id}:${device.client_secret}`).toString('base64')}`;
  const fetchToken = (status: number): Promise<Json> =>
    call(`${broker.url}/oauth/token`, {
      method: 'POST',
      status,
      headers: { authorization: basic },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'smtp' }),
    });
  const refused = await fetchToken(400);
  expect(refused.error === 'invalid_grant' && refused.panel_code === 360, 'without a sign-in the panel shows 360');
  tell('before the sign-in the device is told invalid_grant, panel code 360');

  const signIn = await admin('POST', `/mailboxes/${mailbox.mailbox_id}/sign-ins`, 201, {});
  const waiting = await admin('GET', `/mailboxes/${mailbox.mailbox_id}`, 200);
  expect(waiting.token_status === 'waiting', 'an open sign-in shows as waiting');
  const person = makePerson();
  const end = await person.signIn(String(signIn.url), { username: address, stopAt: 'none' });
  expect(end.body.includes('data-result="completed"'), `the sign-in completes; the last page was ${end.body}`);
  const acquired = await admin('GET', `/mailboxes/${mailbox.mailbox_id}`, 200);
  expect(acquired.token_status === 'acquired', 'the token is acquired');
  tell('a person signed in at the provider, with PKCE; "Waiting for authentication" became "Acquired"');

  const token = await fetchToken(200);
  expect(String(token.access_token).length > 20 && token.account === address, 'the device has an access token');
  const again = await fetch(`${broker.url}/v1/token`, { headers: { authorization: basic, accept: 'text/plain' } });
  expect((await again.text()) === token.access_token, 'GET /v1/token gives the same token bare');
  tell(`the device fetched an access token by client_credentials, good for ${token.expires_in} s`);
  const status = await call(`${broker.url}/v1/status`, { status: 200, headers: { authorization: basic } });
  const [slot] = status.slots as Json[];
  expect(slot?.token_status === 'acquired' && slot.account === address, 'the status shows it');
  tell('GET /v1/status shows slot, account and server');

  const message = scanMessage({
    from: address,
    to: 'archive@example.org',
    subject: `Scan by way of ${provider}`,
    messageId: `<demo-${device.client_id}@example.org>`,
    date: new Date(),
    pdf,
  });
  const accepted = await call(`${broker.url}/v1/messages`, {
    method: 'POST',
    status: 202,
    headers: { authorization: basic, 'content-type': 'message/rfc822' },
    body: message,
  });
  tell(`the broker accepted a scanned PDF of ${(pdf.length / 1e6).toFixed(1)} MB as ${accepted.submission_id}`);

  const giveUpAt = Date.now() + DELIVERY_LIMIT_MS;
  let submission = accepted;
  while (submission.state !== 'sent' && Date.now() < giveUpAt) {
    await sleep(100);
    const path = `${broker.url}/v1/messages/${accepted.submission_id}`;
    submission = await call(path, { status: 200, headers: { authorization: basic } });
  }
  expect(submission.state === 'sent', `it is sent; it is ${submission.state}: ${submission.last_response}`);
  const arrived = await arrivedBytes(broker, String(accepted.message_id));
  expect(sha256(arrived) === sha256(message), 'what arrived is what was handed in, byte for byte');
  tell(
    `it arrived after an XOAUTH2 login, byte for byte: ${message.length} bytes, SHA-256 ${sha256(arrived).slice(0, 16)}…`,
  );
};

/** The raw message in the stand-in mail server that carries this Message-ID. */
const arrivedBytes = async ({ inbox = '' }: Ready, messageId: string): Promise<Uint8Array> => {
  const listed = (await (await fetch(new URL('messages.json', inbox))).json()) as { messages: Json[] };
  for (const { id } of listed.messages) {
    const raw = new Uint8Array(await (await fetch(new URL(`messages/${id}/raw`, inbox))).arrayBuffer());
    if (Buffer.from(raw.subarray(0, 4096)).includes(messageId)) return raw;
  }
  throw new Error(`Nothing with ${messageId} arrived`);
};
