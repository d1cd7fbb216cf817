import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  adminView,
  arrived,
  type Bound,
  eventually,
  fetchToken,
  freePort,
  type Json,
  postMessage,
  signedInDevice,
  smallMessage,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

let broker: WireBroker;
let bounds: readonly Bound[];

const startWith = async (settings: Readonly<Record<string, string>>): Promise<void> => {
  broker = await wireBroker({
    // What has been written into links and configurations stays true over a restart.
    BROKER_PORT: await freePort(),
    STAND_IN_PORT: await freePort(),
    STAND_IN_SMTP_PORT: await freePort(),
    STAND_IN_POP_PORT: '0',
    STAND_IN_IMAP_PORT: '0',
    ...settings,
  });
  bounds = [await signedInDevice(broker, 'microsoft'), await signedInDevice(broker, 'google')];
};

/**
 * What was deferred, because the stand-in died along with the broker, waits a minute or more. The broker is down: moves
 * the end of that wait into the past. What the killed process had in hand must go out without such help.
 */
const letBackOffRunOut = (): void => {
  const database = new DatabaseSync(join(broker.folder, 'broker.sqlite'), { timeout: 5_000 });
  database.exec(
    `UPDATE items SET item = json_set(item, '$.status.until', 0)
     WHERE pk LIKE 'submission#%' AND item ->> '$.status.state' = 'deferred';
     UPDATE items SET item = json_set(item, '$.stop.until', 0)
     WHERE pk LIKE 'outbox#%' AND item ->> '$.stop.cause' = 'pause';
     UPDATE items SET item = json_set(item, '$.dueAt', 0)
     WHERE pk LIKE 'outbox#%' AND item ->> '$.dueAt' IS NOT NULL`,
  );
  database.close();
};

interface Accepted {
  readonly messageId: string;
  readonly bound: Bound;
  readonly id: unknown;
}

/** Each arrived under its own Message-ID. A crash may repeat a message, and then every byte of it. */
const assertArrived = async (messageIds: readonly string[]): Promise<void> => {
  const received = await arrived(broker);
  for (const messageId of messageIds) {
    const copies = received.filter(({ raw }) => raw.includes(`Message-ID: ${messageId}\r\n`));
    assert.ok(copies.length >= 1, `${messageId} never arrived`);
    assert.equal(new Set(copies.map(({ sha256 }) => sha256)).size, 1, `${messageId} arrived in two forms`);
  }
};

const assertAllSent = async (accepted: readonly Accepted[]): Promise<void> => {
  for (const { bound, id, messageId } of accepted) {
    const { message_id } = await submissionIn(broker, bound.device, id, 'sent');
    assert.equal(message_id, messageId);
  }
  await assertArrived(accepted.map(({ messageId }) => messageId));
};

