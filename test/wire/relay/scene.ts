import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePerson } from '../../../local/demo/person.ts';
import { type StandIns, startStandIns } from '../../../local/stand-ins/start.ts';
import type { Mailbox } from '../../../shared/domain/entities.ts';
import type { Result } from '../../../shared/domain/result.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { parseBasic } from '../../../shared/protocol/client-authentication.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import { startFaultProxy } from '../../fakes/fault-proxy.ts';
import { basicOf, type Json } from '../support.ts';
import { type Machine, type Place, PUBLIC_URL } from './compose.ts';
import { type Scan, scanOf } from './scan.ts';

export const value = <Value, Failure>(result: Result<Value, Failure>): Value => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};

/** The system's clock, which can be set forward. */
export interface AheadClock extends Clock {
  advance(seconds: number): void;
}

export const aheadClock = (aheadSeconds = 0): AheadClock => {
  let aheadMs = aheadSeconds * 1000;
  return {
    now: () => Date.now() + aheadMs,
    sleep: (milliseconds) => sleep(milliseconds),
    advance(seconds) {
      aheadMs += seconds * 1000;
    },
  };
};

/** What outlives every broker: the provider, its mail server, and a certificate for the proxies before it. */
export interface World {
  readonly folder: string;
  readonly standIns: StandIns;
  readonly certificate: TestCertificate;
  close(): Promise<void>;
}

/** `publicUrl`: of the broker that people sign in at. */
export const startWorld = async (publicUrl = PUBLIC_URL): Promise<World> => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-relay-'));
  const certificate = await testCertificate();
  const standIns = await startStandIns({
    providers: ['microsoft'],
    host: '127.0.0.1',
    httpPort: 0,
    smtpPort: 0,
    folder: join(folder, 'stand-ins'),
    redirectUris: { microsoft: [`${publicUrl}/oauth/callback/microsoft`], google: [] },
  });
  return {
    folder,
    standIns,
    certificate,
    async close() {
      await standIns.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** A proxy of its own before the mail server, and a data folder for brokers that use it. */
export const openPlace = async ({ folder, standIns, certificate }: World, name: string) => {
  const { mail, providers } = standIns;
  assert.ok(providers.microsoft);
  const { ca, client_id, client_secret, endpoints } = providers.microsoft;
  const proxy = await startFaultProxy({ host: mail.host, port: mail.port, ca }, certificate);
  const caFile = join(folder, `${name}.pem`);
  await writeFile(caFile, certificate.cert);
  const smtp = { host: '127.0.0.1', port: proxy.port, security: 'starttls', ca_file: caFile };
  const microsoft = { client_id, client_secret, tenant: 'organizations', endpoints, smtp };
  const place: Place = {
    folder: join(folder, name),
    config: JSON.stringify({ providers: { microsoft } }),
    ca: certificate.cert,
  };
  return { place, proxy };
};

export interface Office {
  readonly mailbox: Mailbox;
  readonly clientId: string;
  /** `Authorization` of its device. */
  readonly basic: string;
}

/** A mailbox, signed in, and a device whose slot `scan` is bound to it. */
export const openOffice = async (machine: Machine, localPart: string): Promise<Office> => {
  const { organizations, mailboxes, devices } = machine.administration;
  const { id } = await organizations.create('Contoso', 'en');
  const wish = { provider: 'microsoft', address: `${localPart}@contoso.example`, aliases: [] } as const;
  const { mailbox } = value(await mailboxes.create(id, wish));
  const { device, clientSecret } = value(await devices.create(id, { clientName: 'Scanner' }));
  const { clientId } = device;
  value(await devices.bind(clientId, 'scan', mailbox.id));
  await signIn(machine, mailbox);
  return { mailbox, clientId, basic: basicOf(clientId, clientSecret) };
};

export const signIn = async (machine: Machine, mailbox: Mailbox): Promise<void> => {
  const attempt = value(await machine.administration.mailboxes.beginSignIn(mailbox.id));
  const { authorizationUrl, browserSecret, provider } = value(await machine.departForProvider(attempt.id));
  const page = await makePerson().signIn(authorizationUrl, { username: mailbox.address });
  const { searchParams } = new URL(page.url);
  const [state, code] = [searchParams.get('state') ?? undefined, searchParams.get('code') ?? undefined];
  const callback = { provider, browserSecret, state, code, error: undefined, errorDescription: undefined };
  assert.equal(value(await machine.completeSignIn(callback)).tokenStatus, 'acquired');
};

/** More than a request takes, in bytes: such messages are handed over without HTTP. */
const REQUEST_BYTES = 4_000_000;

const handInLarge = async ({ acceptMessage }: Machine, { basic }: Office, scan: Scan): Promise<string> => {
  const credential = value(parseBasic(basic));
  const message = Buffer.from(scanOf(scan));
  const wish = { slot: 'scan', place: '192.0.2.1', envelopeTo: undefined, idempotencyKey: undefined };
  return value(await acceptMessage({ ...credential, ...wish, message })).id;
};

/** Accepted: its submission's id. */
export const handIn = async (machine: Machine, office: Office, scan: Scan): Promise<string> => {
  if ((scan.sizeBytes ?? 0) > REQUEST_BYTES) return handInLarge(machine, office, scan);
  const [{ acceptApp }, { basic }] = [machine, office];
  const headers = { authorization: basic, 'content-type': 'message/rfc822' };
  const reply = await acceptApp.request('/v1/messages', { method: 'POST', headers, body: scanOf(scan) });
  const body = (await reply.json()) as Json;
  assert.equal(reply.status, 202, JSON.stringify(body));
  return String(body.submission_id);
};

/** As its device is told of it. */
export const told = async ({ acceptApp }: Machine, { basic }: Office, id: string): Promise<Json> => {
  const reply = await acceptApp.request(`/v1/messages/${id}`, { headers: { authorization: basic } });
  assert.equal(reply.status, 200);
  return (await reply.json()) as Json;
};

/** What the mail server has kept. */
export interface Arrived {
  readonly name: string;
  readonly messageId: string;
  readonly to: readonly string[];
  readonly sha256: string;
  readonly receivedAtMs: number;
}

/** All that was sent as this mailbox, in the order of arrival. */
export const arrivedFor = async (
  { standIns }: World,
  address: string,
  isAskedFor: (name: string) => boolean = () => true,
): Promise<readonly Arrived[]> => {
  const mine = standIns.mail.list().filter(({ user, subject }) => user === address && isAskedFor(subject));
  const read = mine.toReversed().map(async ({ id, subject, envelopeTo, sha256, receivedAt }) => {
    const stream = standIns.mail.open(id);
    assert.ok(stream);
    const messageId = /^message-id: *(.*)$/im.exec((await text(stream)).split('\r\n\r\n')[0] ?? '')?.[1] ?? '';
    return { name: subject, messageId, to: envelopeTo, sha256, receivedAtMs: Date.parse(receivedAt) };
  });
  return Promise.all(read);
};
