import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import fc from 'fast-check';
import { isTlsHello, offeredVersion } from '../../../gateway/smtp/client-hello.ts';
import { helloOf } from '../../fakes/tls-hello.ts';

const hellos: readonly (readonly [string, ConnectionOptions])[] = [
  ['TLSv1', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }],
  ['TLSv1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
  ['TLSv1.2', { maxVersion: 'TLSv1.2' }],
  ['TLSv1.3', {}],
  ['TLSv1.3', { minVersion: 'TLSv1.3' }],
];

describe('the hello of a TLS client', () => {
  for (const [version, options] of hellos) {
    it(`tells that it offers ${version} at the most, with ${JSON.stringify(options)}`, async () => {
      const hello = await helloOf(options);
      assert.ok(isTlsHello(hello));
      assert.equal(offeredVersion(hello), version);
    });
  }

  it('is told from every command of SMTP', () => {
    for (const text of ['EHLO x\r\n', '\r\n', 'PROXY TCP4', '\x16', '\x16\x03']) {
      assert.equal(isTlsHello(Buffer.from(text, 'latin1')), text.startsWith('\x16'), JSON.stringify(text));
    }
    assert.equal(isTlsHello('silence'), false);
    assert.equal(isTlsHello(Buffer.from('\x16\x04', 'latin1')), false);
  });

  it('may be cut off or altered anywhere', async () => {
    const hello = await helloOf({});
    const mutated = fc
      .tuple(fc.nat(hello.length), fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 20 }))
      .map(([length, changes]) => {
        const bytes = Buffer.from(hello);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes.subarray(0, length);
      });
    fc.assert(
      fc.property(mutated, (bytes) => {
        assert.match(offeredVersion(bytes) ?? 'none', /^(none|SSLv3|TLSv1(\.[123])?)$/);
      }),
      { numRuns: 3000 },
    );
  });
});
