import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { SMTP_LIMITS } from '../../../gateway/smtp/options.ts';
import { startSmtpListener } from '../../../gateway/smtp/server.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import { countedMetrics, fakeDevices, fakeIntake } from '../../fakes/gateway.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { helloOf } from '../../fakes/tls-hello.ts';
import {
  assertServes,
  certificate,
  connectByTls,
  connectTo,
  converse,
  type RunningListener,
  SIGN_IN,
  type SmtpClient,
  until,
  withListener,
} from './smtp-client.ts';

const greeted = async ({ port }: RunningListener): Promise<SmtpClient> => {
  const client = await connectTo(port);
  await client.converse('S: 220 *');
  return client;
};

const signedIn = async (running: RunningListener): Promise<SmtpClient> => {
  const client = await greeted(running);
  await client.converse(`C: EHLO printer
    S: 250 *
    C: ${SIGN_IN}
    S: 235 *`);
  return client;
};

const inMail = `C: MAIL FROM:<scan@office.example>
  S: 250 *
  C: RCPT TO:<anna@customer.example>
  S: 250 *`;

const elapsedMs = async (step: () => Promise<unknown>): Promise<number> => {
  const startedAt = Date.now();
  await step();
  return Date.now() - startedAt;
};

describe('connections', () => {
  it('beyond the limit of an address are told to come back, and only those', () =>
    withListener({ limits: { connectionsPerAddress: 2 }, trustedProxies: ['127.0.0.1'] }, async (running) => {
      const from = async (address: string): Promise<SmtpClient> => {
        const client = await connectTo(running.port);
        await client.send(`PROXY TCP4 ${address} 192.0.2.1 4000 25\r\n`);
        return client;
      };
      const [a, b, c, other] = [
        await from('192.0.2.7'),
        await from('192.0.2.7'),
        await from('192.0.2.7'),
        await from('192.0.2.8'),
      ];
      await a.converse('S: 220 *');
      await b.converse('S: 220 *');
      await c.converse('S: 421 4.7.0 *\nS: -');
      await other.converse('S: 220 *');
      assert.equal(running.metrics.count('connection refused'), 1);
      assert.equal(running.log.of('smtp.connection_refused')[0]?.fields.address, '192.0.2.7');
      a.close();
      await until(() => a.socket.closed, 'it is gone');
      await new Promise((resolve) => setTimeout(resolve, 20));
      const next = await from('192.0.2.7');
      await next.converse('S: 220 *');
      for (const client of [b, other, next]) client.close();
    }));

  it('beyond the limit of the listener are told to come back, until somebody has gone', () =>
    withListener({ limits: { connections: 3 } }, async (running) => {
      const clients = [await greeted(running), await greeted(running), await greeted(running)];
      await converse(running.port, 'S: 421 4.7.0 *\nS: -');
      await clients[0]?.converse('C: QUIT\nS: 221 *\nS: -');
      await until(() => clients[0]?.socket.closed === true, 'it is gone');
      await new Promise((resolve) => setTimeout(resolve, 20));
      (await greeted(running)).close();
      for (const client of clients) client.close();
    }));

  it('are no longer counted once they are closed, however they went', () =>
    withListener({ limits: { connections: 4 }, recognizesTls: true }, async (running) => {
      const hello = await helloOf({});
      const ways: readonly (() => Promise<void>)[] = [
        async () => converse(running.port, 'S: 220 *'),
        async () => (await connectTo(running.port)).close(),
        async () => (await connectTo(running.port)).socket.resetAndDestroy() && undefined,
        async () => (await connectByTls(running.port)).close(),
        async () => (await (await connectTo(running.port)).startTls()).close(),
        async () => {
          const client = await connectTo(running.port);
          await client.send(hello.subarray(0, 20));
          client.close();
        },
        async () => {
          const client = await connectTo(running.port);
          await client.converse('S: 220 *\nC: STARTTLS\nS: 220 *');
          await client.send(hello.subarray(0, 20));
          await new Promise((resolve) => setTimeout(resolve, 20));
          client.close();
        },
        async () => {
          const client = await connectTo(running.port);
          await client.converse('S: 220 *\nC: STARTTLS\nS: 220 *');
          await client.send('no hello at all\r\n');
          client.close();
        },
      ];
      for (const leave of [...ways, ...ways]) {
        await leave();
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      const clients = await Promise.all([1, 2, 3, 4].map(() => greeted(running)));
      for (const client of clients) client.close();
    }));
});

describe('time', () => {
  it('ends a session that is idle', () =>
    withListener({ limits: { idleSeconds: 0.3 } }, async (running) => {
      const client = await signedIn(running);
      const waitedMs = await elapsedMs(() => client.converse('S: 421 4.4.2 *\nS: -'));
      assert.ok(waitedMs > 250 && waitedMs < 1500, `${waitedMs} ms`);
    }));

  it('ends a message that does not go on, and nothing is accepted', () =>
    withListener({ limits: { idleSeconds: 0.3 } }, async (running) => {
      const client = await signedIn(running);
      await client.converse(`${inMail}
        C: DATA
        S: 354 *
        C: half
        S: 421 4.4.2 *
        S: -`);
      await until(() => running.intake.brokenOff() === 1, 'the intake has failed');
      assert.deepEqual(running.intake.accepted, []);
    }));

  it('does not run while it is the gateway that owes an answer', () =>
    withListener({ limits: { idleSeconds: 0.2 } }, async (running) => {
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      running.intake.holdUntil(gate);
      const client = await signedIn(running);
      await client.converse(`${inMail}
        C: DATA
        S: 354 *
        C: .`);
      setTimeout(open, 700);
      await client.converse('S: 250 2.0.0 Accepted *');
      client.close();
    }));

  it('ends a session in which nobody signs in, however busy it is', () =>
    withListener({ limits: { signInSeconds: 0.4, unauthenticatedCommands: 1000 } }, async (running) => {
      const client = await greeted(running);
      const talking = setInterval(() => void client.send('NOOP\r\n'), 50);
      let last: string | undefined;
      for (let next = await client.reply(); next !== undefined; next = await client.reply()) last = next;
      clearInterval(talking);
      assert.equal(last, '421 4.7.0 Nobody signed in for too long');
    }));

  it('for signing in is no limit to who has signed in', () =>
    withListener({ limits: { signInSeconds: 0.3 } }, async (running) => {
      const client = await signedIn(running);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await client.converse('C: NOOP\nS: 250 *');
      client.close();
    }));

  it('ends a handshake that does not go on, at STARTTLS, on a TLS port and where TLS is recognized', async () => {
    const hello = await helloOf({});
    for (const security of ['starttls', 'tls'] as const) {
      for (const recognizesTls of [false, true]) {
        await withListener({ security, recognizesTls, limits: { signInSeconds: 0.3 } }, async (running) => {
          const client = await connectTo(running.port);
          if (security === 'starttls' && !recognizesTls) await client.converse('S: 220 *\nC: STARTTLS\nS: 220 *');
          await client.send(hello.subarray(0, 100));
          const waitedMs = await elapsedMs(() => once(client.socket, 'close'));
          assert.ok(waitedMs < 1500, `${waitedMs} ms`);
          await until(() => running.log.of('smtp.tls_failed').length === 1, 'it is told');
          running.listener.setLimits(SMTP_LIMITS);
          if (security === 'starttls') await assertServes(running);
        });
      }
    }
  });
});

describe('commands', () => {
  it('without a sign-in are counted', () =>
    withListener({ limits: { unauthenticatedCommands: 5 } }, (running) =>
      converse(
        running.port,
        `S: 220 *
         ${'C: NOOP\nS: 250 *\n'.repeat(4)}
         C: NOOP
         S: 421 4.7.0 Too many commands without a sign-in
         S: -`,
      ),
    ));

  it('that are unknown are counted', () =>
    withListener({}, (running) =>
      converse(running.port, `S: 220 *\n${'C: NONSENSE\nS: 500 5.5.1 *\n'.repeat(9)}C: NONSENSE\nS: 421 4.7.0 *\nS: -`),
    ));
});

describe('recipients', () => {
  it('beyond the limit are told to wait for the next message, and the others stay', () =>
    withListener({ limits: { recipients: 2 } }, async (running) => {
      const client = await signedIn(running);
      await client.converse(`${inMail}
        C: RCPT TO:<bo@customer.example>
        S: 250 *
        C: RCPT TO:<cy@customer.example>
        S: 452 4.5.3 *
        C: RCPT TO:<BO@customer.example>
        S: 250 *
        C: DATA
        S: 354 *
        C: .
        S: 250 *`);
      assert.equal(running.intake.accepted[0]?.to.length, 2);
      client.close();
    }));
});

describe('the limits', () => {
  it('can be replaced while the listener runs', () =>
    withListener({}, async (running) => {
      const before = await signedIn(running);
      running.listener.setLimits({ ...SMTP_LIMITS, sizeBytes: 1000, recipients: 1, connections: 1 });
      assert.match(await before.command('EHLO printer'), /^250 SIZE 1000$/m);
      await before.converse(`C: MAIL FROM:<scan@office.example> SIZE=1001
        S: 552 5.3.4 *
        ${inMail}
        C: RCPT TO:<bo@customer.example>
        S: 452 4.5.3 *`);
      await converse(running.port, 'S: 421 4.7.0 *\nS: -');
      before.close();
    }));
});

describe('the end of a listener', () => {
  it('sends idle sessions away at once, and lets a message end with its reply', () =>
    withListener({}, async (running) => {
      const [idle, busy, inDialogue] = [await signedIn(running), await signedIn(running), await greeted(running)];
      await inDialogue.converse('C: EHLO printer\nS: 250 *\nC: AUTH LOGIN\nS: 334 *');
      await busy.converse(`${inMail}\nC: DATA\nS: 354 *\nC: half`);
      let isClosed = false;
      const closed = running.listener.close(5).then(() => {
        isClosed = true;
      });
      await idle.converse('S: 421 4.3.2 *\nS: -');
      await inDialogue.converse('S: 421 4.3.2 *\nS: -');
      const late = connect(running.port, '127.0.0.1');
      await assert.rejects(once(late, 'connect'), /ECONNREFUSED/);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(isClosed, false);
      const waitedMs = await elapsedMs(async () => {
        await busy.converse(`C: half
          C: .
          S: 250 2.0.0 Accepted *
          S: 421 4.3.2 *
          S: -`);
        await closed;
      });
      assert.ok(waitedMs < 1000, `${waitedMs} ms`);
      assert.equal(running.intake.accepted.length, 1);
    }));

  it('waits for a command that is being answered', () =>
    withListener({}, async (running) => {
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      const { signIn } = running.devices;
      Object.assign(running.devices, {
        signIn: (attempt: Parameters<typeof signIn>[0]) => gate.then(() => signIn(attempt)),
      });
      const client = await greeted(running);
      await client.converse(`C: EHLO printer\nS: 250 *\nC: ${SIGN_IN}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const closed = running.listener.close(5);
      setTimeout(open, 50);
      await client.converse('S: 235 *\nS: 421 4.3.2 *\nS: -');
      await closed;
    }));

  it('cuts after the deadline whoever is still there, in a message or a handshake', async () => {
    const hello = await helloOf({});
    await withListener({ recognizesTls: true }, async (running) => {
      const halfHello = await connectTo(running.port);
      await halfHello.send(hello.subarray(0, 100));
      const halfUpgrade = await greeted(running);
      await halfUpgrade.converse('C: STARTTLS\nS: 220 *');
      await halfUpgrade.send(hello.subarray(0, 100));
      const waitsForHello = await greeted(running);
      await waitsForHello.converse('C: STARTTLS\nS: 220 *');
      const unheard = await connectTo(running.port);
      const busy = await signedIn(running);
      await busy.converse(`${inMail}\nC: DATA\nS: 354 *\nC: half`);
      const gone = [halfHello, halfUpgrade, waitsForHello, unheard, busy].map((client) => once(client.socket, 'close'));
      const waitedMs = await elapsedMs(() => running.listener.close(0.3));
      assert.ok(waitedMs > 250 && waitedMs < 1500, `${waitedMs} ms`);
      await Promise.all(gone);
      await until(() => running.intake.brokenOff() === 1, 'the intake has failed');
      assert.deepEqual(running.intake.accepted, []);
    });
  });

  it('cuts who does not hang up, however they hold on', () =>
    withListener({}, async (running) => {
      const socket = connect({ port: running.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      await once(socket, 'data');
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await running.listener.close(0.1);
      const holding = setInterval(() => socket.write('x'), 20);
      const waitedMs = await elapsedMs(() => closed);
      clearInterval(holding);
      assert.ok(waitedMs < 1000, `${waitedMs} ms`);
    }));
});

describe('the start of a listener', () => {
  it('fails where its port is taken', () =>
    withListener({}, async ({ port }) => {
      const deps = {
        devices: fakeDevices(),
        intake: fakeIntake(),
        log: memoryLog(),
        metrics: countedMetrics(),
        clock: systemClock,
      };
      const options = {
        security: 'starttls',
        recognizesTls: false,
        cleartextSignIn: true,
        trustedProxies: [],
        name: 'x',
      } as const;
      const started = startSmtpListener({
        ...options,
        host: '127.0.0.1',
        port,
        tls: () => certificate,
        limits: SMTP_LIMITS,
        deps,
      });
      await assert.rejects(started, /EADDRINUSE/);
    }));
});
