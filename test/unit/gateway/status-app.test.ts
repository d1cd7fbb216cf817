import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { statusPassword } from '../../../gateway/status/password.ts';
import { withoutAddresses } from '../../../gateway/status/privacy.ts';
import type { GatewayStatus } from '../../../gateway/status/status.ts';
import { textsIn } from '../../../gateway/status/texts/index.ts';
import { makeAuthority } from '../../../gateway/tls/local-authority.ts';
import { checkPair } from '../../../gateway/tls/pair.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import { ERROR_TEXTS, LANGUAGES } from '../../../shared/protocol/texts/index.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { ADMIN, basic, desk, entry, goodDay, NOW, notNow, PASSWORD, statusOffice } from './status-support.ts';

describe('the status page', () => {
  it('shows an administrator how the gateway fares', async () => {
    const { get } = statusOffice();
    const { status, text } = await get('/', ADMIN);
    assert.equal(status, 200);
    for (const part of [
      'Gateway gateway.office.example',
      'Reachable',
      'https://broker.example',
      'Straight to the mail provider',
      'sub_0001',
      'Copier, 2nd floor',
      'dev_copier',
      'scanner@contoso.example',
      'ann@contoso.example',
      'bob@contoso.example',
      '1.5 MB',
      'Held',
      ERROR_TEXTS.en.sign_in_lapsed.join(' '),
      '535 5.7.139 ask ann@contoso.example',
      '2 hours ago',
      ERROR_TEXTS.en.mail_server_unavailable.join(' '),
      '192.168.7.20',
      'Without TLS',
      'Never',
      'smtp-2525',
      'Legacy: from TLS 1.0',
      '2027-03-11 00:00:00 UTC',
      'AA:BB',
      '12 GB',
    ]) {
      assert.ok(text.includes(part), part);
    }
  });

  it('speaks the language of the browser, and gives the remedy in it', async () => {
    const { get } = statusOffice();
    for (const language of LANGUAGES) {
      const { text } = await get('/', { ...ADMIN, 'Accept-Language': `${language}-XX, de;q=0.5` });
      assert.match(text, new RegExp(`<html lang="${language}">`));
      const shown = text.replaceAll('&#39;', "'").replaceAll('&quot;', '"');
      assert.ok(shown.includes(ERROR_TEXTS[language].sign_in_lapsed[1]), language);
      assert.ok(shown.includes(textsIn(language).queue.title), language);
    }
  });

  it('says since when the broker is out of reach, and what to do', async () => {
    const broker: GatewayStatus['broker'] = () => ({ state: 'unreachable', since: NOW - 300, detail: 'ECONNREFUSED' });
    const { get } = statusOffice({ status: goodDay({ broker }) });
    const { text } = await get('/', ADMIN);
    assert.match(text, /Not reachable/);
    assert.match(text, /5 minutes ago/);
    assert.ok(text.includes(ERROR_TEXTS.en.broker_unreachable[1]));
    assert.match(text, /ECONNREFUSED/);
  });

  it('says in words that there is nothing to show', async () => {
    const empty = goodDay({
      broker: () => ({ state: 'unknown' }),
      totals: () => ({ messages: {}, bytes: 0, oldestAcceptedAt: undefined }),
      queue: () => [],
      errors: () => [],
      devices: () => [],
    });
    const { text } = await statusOffice({ status: empty }).get('/', ADMIN);
    const { queue, errors, devices, state } = textsIn('en');
    for (const part of [queue.none, errors.none, devices.none, state.contact.unknown])
      assert.ok(text.includes(part), part);
  });

  it('tells how much more there is than it shows', async () => {
    const asked: number[] = [];
    const many = goodDay({
      totals: () => ({ messages: { queued: 5000, failed: 3, sent: 77 }, bytes: 1, oldestAcceptedAt: NOW }),
      queue: (limit) => {
        asked.push(limit);
        return Array.from({ length: limit }, (_, index) => entry({}, { id: `sub_${index}` }));
      },
    });
    const { text } = await statusOffice({ status: many }).get('/', ADMIN);
    assert.deepEqual(asked, [200]);
    assert.match(text, /The oldest 200 of 5003 are shown/);
  });

  it('has no scripts, and lets none be smuggled in by a device, a server or a file', async () => {
    const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&`;
    const status = goodDay({
      about: () => ({ ...goodDay().about(), name: evil, version: evil, brokerUrl: evil }),
      broker: () => ({ state: 'unreachable', since: NOW, detail: evil }),
      queue: () => [
        entry(
          { response: evil, deviceName: evil },
          { account: evil, clientId: evil, envelope: { from: evil, to: [evil] } },
        ),
      ],
      errors: () => [{ at: NOW, kind: 'internal', detail: evil, subject: evil }],
      devices: () => [
        {
          clientId: evil,
          name: evil,
          address: evil,
          tlsVersion: evil,
          signedInAt: undefined,
          lastMessageAt: undefined,
        },
      ],
      listeners: () => [
        { ...goodDay().listeners()[0], name: evil, host: evil } as ReturnType<GatewayStatus['listeners']>[number],
      ],
      certificate: () => ({
        notAfter: NOW,
        fingerprint: evil,
        authority: { certificate: evil, fingerprint: evil, notAfter: NOW },
      }),
      spool: async () => ({ isWritable: false, freeBytes: 0, reason: evil }),
    });
    const { get } = statusOffice({ status });
    const { text, headers } = await get('/', ADMIN);
    assert.doesNotMatch(text, /<script|<img|onerror=alert\(1\)>/i);
    assert.equal(text.split('&lt;script&gt;').length - 1, 21);
    assert.match(headers.get('Content-Security-Policy') ?? '', /default-src 'none'/);
    assert.equal(headers.get('X-Frame-Options'), 'DENY');
    assert.equal(headers.get('Cache-Control'), 'no-store');
  });

  it('keeps its form though anything stands in a name', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (name) => {
        const status = goodDay({ queue: () => [entry({ deviceName: name, response: name })] });
        const { text } = await statusOffice({ status }).get('/', ADMIN);
        const plain = await statusOffice({
          status: goodDay({ queue: () => [entry({ deviceName: '', response: '' })] }),
        }).get('/', ADMIN);
        const tags = (page: string) => page.match(/<[a-z/!][^>]*>/gi)?.length;
        assert.equal(tags(text), tags(plain.text));
      }),
      { numRuns: 50 },
    );
  });
});

describe('the password of the status page', () => {
  it('is asked for, in words, and a wrong one is none', async () => {
    const { get } = statusOffice();
    const wrong = [
      {},
      basic('admin', 'wrong'),
      basic('admin', ''),
      basic('root', PASSWORD),
      basic('admin', `${PASSWORD} `),
      { Authorization: `Bearer ${PASSWORD}` },
      { Authorization: 'Basic %%%' },
    ];
    for (const headers of wrong) {
      for (const path of ['/', '/sign-in', '/messages/sub_0001/remove', '/?done=resent']) {
        const { status, headers: reply, text } = await get(path, headers);
        assert.equal(status, 401);
        assert.match(reply.get('WWW-Authenticate') ?? '', /^Basic realm="[^"]+", charset="UTF-8"$/);
        assert.match(text, /status-password/);
        assert.doesNotMatch(text, /contoso|dev_copier/);
      }
    }
  });

  it('opens the page, and the recipients on it', async () => {
    const { get } = statusOffice({ open: true });
    const closed = await get('/');
    assert.equal(closed.status, 200);
    assert.doesNotMatch(closed.text, /ann@contoso|bob@contoso|<form|sub_0001\/remove/);
    assert.match(closed.text, /535 5\.7\.139 ask …@…/);
    assert.match(closed.text, /no answer for …@…/);
    assert.match(closed.text, /href="\/sign-in"/);
    assert.match(closed.text, /scanner@contoso\.example/);
    const open = await get('/', ADMIN);
    assert.match(open.text, /ann@contoso/);
    assert.doesNotMatch(open.text, /href="\/sign-in"/);
  });

  it('can be given on an open page as well', async () => {
    const { get } = statusOffice({ open: true });
    assert.equal((await get('/sign-in')).status, 401);
    const signedIn = await get('/sign-in', ADMIN);
    assert.equal(signedIn.status, 303);
    assert.equal(signedIn.headers.get('Location'), '/');
  });

  it('is needed on an open page by who calls the gateway by a name that is not its own (DNS rebinding)', async () => {
    const { get } = statusOffice({ open: true });
    for (const host of ['192.168.7.2', '[fd00::2]:8025', 'localhost:8025', 'GATEWAY.office.example']) {
      assert.equal((await get('/', {}, host)).status, 200, host);
    }
    for (const host of [
      'attacker.example',
      'gateway.office.example.attacker.example',
      '192.168.7.2.attacker.example',
    ]) {
      assert.equal((await get('/', {}, host)).status, 401, host);
      assert.equal((await get('/', ADMIN, host)).status, 200, host);
    }
  });

  it('is made at the first start, for the owner alone, and stays', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-password-'));
    try {
      const file = join(folder, 'status-password');
      const made = await statusPassword(file, seededRandom('3'));
      assert.ok(made.length >= 40);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.equal(await statusPassword(file, seededRandom('4')), made);
      assert.deepEqual(readdirSync(folder), ['status-password']);
      writeFileSync(`${file}.new`, 'half'); // as after a crash
      rmSync(file);
      assert.notEqual(await statusPassword(file, seededRandom('4')), made);
      for (const short of ['', '\n', 'short']) {
        writeFileSync(file, short);
        await assert.rejects(statusPassword(file, seededRandom('4')), { name: 'ConfigError', message: /remove it/ });
        assert.equal(readFileSync(file, 'utf8'), short);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes addresses out of what servers say, whatever surrounds them', () => {
    const said =
      '550 <ann@a.example>: bob.b+c@b.example (jörg@müller.example) to:x@y.example; "q r"@z.example ann@[192.0.2.1]';
    const shown = withoutAddresses(said);
    assert.doesNotMatch(shown, /ann|bob|jörg|example|q r|192/);
    assert.match(shown, /^550 <…@…>/);
    assert.equal(withoutAddresses('250 2.0.0 OK @ 12:00'), '250 2.0.0 OK @ 12:00');
  });
});

describe('what an administrator can do at the status page', () => {
  it('are one button each, for what is in the right state', async () => {
    const states = ['queued', 'sending', 'deferred', 'held', 'failed'] as const;
    const queue = () => states.map((state) => entry({ state }, { id: `sub_${state}` }));
    const { text } = await statusOffice({ status: goodDay({ queue }) }).get('/', ADMIN);
    const offered = (state: string) =>
      ['resend', 'remove'].filter((action) => text.includes(`/messages/sub_${state}/${action}"`));
    assert.deepEqual(states.map(offered), [[], [], ['remove'], ['remove'], ['resend', 'remove']]);
    assert.equal(text.split('action="/mailboxes/mbx_1/try"').length - 1, 3);
  });

  const POSTS = [
    ['/messages/sub_0001/resend', 'resend sub_0001', 'resent'],
    ['/messages/sub_0001/remove', 'remove sub_0001', 'removed'],
    ['/mailboxes/mbx_1/try', 'try mbx_1', 'tried'],
  ] as const;

  it('is done, logged, and said on the page', async () => {
    for (const [path, expected, done] of POSTS) {
      const { done: asked, actions } = desk();
      const { post, get, formToken, log } = statusOffice({ actions });
      const reply = await post(path, { form_token: await formToken() });
      assert.equal(reply.status, 303);
      assert.equal(reply.headers.get('Location'), `/?done=${done}`);
      assert.deepEqual(asked, [expected]);
      assert.equal(log.of(`status.${done}`)[0]?.fields.outcome, 'ok');
      const { text } = await get(`/?done=${done}`, ADMIN);
      assert.ok(text.includes(textsIn('en').notices[done]));
    }
  });

  it('is asked about once more before a message is removed', async () => {
    const { done, actions } = desk();
    const { get } = statusOffice({ actions });
    const { status, text } = await get('/messages/sub_0001/remove', ADMIN);
    assert.equal(status, 200);
    assert.match(text, /cannot be undone/);
    assert.match(text, /action="\/messages\/sub_0001\/remove"/);
    assert.deepEqual(done, []);
  });

  it('is said to have failed, with what to do', async () => {
    for (const [error, status] of [
      [notNow, 409],
      [brokerError('not_found'), 404],
    ] as const) {
      const { actions } = desk(error);
      const { post, formToken } = statusOffice({ actions });
      const reply = await post('/messages/sub_0001/remove', { form_token: await formToken() });
      assert.equal(reply.status, status);
      assert.match(reply.text, /role="alert"/);
      assert.ok(reply.text.includes(ERROR_TEXTS.en[error.kind][1]));
    }
  });

  it('needs the password, also where the page is open', async () => {
    for (const [path] of POSTS) {
      const { done, actions } = desk();
      const { post, formToken } = statusOffice({ actions, open: true });
      const token = await formToken();
      for (const headers of [{}, basic('admin', 'wrong')]) {
        assert.equal((await post(path, { form_token: token }, headers)).status, 401);
      }
      assert.deepEqual(done, []);
    }
  });

  it('cannot be done by a page from elsewhere', async () => {
    const foreign: readonly (readonly [headers: Record<string, string>, ownToken: boolean])[] = [
      [{ 'Sec-Fetch-Site': 'cross-site' }, true],
      [{ 'Sec-Fetch-Site': 'same-site' }, true],
      [{ 'Sec-Fetch-Site': 'none' }, true],
      [{ Origin: 'https://attacker.example' }, true],
      [{ Origin: 'null' }, true],
      [{ Origin: 'http://192.168.7.2:9999' }, true],
      [{ Origin: 'http://192.168.7.2:8025', 'Sec-Fetch-Site': 'cross-site' }, true],
      [{ Origin: 'http://192.168.7.2:8025', 'Sec-Fetch-Site': 'same-origin' }, false],
      [{}, false],
    ];
    for (const [path] of POSTS) {
      for (const [headers, ownToken] of foreign) {
        const { done, actions } = desk();
        const { post, formToken } = statusOffice({ actions });
        const token = ownToken ? await formToken() : 'A'.repeat(43);
        const { status, text } = await post(path, { form_token: token }, { ...ADMIN, ...headers });
        assert.equal(status, 403, JSON.stringify(headers));
        assert.match(text, /out of date, or came from elsewhere/);
        assert.deepEqual(done, []);
      }
    }
  });

  it('is done for every browser that says where the form is from, and for those too old to', async () => {
    const own = [
      { Origin: 'http://192.168.7.2:8025', 'Sec-Fetch-Site': 'same-origin' },
      { Origin: 'http://192.168.7.2:8025' },
      {},
    ];
    for (const headers of own) {
      const { post, formToken } = statusOffice();
      const { status } = await post(
        '/mailboxes/mbx_1/try',
        { form_token: await formToken() },
        { ...ADMIN, ...headers },
      );
      assert.equal(status, 303);
    }
  });

  it('lets browsers say so: pages do not hide their origin from the gateway', async () => {
    const { get } = statusOffice();
    assert.equal((await get('/', ADMIN)).headers.get('Referrer-Policy'), 'same-origin');
  });

  it('is nothing that a link can do, nor a form with anything but its two fields', async () => {
    const { done, actions } = desk();
    const { app, get, post, formToken } = statusOffice({ actions });
    assert.equal((await get('/messages/sub_0001/resend', ADMIN)).status, 405);
    assert.equal((await get('/mailboxes/mbx_1/try', ADMIN)).status, 405);
    const token = await formToken();
    for (const id of ['..%2f..', 'a'.repeat(65), '%00', 'a b', 'a<b']) {
      assert.equal((await post(`/messages/${id}/resend`, { form_token: token })).status, 404, id);
    }
    const url = 'http://192.168.7.2:8025/messages/sub_0001/resend';
    const body = JSON.stringify({ form_token: token });
    const asJson = { ...ADMIN, 'Content-Type': 'application/json' };
    assert.equal((await app.request(url, { method: 'POST', body, headers: asJson })).status, 403);
    const twice = { ...ADMIN, 'Content-Type': 'application/x-www-form-urlencoded' };
    const doubled = `form_token=${token}&form_token=${token}`;
    assert.equal((await app.request(url, { method: 'POST', body: doubled, headers: twice })).status, 403);
    assert.deepEqual(done, []);
  });
});

