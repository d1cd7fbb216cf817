import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ADDRESSES,
  ADMIN_KEY,
  arrived,
  assertCommonHeaders,
  assertProblem,
  type Bound,
  boundDevice,
  call,
  fetchToken,
  type Json,
  type Reply,
  signedInDevice,
  type WireBroker,
  wireBroker,
} from './support.ts';

/** Ids of steps, and whether they passed. */
const summary = ({ body }: Reply): readonly string[] =>
  (body.steps as readonly Json[]).map(({ step, ok }) => `${step} ${ok ? 'ok' : 'failed'}`);

const lastStep = ({ body }: Reply): Json => (body.steps as readonly Json[]).at(-1) ?? {};

const ADMISSION = ['grant ok', 'token ok'];
const CONNECTED = [...ADMISSION, 'name ok', 'tcp ok', 'tls ok', 'greeting ok'];

describe('the connection test', () => {
  let broker: WireBroker;
  let microsoft: Bound;
  let google: Bound;
  let offices = 0;
  /** The mailbox for which sending was found to be switched off. */
  let switchedOff = '';
  /** Everything that was ever answered. */
  let answered = '';

  before(async () => {
    broker = await wireBroker();
    microsoft = await signedInDevice(broker, 'microsoft');
    google = await signedInDevice(broker, 'google');
  });
  afterEach(async () => {
    for (const who of ['mail', 'pop', 'imap', 'microsoft', 'google']) await broker.control('DELETE', `${who}/faults`);
  });
  after(() => broker?.close());

  const tryIt = async (mailboxId: string, body: Json, language = 'en'): Promise<Reply> => {
    const reply = await call(`${broker.url}/v1/admin/mailboxes/${mailboxId}/test`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        'content-type': 'application/json',
        'accept-language': language,
      },
      body: JSON.stringify(body),
    });
    answered += reply.text;
    return reply;
  };

  /** Signed in for one test alone, which so need not wait: a mailbox is tested every ten seconds. */
  const another = async (provider: 'microsoft' | 'google'): Promise<Bound> =>
    signedInDevice(broker, provider, `scanner${++offices}@${provider === 'google' ? 'gmail' : 'contoso'}.example`);

  /** Waits as it is told to, once. */
  const run = async (mailboxId: string, body: Json, language = 'en'): Promise<Reply> => {
    const first = await tryIt(mailboxId, body, language);
    if (first.status !== 429) return first;
    await sleep(Number(first.headers.get('retry-after')) * 1000);
    return tryIt(mailboxId, body, language);
  };

  test('goes through every step of sending, tells what it saw, and sends nothing', async () => {
    const before = (await arrived(broker)).length;
    const reply = await run(microsoft.mailboxId, { direction: 'send' });
    assert.equal(reply.status, 200, reply.text);
    assertCommonHeaders(reply);
    assert.deepEqual(summary(reply), [...CONNECTED, 'auth ok', 'envelope ok', 'message ok']);
    assert.deepEqual(
      [reply.body.ok, reply.body.protocol, reply.body.route, reply.body.panel_code],
      [true, 'smtp', 'smtp', undefined],
    );
    assert.equal(lastStep(reply).left_out, true);
    const details = (reply.body.steps as readonly Json[]).map(({ detail }) => detail).join('\n');
    assert.match(details, /Signed in as scanner@contoso\.example since \d{4}-/);
    assert.match(details, /127\.0\.0\.1 answers at port \d+ after \d+ ms\./);
    assert.match(details, /TLSv1\.[23] with TLS_\w+\. Certificate for localhost/);
    assert.match(details, /The server takes messages of up to 36 MB/);
    assert.equal((await arrived(broker)).length, before);
    const counters = await broker.control('GET', 'mail/counters');
    assert.equal(counters.connectionsNow, 0);
  });

  test('sends a test message to whoever is named, in the language of who asks', async () => {
    const { mailboxId, address } = await another('microsoft');
    const reply = await run(mailboxId, { direction: 'send', to: 'anna@example.org' }, 'pl-PL,pl;q=0.9');
    assert.equal(reply.body.ok, true, reply.text);
    assert.equal(reply.headers.get('content-language'), 'pl');
    assert.match(String(lastStep(reply).detail), /^Serwer przyjął wiadomość do anna@example\.org/);
    const [message] = await arrived(broker);
    assert.deepEqual([message?.envelopeTo ?? message?.envelope_to], [['anna@example.org']]);
    assert.match(message?.raw ?? '', /^Auto-Submitted: auto-generated\r$/m);
    const body = Buffer.from((message?.raw ?? '').split('\r\n\r\n')[1] ?? '', 'base64').toString();
    assert.ok(body.startsWith(`Tę wiadomość wysłano, aby przetestować skrzynkę ${address}.`), body);
  });

  for (const [provider, protocol] of [
    ['google', 'pop'],
    ['microsoft', 'imap'],
  ] as const) {
    test(`receives for ${provider} by ${protocol}, and counts what is there`, async () => {
      const { mailboxId } = await another(provider);
      // POP3 is what devices know, so it need not be named.
      const reply = await run(mailboxId, { direction: 'receive', ...(protocol === 'imap' && { protocol }) });
      assert.deepEqual(summary(reply), [...CONNECTED, 'auth ok', 'mailbox ok'], reply.text);
      assert.equal(reply.body.protocol, protocol);
      assert.match(String(lastStep(reply).detail), /Messages in it: 3\./);
    });
  }

  test('is told with the step that failed, the reply of the server and the remedy, in two languages', async () => {
    const text = '5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.';
    const off = { place: 'AUTH', fault: { kind: 'reply', code: 535, text }, times: 'always' };
    await broker.control('POST', 'mail/faults', off);
    const { mailboxId, address } = await another('microsoft');
    switchedOff = address;
    const french = await run(mailboxId, { direction: 'send' }, 'fr');
    assert.equal(french.status, 200);
    assert.deepEqual(summary(french), [...CONNECTED, 'auth failed']);
    const { why, error, detail, remedy, reply } = lastStep(french);
    assert.deepEqual([why, error, french.body.panel_code], ['smtp_switched_off', 'smtp_switched_off', 360]);
    assert.match(String(detail), /^SMTP authentifié est désactivé/);
    assert.ok(
      String(remedy).includes(`Set-CASMailbox ${address} -SmtpClientAuthenticationDisabled $false`),
      `${remedy}`,
    );
    assert.match(String(reply), /^535 5\.7\.139 .*disabled for the Tenant/);
    const danish = lastStep(await run(mailboxId, { direction: 'send' }, 'da'));
    assert.match(String(danish.detail), /^Godkendt SMTP er slået fra/);
    assert.equal(danish.why, 'smtp_switched_off');
  });

  test('tells of receiving that is switched off', async () => {
    await broker.control('POST', 'pop/faults', { place: 'AUTH', fault: { kind: 'switched_off' } });
    const reply = await run(google.mailboxId, { direction: 'receive' });
    assert.deepEqual(summary(reply), [...CONNECTED, 'auth failed']);
    assert.equal(lastStep(reply).why, 'receiving_switched_off');
    assert.match(String(lastStep(reply).detail), /^POP3 is switched off/);
  });

  test('fails at the sign-in of a mailbox that nobody has signed in, and never asks the mail server', async () => {
    const { mailboxId } = await boundDevice(broker, 'microsoft', 'new@contoso.example');
    const { signIns } = await broker.control('GET', 'mail/counters');
    const reply = await run(mailboxId, { direction: 'send' }, 'lt');
    assert.deepEqual(summary(reply), ['grant failed']);
    assert.deepEqual([reply.body.ok, reply.body.panel_code], [false, 360]);
    assert.equal((await broker.control('GET', 'mail/counters')).signIns, signIns);
  });

  test('says that the token update failed, and to delete the token and get it again, where the sign-in has ended', async () => {
    const lapsed = await signedInDevice(broker, 'google', 'user@gmail.example');
    await broker.control('POST', 'google/revocations', { account: 'user@gmail.example' });
    await sleep(1_100);
    const reply = await run(lapsed.mailboxId, { direction: 'send' });
    assert.deepEqual(summary(reply), ['grant ok', 'token failed'], reply.text);
    assert.match(String(lastStep(reply).detail), /^Token update failed\. /);
    assert.match(String(lastStep(reply).remedy), /^Delete the token and get it again: sign the mailbox out, then in\./);
    assert.ok([361, 370].includes(Number(reply.body.panel_code)), reply.text);
    assert.ok(typeof lastStep(reply).provider_code === 'string');
  });

  test('is made once in ten seconds of a mailbox, and says in words how long to wait', async () => {
    const { mailboxId } = await another('google');
    await tryIt(mailboxId, { direction: 'send' });
    const again = await tryIt(mailboxId, { direction: 'send' }, 'da');
    const seconds = Number(again.headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 10, again.text);
    assertProblem(again, 429, 'too_many_attempts', {
      title: 'The mailbox cannot be tested again just yet.',
      message: 'Postkassen kan ikke testes igen lige nu.',
      remedy: `Test den igen om ${seconds} sekunder.`,
      detail: `The mailbox was tested just before; test it again in ${seconds} s.`,
    });
  });

  for (const [what, body] of [
    ['no direction', {}],
    ['an unknown direction', { direction: 'both' }],
    ['a recipient that is none', { direction: 'send', to: 'nobody' }],
    ['two recipients', { direction: 'send', to: 'a@example.org,b@example.org' }],
    ['a command in the recipient', { direction: 'send', to: 'a@example.org>\r\nDATA' }],
    ['a recipient where mail is received', { direction: 'receive', to: 'a@example.org' }],
    ['an unknown protocol', { direction: 'receive', protocol: 'smtp' }],
    ['a field that there is not', { direction: 'send', host: 'mail.example.org' }],
  ] as const) {
    test(`is refused with ${what}`, async () => {
      assertProblem(await tryIt(microsoft.mailboxId, body), 400, 'invalid_request');
    });
  }

  test('finds no mailbox that there is not', async () => {
    assertProblem(await tryIt('mbx_none', { direction: 'send' }), 404, 'not_found');
  });

  test('is noted in the audit log, with what came of it', async () => {
    const { audit } = (await broker.administer('GET', '/audit?limit=200')) as { audit: readonly Json[] };
    const tested = audit.filter(({ action }) => action === 'mailbox.tested').map(({ detail }) => detail);
    assert.ok(tested.includes(`${ADDRESSES.microsoft}, send: passed`), JSON.stringify(tested));
    assert.ok(tested.includes(`${switchedOff}, send: auth, smtp_switched_off`), JSON.stringify(tested));
    assert.ok(tested.includes(`${ADDRESSES.google}, receive by pop: auth, receiving_switched_off`));
  });

  test('has no token in any answer or log line', async () => {
    const tokens: string[] = [];
    for (const { device } of [microsoft, google]) {
      for (const scope of ['smtp']) {
        tokens.push(String((await fetchToken(broker, device, `?scope=${scope}`)).body.access_token));
      }
    }
    assert.ok(tokens.every((token) => token.length > 20));
    const told = answered + broker.output();
    for (const token of tokens) {
      for (let at = 0; at + 24 <= token.length; at += 8) assert.ok(!told.includes(token.slice(at, at + 24)));
    }
    assert.match(broker.output(), /"event":"mailbox\.tested"/);
    assert.doesNotMatch(told, /eyJ[\w-]{20}|Bearer \S{20}|user=\S+auth=/);
  });
});
