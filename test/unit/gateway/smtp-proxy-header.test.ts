import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ProxyHeader, readVersion2, trustedProxies } from '../../../gateway/smtp/proxy-header.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

const header = (command: number, family: number, rest: Uint8Array): Buffer =>
  Buffer.concat([SIGNATURE, Buffer.from([command, family, rest.length >> 8, rest.length & 255]), rest]);

const OVER_IPV4 = Buffer.from('c0000207cb0071090fa00019', 'hex');

/** What is read of bytes that come in these pieces, and what is left for the session. */
const read = async (...pieces: readonly Uint8Array[]): Promise<readonly [ProxyHeader, string]> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const accepted = once(server, 'connection');
  const client = connect({ port: address.port, host: '127.0.0.1', noDelay: true });
  const [socket]: Socket[] = await accepted;
  assert.ok(socket);
  const result = readVersion2(socket);
  for (const piece of pieces) {
    client.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  client.end();
  const found = await result;
  const left: unknown = socket.read();
  socket.destroy();
  server.close();
  return [found, left instanceof Buffer ? left.toString('latin1') : ''];
};

describe('the header of the PROXY protocol, version 2', () => {
  it('tells whom the load balancer speaks for, and takes nothing of what follows', async () => {
    const bytes = Buffer.concat([header(0x21, 0x11, OVER_IPV4), Buffer.from('EHLO x\r\n')]);
    assert.deepEqual(await read(bytes), [{ kind: 'client', address: '192.0.2.7', port: 4000 }, 'EHLO x\r\n']);
  });

  it('is read in pieces, with what load balancers add to it', async () => {
    const bytes = header(0x21, 0x11, Buffer.concat([OVER_IPV4, Buffer.from('ea000401020304', 'hex')]));
    const pieces = [bytes.subarray(0, 5), bytes.subarray(5, 20), bytes.subarray(20)];
    assert.deepEqual(await read(...pieces), [{ kind: 'client', address: '192.0.2.7', port: 4000 }, '']);
  });

  it('knows IPv6, and IPv4 within it as itself', async () => {
    const rest = (source: string): Buffer =>
      Buffer.from(`${source}20010db8000000000000000000000002${'0fa00019'}`, 'hex');
    const [found] = await read(header(0x21, 0x21, rest('20010db8000000000000000000000001')));
    assert.deepEqual(found, { kind: 'client', address: '2001:db8::1', port: 4000 });
    const [mapped] = await read(header(0x21, 0x21, rest('00000000000000000000ffffc0000207')));
    assert.deepEqual(mapped, { kind: 'client', address: '192.0.2.7', port: 4000 });
  });

  it('may say that the load balancer itself asks', async () => {
    assert.deepEqual(await read(header(0x20, 0x00, Buffer.alloc(0))), [{ kind: 'itself' }, '']);
  });

  it('is refused where it is anything else', async () => {
    const altered = header(0x21, 0x11, OVER_IPV4);
    altered[3] = 0x0b;
    const bad = [
      altered,
      header(0x22, 0x11, OVER_IPV4),
      header(0x21, 0x11, OVER_IPV4.subarray(0, 8)),
      header(0x21, 0x31, OVER_IPV4),
      header(0x21, 0x11, OVER_IPV4).subarray(0, 18),
      header(0x21, 0x11, Buffer.alloc(2000)),
      SIGNATURE,
    ];
    for (const bytes of bad) assert.deepEqual((await read(bytes))[0], { kind: 'invalid' }, bytes.toString('hex'));
  });

  it('ends for any bytes', async () => {
    const any = fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 60 }));
    const holds = async ([isSigned, bytes]: [boolean, Uint8Array]): Promise<void> => {
      await read(isSigned ? Buffer.concat([SIGNATURE, bytes]) : bytes);
    };
    await fc.assert(fc.asyncProperty(any, holds), { numRuns: 50 });
  });
});

describe('the load balancers that are trusted', () => {
  it('are addresses and networks, of both versions', () => {
    const isTrusted = trustedProxies(['192.0.2.7', '10.1.0.0/16', '2001:db8::/64']);
    for (const address of ['192.0.2.7', '10.1.255.1', '2001:db8::9']) assert.ok(isTrusted(address), address);
    for (const address of ['192.0.2.8', '10.2.0.1', '2001:db8:1::9', '', 'x']) assert.ok(!isTrusted(address), address);
  });

  it('must be addresses or networks', () => {
    for (const entry of ['gateway.example', '10.0.0.0/40', '10.0.0.0/x', '']) {
      assert.throws(() => trustedProxies([entry]), entry);
    }
  });
});
