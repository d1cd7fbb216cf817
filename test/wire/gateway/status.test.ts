import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { makeMetrics } from '../../../gateway/metrics.ts';
import { statusApp } from '../../../gateway/status/app.ts';
import { type StatusServerOptions, startStatusServer } from '../../../gateway/status/server.ts';
import type { Actions, GatewayStatus } from '../../../gateway/status/status.ts';
import { openCertificates } from '../../../gateway/tls/certificates.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom } from '../../../shared/adapters/system/system-random.ts';
import { ok } from '../../../shared/domain/result.ts';
import { manualClock } from '../../fakes/manual-clock.ts';
import { memoryLog } from '../../fakes/memory-log.ts';

const PASSWORD = 'a password that was made up';
const ADMIN = { Authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}` };
const DAY_MS = 86_400_000;

/** A gateway that can be made to fail, with its status page on a port of its own. */
const start = async (tls?: StatusServerOptions['tls']) => {
  const state = { isWritable: true, isAccepting: true };
  const done: string[] = [];
  const note = async (id: string) => {
    done.push(id);
    return ok(undefined);
  };
  const actions: Actions = { resend: note, remove: note, tryNow: note };
  const status: GatewayStatus = {
    about: () => ({ name: 'gateway', version: '0', startedAt: 0, way: 'relay', brokerUrl: 'https://broker.example' }),
    broker: () => ({ state: 'unknown' }),
    listeners: () => [
      { name: 'smtp-25', protocol: 'smtp', host: '::', port: 25, security: 'plain', isAccepting: state.isAccepting },
    ],
    certificate: () => ({ notAfter: 0, fingerprint: '', authority: undefined }),
    totals: () => ({ messages: {}, bytes: 0, oldestAcceptedAt: undefined }),
    queue: () => [],
    errors: () => [],
    devices: () => [],
    spool: async () =>
      state.isWritable ? { isWritable: true, freeBytes: 1 } : { isWritable: false, freeBytes: 0, reason: 'ENOSPC' },
  };
  const log = memoryLog();
  const app = statusApp({
    status,
    actions,
    metrics: makeMetrics(),
    password: PASSWORD,
    open: false,
    names: [],
    clock: systemClock,
    random: systemRandom,
    log,
  });
  const server = await startStatusServer({ host: '127.0.0.1', port: 0, app, tls });
  return {
    ...server,
    state,
    done,
    log,
    app,
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: server.close,
  };
};

/** What the server says to these very bytes, until it hangs up. */
const say = async (port: number, bytes: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    heard += chunk;
  });
  socket.on('error', () => undefined); // a reset says as much as an end
  socket.end(bytes);
  await once(socket, 'close');
  return heard;
};

describe('the status page on the network', () => {
  it('asks for the password, and answers who gives it', async () => {
    await using gateway = await start();
    const refused = await fetch(gateway.url);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic /);
    const shown = await fetch(gateway.url, { headers: ADMIN });
    assert.equal(shown.status, 200);
    assert.match(await shown.text(), /<h1>Gateway gateway<\/h1>/);
    assert.equal((await fetch(`${gateway.url}/style.css`)).headers.get('content-type'), 'text/css; charset=utf-8');
  });

  it('does what a form of its own asks, once, and leads back to the page', async () => {
    await using gateway = await start();
    const page = await (await fetch(`${gateway.url}/messages/sub_1/remove`, { headers: ADMIN })).text();
    const token = /name="form_token" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const send = (headers: Record<string, string>) =>
      fetch(`${gateway.url}/messages/sub_1/remove`, {
        method: 'POST',
        headers: { ...ADMIN, ...headers },
        body: new URLSearchParams({ form_token: token }),
        redirect: 'manual',
      });
    assert.equal((await send({ Origin: 'http://attacker.example' })).status, 403);
    assert.deepEqual(gateway.done, []);
    const reply = await send({ Origin: gateway.url });
    assert.equal(reply.status, 303);
    assert.equal(reply.headers.get('location'), '/?done=removed');
    assert.deepEqual(gateway.done, ['sub_1']);
    const line = gateway.log.of('status.removed')[0]?.fields;
    assert.equal(line?.address, '127.0.0.1');
  });

  it('says by its health that the gateway is well, falls ill, and is well again', async () => {
    await using gateway = await start();
    const health = async () => (await fetch(`${gateway.url}/health`)).status;
    assert.equal(await health(), 200);
    gateway.state.isWritable = false;
    assert.equal(await health(), 503);
    gateway.state.isWritable = true;
    gateway.state.isAccepting = false;
    assert.equal(await health(), 503);
    gateway.state.isAccepting = true;
    assert.equal(await health(), 200);
    assert.equal((await fetch(`${gateway.url}/health`, { method: 'HEAD' })).status, 200);
  });

  it('refuses what is too large, or no HTTP, and goes on', async () => {
    await using gateway = await start();
    const large = `GET / HTTP/1.1\r\nHost: gateway\r\nX-Filler: ${'a'.repeat(20_000)}\r\n\r\n`;
    assert.match(await say(gateway.port, large), /^HTTP\/1\.1 431 /);
    assert.match(await say(gateway.port, 'EHLO printer\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(
      await say(gateway.port, 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 400 /,
    );
    assert.match(await say(gateway.port, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 40[01] /);
    const body = 'x'.repeat(70_000);
    const post = await fetch(`${gateway.url}/mailboxes/mbx_1/try`, { method: 'POST', headers: ADMIN, body });
    assert.equal(post.status, 413);
    assert.equal((await fetch(`${gateway.url}/health`)).status, 200);
    assert.deepEqual(gateway.done, []);
  });

  it('says in words that its port is taken', async () => {
    await using gateway = await start();
    const again = startStatusServer({ host: '127.0.0.1', port: gateway.port, app: gateway.app });
    await assert.rejects(again, { name: 'ConfigError', message: /it is taken; choose another/ });
  });

  it('closes though a browser keeps its connection, and one never finishes its request', {
    timeout: 20_000,
  }, async () => {
    const gateway = await start();
    const idle = connect(gateway.port, '127.0.0.1');
    const slow = connect(gateway.port, '127.0.0.1');
    for (const socket of [idle, slow]) socket.on('error', () => undefined); // they are cut off
    await Promise.all([once(idle, 'connect'), once(slow, 'connect')]);
    idle.write('GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n');
    slow.write('GET /health HTTP/1.1\r\nHost: gate');
    await once(idle, 'data');
    const ended = Promise.all([once(idle, 'close'), once(slow, 'close')]);
    idle.resume();
    slow.resume();
    await gateway.close();
    await ended;
  });

  it('is served by TLS with the certificate of the moment, also after that is renewed', async () => {
    const folder = mkdtempSync(`${tmpdir()}/gateway-status-`);
    const clock = manualClock(Date.now() - 300 * DAY_MS);
    const certificates = await openCertificates({ folder, names: ['localhost'], clock, log: memoryLog() });
    try {
      await using gateway = await start({ certificates, profile: 'compatible' });
      const visit = async (): Promise<string> => {
        const asked = httpsRequest({
          host: '127.0.0.1',
          servername: 'localhost',
          port: gateway.port,
          path: '/health',
          ca: certificates.current().authority?.certificate,
          agent: false,
        }).end();
        const [response] = await once(asked, 'response');
        const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume();
        assert.equal(response.statusCode, 200);
        return fingerprint256;
      };
      const former = certificates.current().fingerprint;
      assert.equal(await visit(), former);
      await clock.advance(300 * DAY_MS);
      await certificates.reload();
      const renewed = await visit();
      assert.equal(renewed, certificates.current().fingerprint);
      assert.notEqual(renewed, former);
    } finally {
      certificates.close();
      rmSync(folder, { recursive: true });
    }
  });
});
