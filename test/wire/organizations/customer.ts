import assert from 'node:assert/strict';
import { makePerson } from '../../../local/demo/person.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import {
  basicOf,
  bind,
  call,
  newDevice,
  newMailbox,
  newOrganization,
  postMessage,
  postToken,
  signIn,
  signInLink,
  smallMessage,
  submissionIn,
  type WireBroker,
  type WireDevice,
} from '../support.ts';

/** What somebody can name of an organization. */
export interface Names {
  readonly organization: string;
  readonly device: string;
  readonly mailbox: string;
  readonly signIn: string;
  readonly enrolmentToken: string;
  readonly submission: string;
  /** Complete, and not handed in. */
  readonly upload: string;
  readonly adminKey: string;
  /** Of a pairing under way (RFC 8628). */
  readonly deviceCode: string;
  /** Of a pairing that is done: the broker's own. */
  readonly refreshToken: string;
}

/** An organization with one of everything, and whoever administers it. */
export interface Customer {
  readonly names: Names;
  readonly device: WireDevice;
  readonly adminKey: string;
  /** At the console. */
  readonly cookie: string;
  readonly csrfToken: string;
  /** What no other organization may ever see. */
  readonly private: readonly string[];
}

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

/**
 * As long, of the same letters, and at the same place of every list; but there is no such thing. A refresh token is found by
 * its first half.
 */
const madeUp = (what: string, name: string): string => {
  const at = what === 'refreshToken' ? 0 : name.length - 1;
  const letter = ALPHABET.indexOf(name.charAt(at).toLowerCase());
  return name.slice(0, at) + ALPHABET[(letter + 1) % ALPHABET.length] + name.slice(at + 1);
};

export const madeUpNames = (names: Names): Names =>
  Object.fromEntries(Object.entries(names).map(([what, name]) => [what, madeUp(what, name)])) as unknown as Names;

const logIn = async (broker: WireBroker, adminKey: string) => {
  const body = new URLSearchParams({ admin_key: adminKey });
  const login = await call(`${broker.url}/console/login`, { method: 'POST', body });
  assert.equal(login.status, 303, login.text);
  const [cookie = ''] = (login.headers.get('set-cookie') ?? '').split(';');
  const { text } = await call(`${broker.url}/`, { headers: { cookie } });
  return { cookie, csrfToken: /name="csrf_token" value="([^"]+)"/.exec(text)?.[1] ?? '' };
};

const beginPairing = async (broker: WireBroker, { basic }: WireDevice, slot: string, provider: ProviderName) => {
  const headers = { authorization: basic };
  const body = new URLSearchParams({ slot, provider });
  const begun = await call(`${broker.url}/oauth/device_authorization`, { method: 'POST', headers, body });
  assert.equal(begun.status, 200, begun.text);
  const { device_code, user_code, verification_uri_complete } = begun.body;
  return { deviceCode: String(device_code), userCode: String(user_code), address: String(verification_uri_complete) };
};

/** The broker's own refresh token for a mailbox that somebody signed in at the panel. */
const pairedToken = async (
  broker: WireBroker,
  device: WireDevice,
  provider: ProviderName,
  username: string,
): Promise<string> => {
  const { deviceCode, address } = await beginPairing(broker, device, 'fax', provider);
  assert.match((await makePerson().signIn(address, { username, stopAt: 'none' })).body, /data-result="completed"/);
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode };
  const token = await postToken(broker, grant, device.basic);
  assert.equal(token.status, 200, token.text);
  return String(token.body.refresh_token);
};

const uploaded = async (broker: WireBroker, { basic }: WireDevice, message: string): Promise<string> => {
  const headers = { authorization: basic, 'content-type': 'application/json' };
  const announced = JSON.stringify({ size_bytes: Buffer.byteLength(message) });
  const { body } = await call(`${broker.url}/v1/uploads`, { method: 'POST', headers, body: announced });
  assert.equal((await call(String(body.url), { method: 'PUT', body: message })).status, 200);
  return String(body.upload_id);
};

export const newCustomer = async (
  broker: WireBroker,
  name: string,
  provider: ProviderName,
  address: string,
): Promise<Customer> => {
  const organization = await newOrganization(broker, name);
  const mailbox = await newMailbox(broker, organization, provider, address);
  const device = await newDevice(broker, organization);
  const metadata = { client_name: `Scanner of ${name}`, serial_number: `SN-${name}`, location: `Hall of ${name}` };
  await broker.administer('PATCH', `/devices/${device.clientId}`, metadata);
  await bind(broker, device.clientId, 'scan', mailbox);
  assert.match((await signIn(broker, mailbox, { username: address })).body, /data-result="completed"/);
  const accepted = await postMessage(broker, device, smallMessage(address, `<of-${name}@example.org>`));
  const submission = String(accepted.body.submission_id);
  await submissionIn(broker, device, submission, 'sent');

  const people = { webhook_url: `https://${provider}.receiver.example/`, emails: [`it.${provider}@example.org`] };
  const told = await broker.administer('PATCH', `/organizations/${organization}/notifications`, people);
  const tokens = await broker.administer('POST', `/organizations/${organization}/enrolment-tokens`);
  const key = await broker.administer('POST', '/keys', { name: `Key of ${name}`, organization_id: organization });
  const pairing = await beginPairing(broker, device, 'alerts', provider);
  const adminKey = String(key.admin_key);
  const names = {
    organization,
    device: device.clientId,
    mailbox,
    signIn: (await signInLink(broker, mailbox)).id,
    enrolmentToken: String(tokens.enrolment_token_id),
    submission,
    upload: await uploaded(broker, device, smallMessage(address, `<kept-by-${name}@example.org>`)),
    adminKey: String(key.admin_key_id),
    deviceCode: pairing.deviceCode,
    refreshToken: await pairedToken(broker, device, provider, address.replace('scanner', 'fax')),
  };
  const secrets = [device.clientSecret, device.registrationToken, adminKey, String(tokens.enrolment_token)];
  const ofPeople = [people.webhook_url, ...people.emails, String(told.webhook_secret)];
  return {
    names,
    device,
    adminKey,
    ...(await logIn(broker, adminKey)),
    private: [name, address, ...Object.values(names), ...secrets, ...ofPeople, pairing.userCode],
  };
};

/** With the device's name of one and the secret of another. */
export const mixedBasic = (names: Names, { device }: Customer): string => basicOf(names.device, device.clientSecret);