describe('the root for devices', () => {
  it('is given in both forms, without a password', async () => {
    const root = checkPair(await makeAuthority('gateway', NOW * 1000));
    assert.ok(root.ok);
    const certificate = () => ({ notAfter: NOW, fingerprint: 'AA', authority: root.value });
    const { app, get } = statusOffice({ status: goodDay({ certificate }) });
    const der = await app.request('http://gateway/ca.crt');
    assert.equal(der.headers.get('Content-Type'), 'application/x-x509-ca-cert');
    assert.match(der.headers.get('Content-Disposition') ?? '', /filename="mfp-gateway-ca\.crt"/);
    const bytes = new Uint8Array(await der.arrayBuffer());
    assert.equal(new X509Certificate(bytes).fingerprint256, root.value.fingerprint);
    assert.equal(bytes[0], 0x30);
    const pem = await get('/ca.pem');
    assert.equal(pem.text, root.value.certificate);
    assert.doesNotMatch(pem.text, /PRIVATE/);
    const { text } = await get('/', ADMIN);
    assert.match(text, /href="\/ca\.crt"/);
    assert.ok(text.includes(root.value.fingerprint));
  });

  it('is not there, in words, where the operator has set a certificate', async () => {
    const { get } = statusOffice();
    for (const path of ['/ca.crt', '/ca.pem']) {
      const { status, text } = await get(path, { 'Accept-Language': 'da' });
      assert.equal(status, 404);
      assert.equal(text, textsIn('da').certificate.noRoot);
    }
    assert.doesNotMatch((await get('/', ADMIN)).text, /ca\.crt/);
  });
});

