import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ProviderName } from '../../shared/domain/provider.ts';
import {
  arrived,
  type Bound,
  eventually,
  type Json,
  postMessage,
  signedInDevice,
  smallMessage,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

const SWITCHED_OFF = {
  kind: 'reply',
  code: 535,
  text: '5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.',
};

/** As a device's scan comes: a text and a file. */
const scan = (from: string, messageId: string, bytes: number): string => {
  const file = Buffer.alloc(bytes, 'page ').toString('base64').replace(/.{76}/g, '$&\r\n');
  return (
    `From: ${from}\r\nTo: archive@example.org\r\nSubject: Scan\r\nMessage-ID: ${messageId}\r\nMIME-Version: 1.0\r\n` +
    'Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\nContent-Type: text/plain\r\n\r\nA document.\r\n--edge\r\n' +
    `Content-Type: application/pdf; name=scan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${file}\r\n--edge--\r\n`
  );
};

describe('mail where SMTP is switched off', () => {
  let broker: WireBroker;
  let microsoft: Bound;
  let google: Bound;
  before(async () => {
    broker = await wireBroker();
    microsoft = await signedInDevice(broker, 'microsoft');
    google = await signedInDevice(broker, 'google');
  });
  after(() => broker.close());

  const boundOf = (provider: ProviderName): Bound => (provider === 'microsoft' ? microsoft : google);
  const mailbox = (provider: ProviderName): Promise<Json> =>
    broker.administer('GET', `/mailboxes/${boundOf(provider).mailboxId}`);
  const setRoute = (provider: ProviderName, route: string): Promise<Json> =>
    broker.administer('PATCH', `/mailboxes/${boundOf(provider).mailboxId}`, { route });

  const submit = async (provider: ProviderName, message: (from: string) => string): Promise<unknown> => {
    const { device, address } = boundOf(provider);
    const { status, body, text } = await postMessage(broker, device, message(address));
    assert.equal(status, 202, text);
    return body.submission_id;
  };
  const found = async (messageId: string) =>
    (await arrived(broker)).filter(({ raw }) => raw.includes(`Message-ID: ${messageId}`));

  it('goes by the API, whole, and everybody is told why', async () => {
    await broker.control('POST', 'mail/faults', { place: 'AUTH', fault: SWITCHED_OFF, times: 'always' });
    for (const [messageId, message] of [
      ['<small@device.example>', (from: string) => smallMessage(from, '<small@device.example>')],
      ['<large@device.example>', (from: string) => scan(from, '<large@device.example>', 3_200_000)],
    ] as const) {
      const id = await submit('microsoft', message);
      await submissionIn(broker, microsoft.device, id, 'sent');
      const [mail, ...more] = await found(messageId);
      assert.ok(mail && more.length === 0, messageId);
      assert.deepEqual(
        [mail.mechanism, mail.user, mail.envelope_to],
        ['Microsoft Graph', microsoft.address, ['archive@example.org']],
      );
    }
    const { route, route_in_effect, detour } = (await mailbox('microsoft')) as Json & { detour: Json };
    assert.deepEqual([route, route_in_effect, detour.kind], ['auto', 'api', 'smtp_switched_off']);
    assert.match(String(detour.message), /^535 5\.7\.139 .*SmtpClientAuthentication is disabled/);
    const counters = await broker.control('GET', 'mail/counters');
    const { submissions } = (await broker.administer('GET', '/submissions')) as { submissions: readonly Json[] };
    assert.equal(submissions.length, 2);
    assert.deepEqual(counters.messages, 2, 'the second mail did not ask at the mail server again');
  });

  it('waits where an administrator wants SMTP alone, and goes at once when the choice is taken back', async () => {
    await setRoute('microsoft', 'smtp');
    const id = await submit('microsoft', (from) => smallMessage(from, '<held@device.example>'));
    const held = await submissionIn(broker, microsoft.device, id, 'held');
    assert.match(JSON.stringify(held), /smtp_switched_off|switched off/i);
    const { route_in_effect, detour } = await mailbox('microsoft');
    assert.deepEqual([route_in_effect, detour], ['smtp', null]);
    await setRoute('microsoft', 'api');
    // The next sweep calls a worker.
    const sent = await eventually(
      'the held message arrives',
      async () => (await found('<held@device.example>'))[0],
      100_000,
    );
    assert.equal(sent.mechanism, 'Microsoft Graph');
  });

  it('goes by the Gmail API where an administrator chose that, whatever SMTP would say', async () => {
    await broker.control('DELETE', 'mail/faults');
    const { route_in_effect } = await setRoute('google', 'api');
    assert.equal(route_in_effect, 'api');
    const id = await submit('google', (from) => scan(from, '<gmail@device.example>', 3_200_000));
    await submissionIn(broker, google.device, id, 'sent');
    const [mail] = await found('<gmail@device.example>');
    assert.equal(mail?.mechanism, 'Gmail API');
    await setRoute('google', 'auto');
    const second = await submit('google', (from) => smallMessage(from, '<smtp@device.example>'));
    await submissionIn(broker, google.device, second, 'sent');
    assert.equal((await found('<smtp@device.example>'))[0]?.mechanism, 'XOAUTH2');
  });

  it('leaves no draft and no upload behind', async () => {
    for (const api of ['microsoft-api', 'google-api']) {
      assert.equal((await broker.control('GET', `${api}/counters`)).unfinished, 0);
    }
  });

  it('notes every change of the way down', async () => {
    const { audit } = (await broker.administer('GET', '/audit?limit=100')) as { audit: readonly Json[] };
    const changes = audit.filter(({ action }) => action === 'mailbox.route-changed').map(({ detail }) => detail);
    assert.deepEqual(changes.toReversed(), [
      `${microsoft.address}: auto to smtp`,
      `${microsoft.address}: smtp to api`,
      `${google.address}: auto to api`,
      `${google.address}: api to auto`,
    ]);
  });
});
