import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { directCourier } from '../../../gateway/delivery/direct-courier.ts';
import { makeTokens } from '../../../gateway/delivery/tokens.ts';
import type { Spool } from '../../../gateway/spool/spool.ts';
import { SMTP_TIMEOUTS } from '../../../shared/adapters/nodemailer/nodemailer-transport.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import { ok } from '../../../shared/domain/result.ts';
import type { Submission } from '../../../shared/domain/submission.ts';
import type { GatewayLink } from '../../../shared/ports/gateway-link.ts';
import type { Courier } from '../../../shared/usecases/mail/courier.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import { type ScriptedLink, scriptedLink } from '../../fakes/gateway-link.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { type Says, type ScriptedServer, startScriptedMailServer } from '../../fakes/scripted-mail-server.ts';
import { failure, value } from '../support.ts';
import { mailboxNamed, open, put, scratchFolder, submissionNamed } from './spool-world.ts';

const NEW = true;

/** What never happens but for the signal. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });

describe('the courier straight to the provider', () => {
  let certificate: TestCertificate;
  let clock: ManualClock;
  let link: ScriptedLink;
  let spool: Spool;
  let server: ScriptedServer;
  let submission: Submission;
  let dialled: string[];
  let isProxyDead: boolean;
  let courier: Courier;

  before(async () => {
    certificate = await testCertificate();
  });

  const serve = async (says: Says = {}): Promise<void> => {
    await server?.close();
    server = await startScriptedMailServer({ protocol: 'smtp', security: 'starttls', certificate, says });
  };

  beforeEach(async (t) => {
    clock = manualClock(Date.now());
    link = scriptedLink(clock);
    spool = await open(await scratchFolder(t as Parameters<typeof scratchFolder>[0]), clock, memoryLog());
    submission = await put(spool, submissionNamed('sub_1', clock));
    dialled = [];
    isProxyDead = false;
    await serve();
    const tokens = makeTokens({ link, clock });
    /** The broker names the server that this test runs. */
    const token: GatewayLink['token'] = async (wish) => {
      const fetched = await tokens(wish);
      if (!fetched.ok) return fetched;
      return ok({ ...fetched.value, server: { host: '127.0.0.1', port: server.port, security: 'starttls' } });
    };
    courier = directCourier({
      token,
      blobs: spool.blobs,
      clock,
      ca: () => certificate.cert,
      connect: async (host, port, signal) => {
        assert.ok(signal);
        if (isProxyDead) await aborted(signal);
        dialled.push(`${host}:${port}`);
        return connectSocket(port, host);
      },
    })(mailboxNamed('mbx_1'));
  });
  afterEach(() => courier.close());
  after(() => server.close());

  const send = async (newToken = false) => value(await courier.prepare(submission, 'smtp', newToken)).send();
  /** The access tokens that were presented, in order. */
  const presented = () =>
    server.lines.flatMap((line) => {
      const [verb, , response = ''] = line.split(' ');
      if (verb !== 'AUTH') return [];
      return [/Bearer (\S+?)(?=\p{Cc})/u.exec(Buffer.from(response, 'base64').toString())?.[1]];
    });

  it('signs in with the token of the mailbox at the server that came with it, by the way out that it is given', async () => {
    assert.equal((await send()).outcome, 'sent');
    assert.deepEqual(presented(), ['token-1-of-mbx_1-for-smtp']);
    assert.deepEqual(dialled, [`127.0.0.1:${server.port}`]);
    assert.deepEqual(link.tokens, [{ mailboxId: 'mbx_1', audience: 'smtp', minTtlSeconds: 600 }]);
    assert.ok(server.lines.some((line) => line.startsWith('MAIL FROM:<scan@office.example>')));
    assert.ok(server.content.includes('See below.'));
  });

  it('keeps one connection for many messages, until its token is near its end', async () => {
    for (let count = 0; count < 5; count++) assert.equal((await send()).outcome, 'sent');
    assert.equal(server.connections(), 1);
    await clock.advance(3_001_000);
    assert.equal((await send()).outcome, 'sent');
    assert.equal(server.connections(), 2);
    assert.deepEqual(presented(), ['token-1-of-mbx_1-for-smtp', 'token-2-of-mbx_1-for-smtp']);
  });

  it('fetches another token, and connects anew, where another is wanted', async () => {
    await send();
    await send(NEW);
    assert.deepEqual(presented(), ['token-1-of-mbx_1-for-smtp', 'token-2-of-mbx_1-for-smtp']);
    assert.equal(server.connections(), 2);
  });

  it('sends with the token it has while the broker cannot be reached, and waits when that is over', async () => {
    await send();
    await courier.close();
    link.line = 'down';
    await clock.advance(3_540_000);
    assert.equal((await send()).outcome, 'sent');
    await courier.close();
    await clock.advance(1_000);
    const { outcome, ...why } = failure(await courier.prepare(submission, 'smtp', false));
    assert.equal(outcome, 'deferred');
    assert.ok('mailboxWide' in why && why.mailboxWide && why.reason === 'broker_unreachable');
  });

  it('waits for the broker, not for a person, where a token was refused and no other is to be had', async () => {
    await send();
    link.line = 'down';
    const { outcome } = failure(await courier.prepare(submission, 'smtp', NEW));
    assert.equal(outcome, 'deferred');
  });

  it('holds the mail where the broker says that the mailbox needs a person', async () => {
    link.refuse('token', brokerError('signed_out'));
    assert.deepEqual(failure(await courier.prepare(submission, 'smtp', false)), {
      outcome: 'held',
      reason: 'signed_out',
      response: 'signed_out',
    });
    assert.equal(server.connections(), 0);
  });

  it('waits where there is no way to the server', async () => {
    const { port } = server;
    await server.close();
    const error = failure(await courier.prepare(submission, 'smtp', false));
    assert.ok(error.outcome === 'deferred' && error.mailboxWide, `${port} ${JSON.stringify(error)}`);
    await serve();
  });

  it('waits, and does not hang, where a proxy takes the connection and says nothing', async (t) => {
    t.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
      assert.equal(milliseconds, SMTP_TIMEOUTS.openingMs);
      return AbortSignal.abort(new Error('It took too long.'));
    });
    isProxyDead = true;
    const error = failure(await courier.prepare(submission, 'smtp', false));
    assert.ok(error.outcome === 'deferred' && error.mailboxWide, JSON.stringify(error));
  });

  it('fails for a message whose content is gone', async () => {
    await rm(spool.contentPath('sub_1'));
    const error = failure(await courier.prepare(submission, 'smtp', false));
    assert.equal(error.outcome === 'failed' && error.withoutContact, true);
  });

  it('leaves no file open, whatever the server says', { skip: process.platform !== 'linux' }, async () => {
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await serve({ MAIL: ['250 OK', '550 5.7.1 Not as this sender'], DATA: '554 5.6.0 Not this' });
    await send();
    const files = openFiles();
    for (let time = 0; time < 8; time++) {
      await send();
      value(await courier.prepare(submission, 'smtp', false)).drop();
      value(await courier.prepare({ ...submission, senderRewritten: true }, 'smtp', false)).drop();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(openFiles() < files + 5, `${openFiles()} after ${files}`);
  });
});