describe('mail', () => {
  before(() => startWith({}));
  after(() => broker.close());

  test('that waits is sent after a restart, and everything else is as it was', async () => {
    const [bound] = bounds as [Bound];
    await broker.control('POST', 'mail/faults', {
      place: 'CONNECT',
      fault: { kind: 'reply', code: 421, text: '4.3.2 Service not available' },
    });
    const sent = await postMessage(broker, bound.device, smallMessage(bound.address, '<before@example.org>'));
    await submissionIn(broker, bound.device, sent.body.submission_id, 'deferred');
    const before = await adminView(broker);
    assert.equal(await broker.stop(), 0);
    await broker.start();
    assert.deepEqual(await adminView(broker), before);
    for (const { device } of bounds) {
      assert.equal((await fetchToken(broker, device)).status, 200);
      // No token for this one is at hand yet, so it takes the refresh token.
      assert.equal((await fetchToken(broker, device, '?scope=pop')).status, 200);
    }
    await broker.stop();
    letBackOffRunOut();
    await broker.start();
    await submissionIn(broker, bound.device, sent.body.submission_id, 'sent');
    await assertArrived(['<before@example.org>']);
  });

  test('is not lost by kill -9 right after its 202', async () => {
    const accepted: Accepted[] = [];
    for (let round = 0; round < 4; round++) {
      const bound = bounds[round % 2] as Bound;
      const messageId = `<at-once-${round}@example.org>`;
      const { status, body } = await postMessage(broker, bound.device, smallMessage(bound.address, messageId));
      await broker.kill();
      assert.equal(status, 202);
      accepted.push({ messageId, bound, id: body.submission_id });
      letBackOffRunOut();
      await broker.start();
    }
    await assertAllSent(accepted);
  });

  test('is not lost by kill -9 at random moments, in the midst of accepting and sending', async () => {
    const accepted: Accepted[] = [];
    let serial = 0;

    /** A device that hands in mail until the connection breaks; less than a mailbox may send in the minute that this takes. */
    const busyDevice = async (bound: Bound): Promise<void> => {
      for (;;) {
        const messageId = `<busy-${++serial}@example.org>`;
        try {
          const { status, body } = await postMessage(broker, bound.device, smallMessage(bound.address, messageId));
          if (status === 202) accepted.push({ messageId, bound, id: body.submission_id });
        } catch {
          return; // killed
        }
        await sleep(150);
      }
    };

    for (let round = 0; round < 4; round++) {
      const busy = bounds.map(busyDevice);
      await sleep(100 + Math.random() * 700);
      await broker.kill();
      await Promise.all(busy);
      letBackOffRunOut();
      await broker.start();
    }
    assert.ok(accepted.length >= 8, `only ${accepted.length} were accepted`);
    await assertAllSent(accepted);
    assert.doesNotMatch(broker.output(), /request\.crashed|submission\.failed/);
  });
});

describe('sign-ins', () => {
  /** So short that the broker refreshes all the time, and a kill meets it at that. */
  const TOKEN_SECONDS = 2;

  before(() => startWith({ STAND_IN_TOKEN_SECONDS: String(TOKEN_SECONDS) }));
  after(() => broker.close());

  test('outlive kill -9 in the midst of refreshing: every mailbox yields new tokens without anybody', async () => {
    /** A device that asks for three kinds of token until the connection breaks. */
    const busyDevice = async ({ device }: Bound): Promise<void> => {
      for (;;) {
        try {
          await Promise.all(['smtp', 'imap', 'pop'].map((scope) => fetchToken(broker, device, `?scope=${scope}`)));
        } catch {
          return; // killed
        }
      }
    };
    for (let round = 0; round < 3; round++) {
      const busy = bounds.map(busyDevice);
      await sleep(TOKEN_SECONDS * 1000 + Math.random() * 600);
      await broker.kill();
      await Promise.all(busy);
      await broker.start();
      for (const { mailboxId } of bounds) {
        const { token_status } = await broker.administer('GET', `/mailboxes/${mailboxId}`);
        assert.equal(token_status, 'acquired');
      }
    }
    for (const { device } of bounds) {
      // A refresh that the kill cut short holds its lease a little longer; the device repeats, as it is told to.
      const served = () =>
        eventually(
          'a token is served',
          async () => {
            const reply = await fetchToken(broker, device);
            if (reply.status === 200) return reply.body;
            assert.equal(reply.status, 503, reply.text);
            return undefined;
          },
          40_000,
        );
      const first = await served();
      assert.ok(Number(first.expires_in) <= TOKEN_SECONDS);
      await eventually('a refresh brings another', async () =>
        (await served()).access_token === first.access_token ? undefined : true,
      );
    }
  });

  test('and the kill looked like an error to nobody', async () => {
    const { audit } = (await broker.administer('GET', '/audit?limit=200')) as { audit: readonly Json[] };
    assert.deepEqual(
      audit.filter(({ action }) => /failed|invalid/.test(String(action))),
      [],
    );
    assert.doesNotMatch(broker.output(), /request\.crashed|grant\.invalid/);
  });
});
