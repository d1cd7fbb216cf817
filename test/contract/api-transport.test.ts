import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readMessage } from '../../local/stand-ins/mail/message-parts.ts';
import { graphTransport } from '../../shared/adapters/graph/graph-transport.ts';
import { providerApiTransport } from '../../shared/adapters/provider-api/provider-api-transport.ts';
import { PROVIDERS, type ProviderName } from '../../shared/domain/provider.ts';
import type { AttemptOutcome } from '../../shared/domain/submission.ts';
import { API_USER, type RunningApi, startApi, TOKENS } from '../fakes/api-stand-in.ts';

const TO = ['ann@a.example', 'bob@b.example'];
const MEBIBYTE = 1024 * 1024;

interface Wish {
  readonly to?: readonly string[];
  readonly token?: string;
  readonly header?: string;
  readonly content?: Readable;
  readonly sizeBytes?: number;
}

/** A scan: a text, and a file of that many bytes. */
const scan = (provider: ProviderName, fileBytes: number, header = `To: ${TO.join(', ')}`) => {
  const file = randomBytes(fileBytes);
  const base64 = file.toString('base64').replace(/.{76}/g, '$&\r\n');
  const message = Buffer.from(
    `From: ${API_USER[provider]}\r\n${header}\r\nSubject: Scan\r\nMessage-ID: <scan-1@device.example>\r\nMIME-Version: 1.0\r\n` +
      'Content-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\nContent-Type: text/plain\r\n\r\nA document.\r\n' +
      '--edge\r\nContent-Type: application/pdf; name="scan.pdf"\r\nContent-Transfer-Encoding: base64\r\n' +
      `Content-Disposition: attachment; filename="scan.pdf"\r\n\r\n${base64}\r\n--edge--\r\n`,
  );
  return { message, file };
};

const small = (provider: ProviderName, header = `To: ${TO.join(', ')}`): Buffer =>
  Buffer.from(
    `From: ${API_USER[provider]}\r\n${header}\r\nSubject: Scan\r\nMessage-ID: <scan-1@device.example>\r\n\r\nHello.\r\n`,
  );

const streamOf = (message: Buffer): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < message.length; at += 65_536) yield message.subarray(at, at + 65_536);
    })(),
  );

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The one file in a message, found the hard way. */
const fileIn = (content: Buffer): Buffer => {
  const text = content.toString('latin1');
  const part = text.slice(text.indexOf('scan.pdf'));
  const body = part.slice(part.indexOf('\r\n\r\n') + 4);
  return Buffer.from(body.slice(0, body.indexOf('\r\n--')), 'base64');
};

const isWithoutContact = (outcome: AttemptOutcome): boolean =>
  outcome.outcome === 'failed' && outcome.withoutContact === true;

