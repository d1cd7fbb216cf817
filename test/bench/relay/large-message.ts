import { openAsBlob } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, milliseconds, print, ratio, timed } from '../figures.ts';
import { basicOf, type SignedIn } from './mailboxes.ts';
import { scanOf } from './messages.ts';
import { type During, memoryOf } from './process-memory.ts';
import { type Relay, startRelay } from './relay.ts';
import type { Took } from './took.ts';

/** Nearly the 35 MB that Exchange Online and Gmail take (facts M19, G18). */
const LARGE_BYTES = 35 * 2 ** 20 - 64 * 1024;
const SMALL_BYTES = 20_000;
const ROUNDS = 9;

const TARGET_MB = 64;
const TARGET_SHARE = 0.8;

/** For what a process does after the work, collecting garbage above all. */
const REST_MS = 2_000;

interface Round {
  readonly accepted: During<Took>;
  readonly sent: During<Took>;
  readonly floor: During<Took>;
}

interface Measured {
  /** Of the process that accepts, of the one that sends, and of nodemailer's. */
  readonly idleBytes: Readonly<Record<'accepting' | 'sending' | 'alone', number>>;
  readonly rounds: readonly Round[];
}

/** As a device does with a message that is too large for one request. */
const upload = async ({ url }: Relay, mailbox: SignedIn, message: Blob): Promise<void> => {
  const headers = { Authorization: basicOf(mailbox), 'Content-Type': 'application/json' };
  const post = async (path: string, body: object): Promise<{ [name: string]: unknown }> => {
    const reply = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(`${path} answers ${reply.status}: ${await reply.text()}`);
    return (await reply.json()) as { [name: string]: unknown };
  };
  const made = await post('/v1/uploads', { size_bytes: message.size });
  const target = new URL(String(made.url));
  // Its public name is not this port's.
  const put = await fetch(`${url}${target.pathname}${target.search}`, {
    method: String(made.method),
    headers: made.headers as Record<string, string>,
    body: message,
  });
  if (!put.ok) throw new Error(`the upload answers ${put.status}: ${await put.text()}`);
  await post('/v1/messages', { upload_id: made.upload_id });
};

/** One after the other: handed in, sent by the broker, and the same file sent by nodemailer. */
const measure = async (relay: Relay, mailbox: SignedIn, rounds: number): Promise<Measured> => {
  const { broker, sender, server, folder } = relay;
  const { mailboxId, address } = mailbox;
  const [large, small] = [join(folder, 'large.eml'), join(folder, 'small.eml')];
  await writeFile(large, scanOf(LARGE_BYTES)(address, 'large'));
  await writeFile(small, scanOf(SMALL_BYTES)(address, 'small'));
  const { size: largeBytes } = await stat(large);
  const handIn = async (path: string): Promise<Took> => {
    const message = await openAsBlob(path);
    const cpuBefore = await broker.ask<number>({ order: 'cpu' });
    const ms = await timed(() => upload(relay, mailbox, message));
    return { ms, cpuMs: (await broker.ask<number>({ order: 'cpu' })) - cpuBefore };
  };
  const send = () => sender.ask<Took>({ order: 'send', mailboxId });
  const floor = (path: string) => relay.sendByNodemailer({ path, addresses: [address], messagesEach: 1, atOnce: 1 });

  // Everything is loaded and connected once.
  for (const work of [handIn, send, floor]) await work(small);
  await sleep(REST_MS);
  const accepting = await memoryOf(broker.pid);
  const sending = await memoryOf(sender.pid);
  const alone = await memoryOf(relay.nodemailerPid);
  const done: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const accepted = await accepting.during(() => handIn(large));
    await server.reset();
    const sent = await sending.during(send);
    const { messages, bytes } = await server.counts();
    if (messages !== 1 || bytes < largeBytes) throw new Error(`the server took ${messages} messages, ${bytes} bytes`);
    done.push({ accepted, sent, floor: await alone.during(() => floor(large)) });
  }
  return {
    idleBytes: { accepting: accepting.idleBytes, sending: sending.idleBytes, alone: alone.idleBytes },
    rounds: done,
  };
};

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;

const show = ({ idleBytes, rounds }: Measured): void => {
  const peaks = (idle: number, pick: (round: Round) => During<unknown>): [string, string, string] => {
    const bytes = rounds.map((round) => pick(round).aboveIdleBytes);
    const [first, most] = [bytes[0] ?? Number.NaN, Math.max(...bytes)];
    return [megabytes(idle), `+${megabytes(first)}`, `+${megabytes(most)}`];
  };
  const target = `target ${TARGET_MB} MB`;
  print(
    `A message of 35 MB: memory of a process when idle, and the most above that with the first message, and with ` +
      `${rounds.length} of them (no garbage collected on demand)`,
    [
      ['handed in: upload, check, repair, store', ...peaks(idleBytes.accepting, ({ accepted }) => accepted), target],
      ['sent', ...peaks(idleBytes.sending, ({ sent }) => sent), target],
      ['sent by nodemailer straight from disk', ...peaks(idleBytes.alone, ({ floor }) => floor)],
    ],
  );
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const [sent, floor] = [middle((round) => round.sent.value.ms), middle((round) => round.floor.value.ms)];
  const [sentCpu, floorCpu] = [middle((round) => round.sent.value.cpuMs), middle((round) => round.floor.value.cpuMs)];
  const speed = (ms: number): string => `${(LARGE_BYTES / 2 ** 20 / (ms / 1000)).toFixed(0)} MB/s`;
  print(
    `The same message sent by nodemailer straight from disk, and by the broker (medians of ${rounds.length}, by turns)`,
    [
      ['throughput', speed(floor), speed(sent), ratio(floor, sent), `target ${TARGET_SHARE}×`],
      ['CPU of one', milliseconds(floorCpu), milliseconds(sentCpu), ratio(sentCpu, floorCpu)],
      ['handed in before, over HTTP', '', speed(middle(({ accepted }) => accepted.value.ms))],
      ['CPU of that', '', milliseconds(middle(({ accepted }) => accepted.value.cpuMs))],
    ],
  );
};

/** The largest message there is: memory from outside, and speed against nodemailer alone. */
export const benchLargeMessage = async (rounds = ROUNDS): Promise<void> => {
  const relay = await startRelay('google', 1);
  try {
    const [mailbox] = relay.mailboxes;
    if (mailbox === undefined) throw new Error('no mailbox was made');
    show(await measure(relay, mailbox, rounds));
  } finally {
    await relay.close();
  }
};
