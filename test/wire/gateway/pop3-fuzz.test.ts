import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { startImapListener } from '../../../gateway/imap/listener.ts';
import { startPop3Listener } from '../../../gateway/pop3/listener.ts';
import { connectThrough } from '../../../gateway/proxy/connect-through.ts';
import type { ProxyListener } from '../../../gateway/proxy/options.ts';
import { tlsOptions } from '../../../gateway/tls/profiles.ts';
import type { MailServer } from '../../../shared/domain/provider.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import { countingMetrics, DEVICE, dial, fakeDevices, fakeTokens, proxyOptions } from '../../fakes/gateway-proxy.ts';
import { startPop3Model } from '../../fakes/pop3-model.ts';
import { startScriptedMailServer } from '../../fakes/scripted-mail-server.ts';
import { eventually } from '../support.ts';

const { user: USER, password: PASSWORD } = DEVICE;
const PLAIN = Buffer.from(`\0${USER}\0${PASSWORD}`).toString('base64');

const TALK = {
  pop3: [
    ['CAPA', 'STLS'],
    [`USER ${USER}`, `PASS ${PASSWORD}`, 'STAT', 'UIDL', 'RETR 1', 'DELE 1', 'LIST', 'QUIT'],
    ['AUTH PLAIN', PLAIN, 'TOP 2 0', 'RSET', 'NOOP', 'XTND XLST', 'QUIT'],
    [`AUTH LOGIN`, '*', `AUTH PLAIN ${PLAIN}`, 'UIDL 2', 'PASS again'],
  ],
  imap: [
    ['a1 CAPABILITY', 'a2 STARTTLS'],
    [`a1 LOGIN ${USER} "${PASSWORD}"`, 'a2 EXAMINE INBOX', 'a3 LOGOUT'],
    [`a1 LOGIN {${USER.length}+}`, `${USER} {${PASSWORD.length}}`, PASSWORD, 'a2 NOOP'],
    [`a1 AUTHENTICATE PLAIN ${PLAIN}`, 'a2 IDLE', 'DONE', 'a3 LOGOUT'],
    ['a1 ID ("name" "x")', 'a2 AUTHENTICATE LOGIN', '*', 'a3 NOOP'],
  ],
} as const;

/** What goes wrong on a line: bytes changed, lost, doubled, put in; and how the network cuts it. */
const mangled = (talks: readonly (readonly string[])[]): fc.Arbitrary<readonly Buffer[]> =>
  fc
    .record({
      talk: fc.constantFrom(...talks),
      end: fc.constantFrom('\r\n', '\n', '\r\n', '\r'),
      changes: fc.array(
        fc.record({
          at: fc.nat(),
          kind: fc.constantFrom('change', 'drop', 'double', 'put', 'cut_off'),
          byte: fc.nat(255),
        }),
        { maxLength: 4 },
      ),
      cuts: fc.array(fc.nat(), { maxLength: 4 }),
    })
    .map(({ talk, end, changes, cuts }) => {
      let bytes = Buffer.from(talk.map((line) => line + end).join(''), 'latin1');
      for (const { at, kind, byte } of changes) {
        const place = at % (bytes.length + 1);
        const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
        if (kind === 'change') bytes = Buffer.concat([head, Buffer.from([byte]), tail.subarray(1)]);
        if (kind === 'drop') bytes = Buffer.concat([head, tail.subarray(1)]);
        if (kind === 'double') bytes = Buffer.concat([head, tail.subarray(0, 8), tail]);
        if (kind === 'put') bytes = Buffer.concat([head, Buffer.alloc(1 + (byte % 5), byte), tail]);
        if (kind === 'cut_off') bytes = head;
      }
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
      return at.slice(1).map((to, index) => bytes.subarray(at[index], to));
    });

const noise = fc.array(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 5 },
);

for (const protocol of ['pop3', 'imap'] as const) {
  describe(`whatever comes in by ${protocol}`, () => {
    let certificate: TestCertificate;
    let listener: ProxyListener;
    let provider: { readonly port: number; open(): number; close(): Promise<void> };
    let options: ReturnType<typeof proxyOptions>;
    const { metrics, counts } = countingMetrics();
    const { devices: known } = fakeDevices();
    let connections = 0;
    let proven = 0;

    before(async () => {
      certificate = await testCertificate();
      provider =
        protocol === 'pop3'
          ? await startPop3Model({ certificate, asksToken: true })
          : await startScriptedMailServer({ protocol: 'imap', security: 'tls', certificate });
      const direct = connectThrough(undefined);
      const { token } = fakeTokens({ host: 'localhost', port: provider.port, security: 'tls' }, ['made-up-token']);
      options = proxyOptions(
        {
          token,
          ca: () => certificate.cert,
          metrics,
          devices: {
            async signIn(attempt) {
              const outcome = await known.signIn(attempt);
              if (outcome.ok) proven += 1;
              return outcome;
            },
          },
          connect: async ({ host, port }: MailServer): Promise<Socket> => {
            connections += 1;
            return direct(host, port);
          },
        },
        {
          security: 'starttls',
          tls: () => ({ key: certificate.key, cert: certificate.cert, ...tlsOptions('compatible') }),
          // A session that stays would soon be missed.
          connections: { overall: 4, perAddress: 4 },
          limits: { signInMs: 400, idleMs: 2_000, silenceMs: 300, hangUpMs: 5, openMs: 3_000 },
        },
      );
      listener = await (protocol === 'pop3' ? startPop3Listener : startImapListener)(options);
    });
    after(async () => {
      await listener.close(0);
      await provider.close();
    });

    const throwAt = async (pieces: readonly Buffer[], ends: 'closes' | 'waits' | 'resets'): Promise<void> => {
      const device = await dial(listener.port);
      device.socket.on('error', () => undefined);
      for (const piece of pieces) {
        device.socket.write(piece);
        await new Promise(setImmediate);
      }
      if (ends === 'resets') {
        device.socket.resetAndDestroy();
        return;
      }
      if (ends === 'closes') device.socket.end();
      const began = Date.now();
      await device.rest();
      device.socket.destroy();
      assert.ok(Date.now() - began < 8_000, 'the device was left hanging');
    };

    const assertSound = (): void => {
      assert.deepEqual(
        options.log.lines.filter(({ level }) => level === 'error'),
        [],
      );
      assert.ok(connections <= proven, 'the provider was reached without a sign-in');
      assert.equal(counts.turnedAway, 0, 'sessions are left over');
    };

    it('ends, and reaches the provider only after a sign-in: noise', async () => {
      await fc.assert(
        fc.asyncProperty(noise, fc.constantFrom('closes', 'resets'), async (pieces, ends) => {
          await throwAt(pieces, ends);
          assertSound();
        }),
        { numRuns: 150 },
      );
      assert.equal(proven, 0);
    });

    it('ends, and reaches the provider only after a sign-in: talks with faults', async () => {
      const ending = fc.constantFrom(
        'closes',
        'closes',
        'closes',
        'closes',
        'closes',
        'closes',
        'closes',
        'waits',
        'resets',
      );
      await fc.assert(
        fc.asyncProperty(mangled(TALK[protocol]), ending, async (pieces, ends) => {
          await throwAt(pieces, ends);
          assertSound();
        }),
        { numRuns: 250 },
      );
      assert.ok(proven > 10, `only ${proven} came through`);
      await eventually('nobody is left at the provider', () => (provider.open() === 0 ? true : undefined), 10_000);
    });
  });
}