for (const provider of PROVIDERS) {
  describe(`sending by the API of ${provider}`, () => {
    let api: RunningApi;
    // Anew each time: the limits of a minute hold for all that was sent before.
    beforeEach(async () => {
      api = await startApi(provider);
    });
    afterEach(() => api.close());

    const send = async (message: Buffer, wish: Wish = {}): Promise<AttemptOutcome> => {
      const { to = TO, token = TOKENS.good, content = streamOf(message), sizeBytes = message.length } = wish;
      const transport = providerApiTransport({ urlFor: () => api.url, limits: { requestMs: 2000, overallMs: 60_000 } });
      const opened = await transport.open({ provider, address: API_USER[provider], accessToken: token });
      assert.ok(opened.ok);
      const envelope = { from: API_USER[provider], to };
      const outcome = await opened.value.send({ envelope, content, sizeBytes, eightBit: false });
      assert.ok(content.destroyed, 'the content is destroyed');
      await opened.value.close();
      return outcome;
    };

    /** What came of sending, and what arrived by it. */
    const sendAndSee = async (message: Buffer, wish: Wish = {}) => {
      const earlier = new Set(api.arrived().map(({ id }) => id));
      const outcome = await send(message, wish);
      return { outcome, arrived: api.arrived().filter(({ id }) => !earlier.has(id)) };
    };

    const kindOf = (outcome: AttemptOutcome) => [outcome.outcome, 'reason' in outcome ? outcome.reason : undefined];

    it('sends a small message as it is', async () => {
      const message = small(provider);
      const { outcome, arrived } = await sendAndSee(message);
      assert.equal(outcome.outcome, 'sent', JSON.stringify(outcome));
      assert.deepEqual(outcome.outcome === 'sent' && outcome.refused, []);
      const [mail] = arrived;
      assert.ok(mail);
      assert.deepEqual([...mail.envelopeTo].sort(), TO);
      assert.equal(mail.sha256, sha256(message));
    });

    for (const [what, fileBytes] of [
      ['just within one request of Graph', 2_180_000],
      ['just over it', 2_240_000],
      ['of a file that a single request takes, in a message that it does not', 2_900_000],
      ['of several pieces', 11 * MEBIBYTE + 7],
    ] as const) {
      it(`sends a message ${what} (${fileBytes} bytes in its file)`, async () => {
        const { message, file } = scan(provider, fileBytes);
        const { outcome, arrived } = await sendAndSee(message);
        assert.equal(outcome.outcome, 'sent', JSON.stringify(outcome));
        const [mail, ...more] = arrived;
        assert.ok(mail && more.length === 0);
        assert.deepEqual([...mail.envelopeTo].sort(), TO);
        const content = await api.contentOf(mail);
        assert.ok(fileIn(content).equals(file), 'the file is the same, byte for byte');
        const { headers, parts } = await readMessage(Readable.from([content]));
        assert.ok(headers.some(({ name, value }) => name === 'Message-ID' && value === '<scan-1@device.example>'));
        assert.ok(parts.some(({ text }) => text?.includes('A document.')));
        assert.equal(api.unfinished(), 0);
      });
    }

    it('sends one of 35 MB, holding little of it', async () => {
      const { message, file } = scan(provider, Math.floor(25.4 * MEBIBYTE));
      assert.ok(message.length > 34 * MEBIBYTE && message.length < 36_700_160, String(message.length));
      const { outcome, arrived } = await sendAndSee(message);
      assert.equal(outcome.outcome, 'sent', JSON.stringify(outcome));
      assert.ok(arrived[0] && fileIn(await api.contentOf(arrived[0])).equals(file));
    });

    it('puts those of the envelope alone into Bcc, which nobody sees', async () => {
      const { outcome, arrived } = await sendAndSee(small(provider, 'To: ann@a.example\r\nBcc: stale@old.example'));
      assert.equal(outcome.outcome, 'sent', JSON.stringify(outcome));
      assert.deepEqual([...(arrived[0]?.envelopeTo ?? [])].sort(), TO);
      const content = String(await api.contentOf(arrived[0] as never));
      assert.doesNotMatch(content, /bob@b\.example|stale@old\.example/);
    });

    it('never serves those of the header who are not of the envelope, and still shows them', async () => {
      const header = 'To: "Ann, A." <ann@a.example>, Bob <bob@b.example>\r\nCc: carl@c.example';
      for (const message of [small(provider, header), scan(provider, 4 * MEBIBYTE, header).message]) {
        const { outcome, arrived } = await sendAndSee(message, { to: ['ann@a.example'] });
        assert.equal(outcome.outcome, 'sent', JSON.stringify(outcome));
        assert.deepEqual(arrived[0]?.envelopeTo, ['ann@a.example']);
        const content = String(await api.contentOf(arrived[0] as never));
        assert.match(content, /^To: "Ann, A\." <ann@a\.example>\r$/m);
        assert.match(content, /^X-Also-Addressed-To: bob@b\.example, carl@c\.example\r$/m);
        assert.doesNotMatch(content, /^Cc:/m);
      }
    });

    it('waits for another token where this one has run out', async () => {
      const { outcome, arrived } = await sendAndSee(small(provider), { token: TOKENS.expired });
      assert.deepEqual(kindOf(outcome), ['held', 'mail_server_refused_sign_in']);
      assert.ok(outcome.outcome === 'held' && outcome.newTokenMayHelp);
      assert.equal(arrived.length, 0);
    });

    it('never repeats the token', async () => {
      for (const place of ['sendMail', 'begin']) {
        const body = { error: { code: 'BadRequest', message: `bad header Bearer ${TOKENS.good} ${'x'.repeat(80)}` } };
        api.setFault(place, { kind: 'reply', status: 400, body });
      }
      const outcome = await send(small(provider));
      assert.doesNotMatch(outcome.response, /made-up|xxxxx/);
    });

    it('comes back when it is told to', async () => {
      for (const place of ['sendMail', 'begin']) {
        api.setFault(place, { kind: 'reply', status: 429, headers: { 'retry-after': '77' }, body: '' });
      }
      const outcome = await send(small(provider));
      assert.deepEqual(kindOf(outcome), ['deferred', 'mail_server_unavailable']);
      assert.ok(outcome.outcome === 'deferred' && outcome.mailboxWide);
      assert.equal(outcome.retryAfterSeconds, 77);
    });

    it('sends to nobody when an address is not one plain address, or there is none', async () => {
      for (const to of [['ann@a.example\r\nBcc: evil@e.example'], ['ann@a.example, evil@e.example'], []]) {
        const { outcome, arrived } = await sendAndSee(small(provider), { to });
        assert.deepEqual(kindOf(outcome), ['failed', 'invalid_recipient']);
        assert.ok(isWithoutContact(outcome));
        assert.equal(arrived.length, 0);
      }
    });

    it('delivers nothing when the content breaks off, and tries again later', async () => {
      for (const message of [small(provider), scan(provider, 8 * MEBIBYTE).message]) {
        const content = Readable.from(
          (async function* () {
            yield message.subarray(0, message.length - 10);
            throw new Error('the disk is gone');
          })(),
        );
        const { outcome, arrived } = await sendAndSee(message, { content });
        assert.deepEqual(kindOf(outcome), ['deferred', 'internal']);
        assert.equal(arrived.length, 0);
      }
    });

    it('takes a port where nobody listens for a fault of the whole way', async () => {
      const closed = await startApi(provider);
      await closed.close();
      const transport = providerApiTransport({ urlFor: () => closed.url });
      const opened = await transport.open({ provider, address: API_USER[provider], accessToken: TOKENS.good });
      assert.ok(opened.ok);
      const content = streamOf(small(provider));
      const envelope = { from: API_USER[provider], to: TO };
      const outcome = await opened.value.send({ envelope, content, sizeBytes: 100, eightBit: false });
      assert.deepEqual(kindOf(outcome), ['deferred', 'mail_server_unavailable']);
      assert.ok(outcome.outcome === 'deferred' && outcome.mailboxWide);
      assert.match(outcome.response, /ECONNREFUSED/);
    });

    if (provider === 'microsoft') {
      const LARGE = () => scan('microsoft', 8 * MEBIBYTE).message;

      it('says so where a sender is not the mailbox', async () => {
        for (const message of [small(provider), LARGE()]) {
          const foreign = Buffer.from(message.toString('latin1').replace('From: scan@', 'From: boss@'), 'latin1');
          const { outcome, arrived } = await sendAndSee(foreign);
          assert.deepEqual(kindOf(outcome), ['failed', 'sender_not_allowed']);
          assert.match(outcome.response, /^403 ErrorSendAsDenied .*\(request /);
          assert.ok(!isWithoutContact(outcome));
          assert.equal(arrived.length, 0);
          assert.equal(api.unfinished(), 0, 'no draft is left');
        }
      });

      it('needs to be allowed to write drafts for what is large, and for nothing else', async () => {
        assert.equal((await send(small(provider), { token: TOKENS.sendOnly })).outcome, 'sent');
        assert.deepEqual(kindOf(await send(LARGE(), { token: TOKENS.sendOnly })), ['held', 'scope_not_granted']);
      });

      it('counts 202 alone as sent', async () => {
        api.setFault('sendMail', { kind: 'reply', status: 200, body: '' });
        assert.deepEqual((await send(small(provider))).outcome, 'unknown');
      });

      it('counts a refused recipient as a failure of the whole', async () => {
        const body = { error: { code: 'ErrorInvalidRecipients', message: 'At least one recipient is not valid.' } };
        api.setFault('sendMail', { kind: 'reply', status: 400, body });
        assert.deepEqual(kindOf(await send(small(provider))), ['failed', 'invalid_recipient']);
      });

      it('says that it may have been sent where the reply to it is lost, and only there', async () => {
        api.setFault('sendMail', { kind: 'lose_reply' });
        const lost = await sendAndSee(small(provider));
        assert.deepEqual([lost.outcome.outcome, lost.arrived.length], ['unknown', 1]);
        api.setFault('sendMail', { kind: 'cut', afterBytes: 100_000 });
        const cut = await sendAndSee(scan(provider, 2_000_000).message);
        assert.ok(['unknown', 'deferred'].includes(cut.outcome.outcome));
        assert.equal(cut.arrived.length, 0);
      });

      it('hangs up on a server that never answers, and does not know', async () => {
        api.setFault('sendMail', { kind: 'hang' });
        assert.equal((await send(small(provider))).outcome, 'unknown');
      });

      for (const place of ['create', 'session'] as const) {
        for (const kind of ['reset', 'lose_reply', 'hang'] as const) {
          it(`tries later where the connection fails (${kind}) at ${place}, and sends once then`, async () => {
            const message = LARGE();
            api.setFault(place, { kind });
            const { outcome, arrived } = await sendAndSee(message);
            assert.deepEqual(kindOf(outcome), ['deferred', 'mail_server_unavailable']);
            assert.equal(arrived.length, 0);
            const again = await sendAndSee(message);
            assert.deepEqual([again.outcome.outcome, again.arrived.length], ['sent', 1]);
            assert.equal(api.unfinished(), 0, 'drafts whose making was not heard of are deleted as well');
          });
        }
      }

      for (const fault of [
        { kind: 'reset' },
        { kind: 'lose_reply' },
        { kind: 'cut', afterBytes: 1_000_000 },
        { kind: 'reply', status: 502, body: '' },
      ] as const) {
        it(`goes on where the upload of a file broke off (${fault.kind})`, async () => {
          const { message, file } = scan('microsoft', 8 * MEBIBYTE);
          api.setFault('piece', fault);
          const { outcome, arrived } = await sendAndSee(message);
          assert.deepEqual([outcome.outcome, arrived.length], ['sent', 1], JSON.stringify(outcome));
          assert.ok(fileIn(await api.contentOf(arrived[0] as never)).equals(file));
        });
      }

      it('gives up on an upload that breaks again and again, and deletes the draft', async () => {
        api.setFault('piece', { kind: 'reset' }, 'always');
        const { outcome, arrived } = await sendAndSee(LARGE());
        assert.deepEqual(kindOf(outcome), ['deferred', 'mail_server_unavailable']);
        assert.deepEqual([arrived.length, api.unfinished()], [0, 0]);
      });

      it('asks what became of a draft whose sending was not heard of', async () => {
        api.setFault('send', { kind: 'lose_reply' });
        const { outcome, arrived } = await sendAndSee(LARGE());
        assert.deepEqual([outcome.outcome, arrived.length], ['sent', 1]);
      });

      it('says that it does not know where that is not to be heard either, or it is a draft still', async () => {
        api.setFault('send', { kind: 'lose_reply' });
        api.setFault('get', { kind: 'reset' });
        assert.equal((await send(LARGE())).outcome, 'unknown');
        api.setFault('send', { kind: 'reset' });
        const { outcome, arrived } = await sendAndSee(LARGE());
        assert.deepEqual([outcome.outcome, arrived.length], ['unknown', 0]);
      });

      for (const status of [500, 502, 503]) {
        const failed = { kind: 'reply', status, body: '' } as const;

        it(`asks what became of a draft whose sending ended with ${status}, and never deletes what was sent`, async () => {
          api.setFault('send', failed);
          api.setFault('get', { kind: 'reply', status: 200, body: { id: 'x', isDraft: false } });
          assert.equal((await send(LARGE())).outcome, 'sent');
          assert.equal(api.counters().delete ?? 0, 0);
        });

        it(`deletes it where it is a draft still after ${status}, and sends it later`, async () => {
          const message = LARGE();
          api.setFault('send', failed);
          const { outcome, arrived } = await sendAndSee(message);
          assert.deepEqual(kindOf(outcome), ['deferred', 'mail_server_unavailable']);
          assert.deepEqual([arrived.length, api.unfinished()], [0, 0]);
          assert.equal((await sendAndSee(message)).arrived.length, 1);
        });

        it(`says that it does not know where that cannot be asked after ${status}, and deletes nothing`, async () => {
          for (const silence of [{ kind: 'reset' }, { kind: 'reply', status: 404, body: '' }] as const) {
            api.setFault('send', failed);
            api.setFault('get', silence);
            const left = api.unfinished();
            const { message } = scan('microsoft', 4 * MEBIBYTE);
            const other = Buffer.from(message.toString('latin1').replace('<scan-1@', `<${silence.kind}@`), 'latin1');
            assert.equal((await send(other)).outcome, 'unknown');
            assert.equal(api.unfinished(), left + 1);
          }
          assert.equal(api.counters().delete ?? 0, 0);
        });
      }

      it('deletes the draft of an attempt that took longer than the deletion may', async () => {
        api.setFault('create', { kind: 'lose_reply' });
        await send(LARGE());
        assert.equal(api.unfinished(), 1, 'one is left of an earlier try');
        const tidyingLimits = { requestMs: 1000, overallMs: 1000 };
        const opened = await graphTransport({ url: api.url, tidyingLimits }).open({
          provider,
          address: API_USER[provider],
          accessToken: TOKENS.good,
        });
        assert.ok(opened.ok);
        api.setFault('session', { kind: 'delay', milliseconds: 1500 });
        api.setFault('piece', { kind: 'reply', status: 403, body: '' });
        const message = LARGE();
        const content = streamOf(message);
        const envelope = { from: API_USER[provider], to: TO };
        const outcome = await opened.value.send({ envelope, content, sizeBytes: message.length, eightBit: false });
        assert.equal(outcome.outcome, 'held');
        assert.equal(api.unfinished(), 0);
      });

      it('fails a message whose header has grown too long to be taken apart', async () => {
        const to = Array.from({ length: 6000 }, (_, index) => `somebody-with-a-rather-long-address-${index}@a.example`);
        const { outcome, arrived } = await sendAndSee(LARGE(), { to });
        assert.deepEqual(kindOf(outcome), ['failed', 'mail_server_refused_message']);
        assert.match(outcome.response, /^The header is larger than /);
        assert.ok(isWithoutContact(outcome));
        assert.equal(arrived.length, 0);
      });

      it('sets the Message-ID of a draft that was given another', async () => {
        const { message } = scan('microsoft', 4 * MEBIBYTE);
        const body = { id: 'x', internetMessageId: '<other@exchange.example>' };
        api.setFault('create', { kind: 'reply', status: 201, body });
        const before = api.counters().update ?? 0;
        await send(message);
        assert.equal(api.counters().update, before + 1);
      });

      it('refuses what is signed and too large to be taken apart', async () => {
        const { message } = scan('microsoft', 4 * MEBIBYTE);
        const signed = Buffer.from(
          message
            .toString('latin1')
            .replace('multipart/mixed;', 'multipart/signed; micalg=sha-256; protocol="application/pkcs7-signature";'),
          'latin1',
        );
        const { outcome, arrived } = await sendAndSee(signed);
        assert.deepEqual(kindOf(outcome), ['failed', 'message_too_large']);
        assert.match(outcome.response, /3 MB/);
        assert.ok(isWithoutContact(outcome));
        assert.equal(arrived.length, 0);
      });

      it('hears that 30 messages a minute are enough', async () => {
        const session = await providerApiTransport({ urlFor: () => api.url }).open({
          provider,
          address: API_USER[provider],
          accessToken: TOKENS.good,
        });
        assert.ok(session.ok);
        const outcomes: AttemptOutcome[] = [];
        for (let count = 0; count < 31; count++) {
          const envelope = { from: API_USER[provider], to: TO };
          outcomes.push(
            await session.value.send({ envelope, content: streamOf(small(provider)), sizeBytes: 100, eightBit: false }),
          );
        }
        const last = outcomes.pop();
        assert.ok(outcomes.every(({ outcome }) => outcome === 'sent'));
        assert.ok(last?.outcome === 'deferred' && last.mailboxWide && (last.retryAfterSeconds ?? 0) > 0);
      });
    } else {
      it('knows before it starts that a message is too large', async () => {
        const before = api.counters().begin ?? 0;
        const outcome = await send(small(provider), { sizeBytes: 36_700_161 });
        assert.deepEqual(kindOf(outcome), ['failed', 'message_too_large']);
        assert.ok(isWithoutContact(outcome));
        assert.equal(api.counters().begin ?? 0, before);
      });

      it('hears it where the message grows on its way', async () => {
        const { outcome, arrived } = await sendAndSee(scan(provider, 27 * MEBIBYTE).message, { sizeBytes: 1000 });
        assert.deepEqual([kindOf(outcome), arrived.length], [['failed', 'message_too_large'], 0]);
        assert.ok(!isWithoutContact(outcome), 'the API said so');
      });

      for (const place of ['piece', 'last-piece'] as const) {
        for (const fault of [
          { kind: 'reset' },
          { kind: 'lose_reply' },
          { kind: 'cut', afterBytes: 600_000 },
          { kind: 'reply', status: 500, body: '' },
        ] as const) {
          it(`goes on where the upload broke off (${fault.kind}) at a ${place}, and sends once`, async () => {
            const { message, file } = scan(provider, 8 * MEBIBYTE);
            api.setFault(place, fault);
            const { outcome, arrived } = await sendAndSee(message);
            assert.deepEqual([outcome.outcome, arrived.length], ['sent', 1], JSON.stringify(outcome));
            assert.ok(fileIn(await api.contentOf(arrived[0] as never)).equals(file));
          });
        }
      }

      it('says that it may have been sent where nothing more is to be heard after the last piece', async () => {
        api.setFault('last-piece', { kind: 'lose_reply' });
        api.setFault('state', { kind: 'reset' }, 'always');
        const { outcome, arrived } = await sendAndSee(small(provider));
        assert.deepEqual([outcome.outcome, arrived.length], ['unknown', 1]);
      });

      it('says so as well where the server itself had no better answer to the last piece', async () => {
        api.setFault('last-piece', { kind: 'reply', status: 500, body: '' });
        api.setFault('state', { kind: 'reply', status: 404, body: '' });
        assert.equal((await send(small(provider))).outcome, 'unknown');
      });

      it('knows that nothing was sent where a message was never whole', async () => {
        api.setFault('piece', { kind: 'reset' }, 'always');
        api.setFault('state', { kind: 'reset' }, 'always');
        const { outcome, arrived } = await sendAndSee(scan(provider, 8 * MEBIBYTE).message);
        assert.deepEqual([kindOf(outcome), arrived.length], [['deferred', 'mail_server_unavailable'], 0]);
      });

      it('gives up on an upload that breaks again and again', async () => {
        api.setFault('piece', { kind: 'reset' }, 'always');
        const { outcome, arrived } = await sendAndSee(scan(provider, 8 * MEBIBYTE).message);
        assert.deepEqual([kindOf(outcome), arrived.length], [['deferred', 'mail_server_unavailable'], 0]);
      });

      it('waits for a spent limit until the time that Gmail names', async () => {
        const until = new Date(Date.now() + 7_200_000).toISOString();
        const message = `User-rate limit exceeded.  Retry after ${until} (Mail sending)`;
        const body = { error: { code: 429, message, errors: [{ reason: 'rateLimitExceeded', message }] } };
        api.setFault('last-piece', { kind: 'reply', status: 429, body });
        const outcome = await send(small(provider));
        assert.deepEqual(kindOf(outcome), ['deferred', 'sending_limit_reached']);
        assert.ok(outcome.outcome === 'deferred' && outcome.mailboxWide);
        assert.ok(Math.abs((outcome.retryAfterSeconds ?? 0) - 7200) < 10);
      });
    }
  });
}