describe('the health of a gateway', () => {
  const health = async (change: Partial<GatewayStatus>) => {
    const { status, text } = await statusOffice({ status: goodDay(change) }).get('/health');
    return { status, body: JSON.parse(text) as { status: string; reasons?: readonly string[] } };
  };

  it('is well, also while the broker is out of reach', async () => {
    assert.deepEqual(await health({ broker: () => ({ state: 'unreachable', since: NOW }) }), {
      status: 200,
      body: { status: 'ok' },
    });
  });

  it('fails with a listener that accepts nothing, by its name', async () => {
    const listeners = () =>
      goodDay()
        .listeners()
        .map((one) => ({ ...one, isAccepting: one.protocol !== 'smtp' }));
    const { status, body } = await health({ listeners });
    assert.equal(status, 503);
    assert.deepEqual(body, {
      status: 'failing',
      reasons: ['The listener smtp-2525 accepts no connections; see the log.'],
    });
    assert.equal((await health({ listeners: () => [] })).status, 503);
  });

  it('fails with a spool that cannot be written, or asked', async () => {
    const full = await health({ spool: async () => ({ isWritable: false, freeBytes: 0, reason: 'ENOSPC' }) });
    assert.equal(full.status, 503);
    assert.match(String(full.body.reasons), /cannot be written \(ENOSPC\); make room/);
    const gone = await health({ spool: () => Promise.reject(Object.assign(new Error('x'), { code: 'EIO' })) });
    assert.equal(gone.status, 503);
    assert.match(String(gone.body.reasons), /EIO/);
  });

  it('fails with a disk that never answers, within seconds', async () => {
    const { get, clock } = statusOffice({ status: goodDay({ spool: () => new Promise(() => undefined) }) });
    const asked = get('/health');
    await new Promise(setImmediate);
    await clock.advance(3_000);
    const { status, text } = await asked;
    assert.equal(status, 503);
    assert.match(text, /no answer/);
  });
});

describe('the texts of the status page', () => {
  const leaves = (value: unknown, path = ''): [string, string][] => {
    if (typeof value === 'function') return [[path, String(value('A', 'B'))]];
    if (typeof value === 'string') return [[path, value]];
    return Object.entries(value as object).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
  };

  /** Names, and words that a language shares with English. */
  const SAME =
    /\.(securities\.starttls|tls|broker|version|port|action|code|state|detail|states\.sent|title)$|\.contact\./;

  for (const language of LANGUAGES.filter((one) => one !== 'en')) {
    it(`are translated into ${language}, each`, () => {
      const english = new Map(leaves(textsIn('en')));
      const texts = leaves(textsIn(language));
      assert.equal(texts.length, english.size);
      for (const [path, text] of texts) {
        assert.match(text, /^\S(.*\S)?$/, path);
        if (!SAME.test(path)) assert.notEqual(text, english.get(path), path);
      }
    });

    it(`keep in ${language} what is typed as it is typed`, () => {
      assert.match(textsIn(language).problem.passwordRemedy, /\badmin\b.*status-password/);
    });
  }
});
