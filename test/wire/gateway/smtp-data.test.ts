import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokerError } from '../../../shared/domain/errors.ts';
import {
  assertServes,
  connectTo,
  MAIL,
  type RunningListener,
  SIGNED_IN,
  type SmtpClient,
  until,
  withListener,
} from './smtp-client.ts';

const MIB = 1024 * 1024;

/** A client that may send its content. */
const inData = async ({ port }: RunningListener): Promise<SmtpClient> => {
  const client = await connectTo(port);
  await client.converse(`${SIGNED_IN}
    ${MAIL}
    C: DATA
    S: 354 *`);
  return client;
};

const line = `${'A'.repeat(76)}\r\n`;
const block = Buffer.from(line.repeat(800));

const sendMegabytes = async (client: SmtpClient, count: number): Promise<number> => {
  let sent = 0;
  while (sent < count * MIB) {
    await client.send(block);
    sent += block.length;
  }
  return sent;
};

describe('the content of a message', () => {
  it('may be a scan of 30 MB, of which little is in memory at a time', () =>
    withListener({}, async (running) => {
      // What a first message leaves of buffers and compiled code is no part of the second.
      const first = await inData(running);
      await sendMegabytes(first, 30);
      await first.send('.\r\n');
      await first.reply();
      first.close();
      const client = await inData(running);
      global.gc?.();
      const before = process.memoryUsage().rss;
      let highest = before;
      const watch = setInterval(() => {
        highest = Math.max(highest, process.memoryUsage().rss);
      }, 10);
      const sent = await sendMegabytes(client, 30);
      await client.send('.\r\n');
      assert.equal(await client.reply(), '250 2.0.0 Accepted sub_0002');
      clearInterval(watch);
      assert.equal(running.intake.accepted[1]?.sizeBytes, sent);
      assert.ok(highest - before < 64 * MIB, `${(highest - before) / MIB} MiB`);
      client.close();
    }));

  it('waits in the network while the spool is busy', () =>
    withListener({}, async (running) => {
      // Nobody reads what comes before this.
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      const { take } = running.intake;
      Object.assign(running.intake, { take: (mail: Parameters<typeof take>[0]) => gate.then(() => take(mail)) });
      const client = await inData(running);
      let written = 0;
      while (client.socket.write(block) || client.socket.writableLength < 8 * MIB) written += block.length;
      await new Promise((resolve) => setTimeout(resolve, 200));
      // What the sockets of both ends hold, and a few buffers.
      assert.ok(client.socket.writableLength > 0, `all of ${written} bytes were taken from the network`);
      open();
      await client.send('.\r\n');
      assert.match((await client.reply()) ?? '', /^250 2\.0\.0 Accepted/);
      client.close();
    }));

  it('that is larger than announced is read to its end, then refused, and never accepted', () =>
    withListener({ limits: { sizeBytes: MIB } }, async (running) => {
      const client = await inData(running);
      let isAnswered = false;
      const reply = client.reply().then((text) => {
        isAnswered = true;
        return text;
      });
      await sendMegabytes(client, 3);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(isAnswered, false);
      await client.send('.\r\n');
      assert.equal(await reply, '552 5.3.4 The message is too large.');
      assert.deepEqual(running.intake.accepted, []);
      assert.equal(running.intake.brokenOff(), 1);
      assert.equal(running.metrics.count('message message_too_large'), 1);
      await client.converse(`C: MAIL FROM:<scan@office.example>
        S: 250 *`);
      client.close();
    }));

  it('may be as large as is announced, to the byte', () =>
    withListener({ limits: { sizeBytes: 1000 } }, async (running) => {
      for (const [extra, code] of [
        ['', '250'],
        ['x', '552'],
      ] as const) {
        const client = await inData(running);
        await client.send(`${'y'.repeat(998)}${extra}\r\n.\r\n`);
        assert.equal((await client.reply())?.slice(0, 3), code);
        client.close();
      }
      assert.deepEqual(
        running.intake.accepted.map(({ sizeBytes }) => sizeBytes),
        [1000],
      );
    }));

  it('that breaks off is not accepted, and its intake fails', () =>
    withListener({}, async (running) => {
      for (const leave of ['destroy', 'end', 'reset'] as const) {
        const client = await inData(running);
        await client.send('Subject: half\r\n\r\nhalf a mess');
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (leave === 'reset') client.socket.resetAndDestroy();
        else client.socket[leave]();
      }
      await until(() => running.intake.brokenOff() === 3, 'the intake has failed three times');
      assert.deepEqual(running.intake.accepted, []);
      assert.deepEqual(running.log.of('smtp.failed'), []);
      assert.deepEqual(
        running.log.of('smtp.refused').map(({ fields }) => fields.kind),
        ['cut_off', 'cut_off', 'cut_off'],
      );
      await assertServes(running);
    }));

  it('that nobody wants is read to its end, also where the intake does not', () =>
    withListener({}, async (running) => {
      const refusing = async () => ({ ok: false, error: brokerError('gateway_full') }) as const;
      Object.assign(running.intake, { take: refusing });
      const client = await inData(running);
      await sendMegabytes(client, 3);
      await client.send('.\r\n');
      assert.match((await client.reply()) ?? '', /^452 4\.3\.1/);
      await client.converse(`C: NOOP
        S: 250 *`);
      client.close();
    }));

  it('is answered only after the intake has it durable', () =>
    withListener({}, async (running) => {
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      running.intake.holdUntil(gate);
      const client = await inData(running);
      await client.send('text\r\n.\r\n');
      const first = await Promise.race([client.reply(), new Promise((resolve) => setTimeout(resolve, 100, 'nothing'))]);
      assert.equal(first, 'nothing');
      assert.deepEqual(running.intake.accepted, []);
      open();
      await until(() => running.intake.accepted.length === 1, 'it is accepted');
      client.close();
    }));
});
