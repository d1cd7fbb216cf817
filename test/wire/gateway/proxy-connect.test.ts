import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { connectThrough } from '../../../gateway/proxy/connect-through.ts';
import { isDirect } from '../../../gateway/proxy/no-proxy.ts';
import { testCertificate } from '../../fakes/certificate.ts';

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const listening = (server: Server): Promise<void> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()));

describe('the way out through a proxy', () => {
  const asked: (readonly [string, string | undefined])[] = [];
  const sockets = new Set<Duplex>();
  let target: Server;
  let proxy: Server;
  let secureProxy: Server;
  let answer: string | undefined;

  const serve = (request: IncomingMessage, socket: Duplex): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    asked.push([request.url ?? '', request.headers['proxy-authorization']]);
    if (answer === 'silence') return;
    if (answer !== undefined) return void socket.end(answer);
    const onward = connect(portOf(target), '127.0.0.1');
    // The first words of the server along with the answer of the proxy.
    onward.once('data', (greeting: Buffer) => {
      socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n'), greeting]));
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
  };

  before(async () => {
    target = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('hello ');
      socket.pipe(socket);
    });
    proxy = createServer().on('connect', serve);
    secureProxy = createSecureServer(await testCertificate()).on('connect', serve);
    for (const server of [target, proxy, secureProxy]) await listening(server);
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of [target, proxy, secureProxy]) server.close();
  });

  const talk = async (socket: Socket): Promise<string> => {
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    socket.end('and back');
    await once(socket, 'close');
    return heard;
  };

  it('asks it for the place by name, and loses nothing that comes with its answer', async () => {
    answer = undefined;
    const socket = await connectThrough(`http://127.0.0.1:${portOf(proxy)}`)('pop.contoso.example', 995);
    assert.equal(await talk(socket), 'hello and back');
    assert.deepEqual(asked.splice(0), [['pop.contoso.example:995', undefined]]);
  });

  it('names an IPv6 address in brackets', async () => {
    await talk(await connectThrough(`http://127.0.0.1:${portOf(proxy)}`)('2001:db8::1', 995));
    assert.deepEqual(asked.splice(0), [['[2001:db8::1]:995', undefined]]);
  });

  it('shows user and password as they are typed', async () => {
    const url = `http://office:p%40ss%3Aword@127.0.0.1:${portOf(proxy)}`;
    await talk(await connectThrough(url)('pop.contoso.example', 995));
    const basic = `Basic ${Buffer.from('office:p@ss:word').toString('base64')}`;
    assert.deepEqual(asked.splice(0), [['pop.contoso.example:995', basic]]);
  });

  it('does not talk to a proxy whose certificate nobody knows', async () => {
    const through = connectThrough(`https://127.0.0.1:${portOf(secureProxy)}`);
    await assert.rejects(through('pop.contoso.example', 995), { code: 'PROXY_UNREACHABLE', message: /certificate/i });
    assert.deepEqual(asked, []);
  });

  it('goes straight where it may, and where there is no proxy', async () => {
    const url = `http://127.0.0.1:${portOf(proxy)}`;
    for (const through of [connectThrough(undefined), connectThrough(''), connectThrough(url)])
      assert.equal(await talk(await through('127.0.0.1', portOf(target))), 'hello and back');
    assert.deepEqual(asked, []);
  });

  const refusals: readonly (readonly [string, string, RegExp])[] = [
    ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'PROXY_WANTS_CREDENTIALS', /user and password/],
    ['HTTP/1.1 403 Forbidden\r\n\r\n', 'PROXY_REFUSED', /pop\.contoso\.example:995 \(status 403\)/],
    ['HTTP/1.1 502 Bad Gateway\r\n\r\n', 'PROXY_REFUSED', /status 502/],
    ['+OK I am no proxy\r\n', 'PROXY_UNREACHABLE', /cannot be reached/],
  ];
  for (const [said, code, message] of refusals) {
    it(`says who is in the way: ${said.trim()}`, async () => {
      answer = said;
      const through = connectThrough(`http://office:secret-word@127.0.0.1:${portOf(proxy)}`);
      await assert.rejects(through('pop.contoso.example', 995), (error: Error & { code?: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret-word/);
        return true;
      });
      asked.splice(0);
    });
  }

  it('says that the proxy is not there', async () => {
    await assert.rejects(connectThrough('http://127.0.0.1:1')('pop.contoso.example', 995), {
      code: 'PROXY_UNREACHABLE',
    });
  });

  it('gives up when it is told to, and not after that', async () => {
    answer = 'silence';
    const through = connectThrough(`http://127.0.0.1:${portOf(proxy)}`);
    await assert.rejects(through('pop.contoso.example', 995, AbortSignal.timeout(50)), { name: 'TimeoutError' });
    await assert.rejects(through('pop.contoso.example', 995, AbortSignal.abort(new Error('gone'))), /gone/);
    answer = undefined;
    for (const one of [through, connectThrough(undefined)]) {
      const stop = new AbortController();
      const [host, port] =
        one === through ? (['pop.contoso.example', 995] as const) : (['127.0.0.1', portOf(target)] as const);
      const socket = await one(host, port, stop.signal);
      stop.abort();
      assert.equal(await talk(socket), 'hello and back');
    }
  });
});

describe('NO_PROXY', () => {
  const cases: readonly (readonly [noProxy: string, host: string, port: number, direct: boolean])[] = [
    ['', 'pop.contoso.example', 995, false],
    ['', 'localhost', 995, true],
    ['', '127.3.2.1', 995, true],
    ['', '::1', 995, true],
    ['*', 'pop.contoso.example', 995, true],
    ['contoso.example', 'contoso.example', 995, true],
    ['contoso.example', 'POP.Contoso.example.', 995, true],
    ['.contoso.example', 'pop.contoso.example', 995, true],
    ['*.contoso.example', 'pop.contoso.example', 995, true],
    ['contoso.example', 'mycontoso.example', 995, false],
    ['other.example, contoso.example', 'pop.contoso.example', 995, true],
    ['other.example contoso.example', 'pop.contoso.example', 995, true],
    ['contoso.example:995', 'pop.contoso.example', 995, true],
    ['contoso.example:110', 'pop.contoso.example', 995, false],
    ['10.1.2.3', '10.1.2.3', 995, true],
    ['10.1.2.3', '10.1.2.30', 995, false],
    ['10.0.0.0/8', '10.1.2.3', 995, true],
    ['10.0.0.0/8', '11.1.2.3', 995, false],
    ['10.1.2.1-10.1.2.9', '10.1.2.5', 995, true],
    ['10.1.2.1-10.1.2.9', '10.1.2.10', 995, false],
    ['10.0.0.0/99', '10.1.2.3', 995, false],
    ['2001:db8::/32', '2001:db8::7', 995, true],
    ['[2001:db8::7]:995', '2001:db8::7', 995, true],
    ['[2001:db8::7]:110', '2001:db8::7', 995, false],
    ['my-host.example', 'my-host.example', 995, true],
  ];
  for (const [noProxy, host, port, direct] of cases) {
    it(`"${noProxy}" ${direct ? 'names' : 'does not name'} ${host}:${port}`, () => {
      assert.equal(isDirect(host, port, noProxy), direct);
    });
  }
});
