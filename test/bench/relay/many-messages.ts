import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { median, milliseconds, print, ratio, timed } from '../figures.ts';
import { eachInLanes } from './lanes.ts';
import type { ServerCounts } from './mail-server.ts';
import { basicOf, type SignedIn } from './mailboxes.ts';
import { scanOf } from './messages.ts';
import { type Relay, startRelay } from './relay.ts';
import type { Took } from './took.ts';

/** How many there are of what, for a quick look as well. */
export interface Sizes {
  readonly messages: number;
  readonly mailboxes: number;
  readonly messageBytes: number;
  readonly rounds: number;
}

export const FULL: Sizes = { messages: 1000, mailboxes: 20, messageBytes: 200_000, rounds: 3 };

/** Exchange Online's (facts M63), here by themselves: not as the code under test has them. */
const LIMITS = { connections: 3, messagesPerMinute: 30 };

/** Each with one message: as many connections, and as many sign-ins. */
const SINGLE_MAILBOXES = 300;

/** 50 messages at 30 a minute are sent within two; who takes longer than three is too slow. */
const PACED_LIMIT_MS = 180_000;

/** Devices that hand in at once. */
const DEVICES_AT_ONCE = 8;

/** As many mailboxes as local/broker.ts has in hand at once. */
const MAILBOXES_AT_ONCE = 16;

/** Over HTTP, as devices do, one after the other of all mailboxes. Milliseconds. */
const handIn = ({ url }: Relay, mailboxes: readonly SignedIn[], { messages, messageBytes }: Sizes): Promise<number> => {
  const scan = scanOf(messageBytes);
  const round = Array.from({ length: messages }, (_, number) => ({
    number,
    mailbox: mailboxes[number % mailboxes.length] as SignedIn,
  }));
  return timed(() =>
    eachInLanes(round, DEVICES_AT_ONCE, async ({ number, mailbox }) => {
      const { status } = await fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: { Authorization: basicOf(mailbox), 'Content-Type': 'message/rfc822' },
        body: new Uint8Array(scan(mailbox.address, String(number))),
      });
      if (status !== 202) throw new Error(`the broker answers ${status}`);
    }),
  );
};

const rate = (messages: number, milliseconds: number): string => `${(messages / (milliseconds / 1000)).toFixed(1)}/s`;

interface Paced {
  readonly counts: ServerCounts;
  readonly isComplete: boolean;
  readonly acceptMs: number;
  readonly wholeMs: number;
}

/** Handed in while the workers send, at the pace that Exchange Online allows. */
const paced = async (sizes: Sizes): Promise<Paced> => {
  const relay = await startRelay('microsoft', sizes.mailboxes);
  const { broker, server } = relay;
  try {
    await broker.ask({ order: 'work' });
    let acceptMs = 0;
    let isComplete = false;
    const taken = server.taken(sizes.messages).then(() => {
      isComplete = true;
    });
    const wholeMs = await timed(async () => {
      acceptMs = await handIn(relay, relay.mailboxes, sizes);
      await Promise.race([taken, sleep(PACED_LIMIT_MS - acceptMs, undefined, { ref: false })]);
    });
    return { counts: await server.counts(), isComplete, acceptMs, wholeMs };
  } finally {
    await relay.close();
  }
};

const showPaced = ({ messages, mailboxes, messageBytes }: Sizes, run: Paced): void => {
  const { counts, isComplete, acceptMs, wholeMs } = run;
  print(
    `Relay, whole, on one machine: ${messages} messages of ${messageBytes / 1000} KB over ${mailboxes} Exchange Online mailboxes, ` +
      'counted by the server',
    [
      [isComplete ? 'all sent' : 'SENT IN TIME', String(counts.messages), `${(wholeMs / 1000).toFixed(1)} s`],
      ['handed in and accepted meanwhile', rate(messages, acceptMs)],
      ['sent, from the first handed in to the last taken', rate(counts.messages, wholeMs)],
      ['most connections of one mailbox at once', String(counts.mostConnectionsOfOne), `limit ${LIMITS.connections}`],
      [
        'most messages of one mailbox in any minute',
        String(counts.mostInAMinuteOfOne),
        `limit ${LIMITS.messagesPerMinute}`,
      ],
    ],
  );
};

interface UnboundRound {
  readonly acceptMs: number;
  readonly sent: Took;
  readonly floor: Took;
}

/** First handed in, then sent, and the same by nodemailer straight from disk, by turns. */
const unbound = async (provider: ProviderName, sizes: Sizes): Promise<readonly UnboundRound[]> => {
  const { messages, mailboxes, messageBytes, rounds } = sizes;
  // Others in each round, as what a mailbox has just sent counts for a minute.
  const relay = await startRelay(provider, mailboxes * rounds);
  const { broker, server } = relay;
  const path = join(relay.folder, 'scan.eml');
  const same = { path, messagesEach: messages / mailboxes, atOnce: MAILBOXES_AT_ONCE };
  const done: UnboundRound[] = [];
  try {
    await writeFile(path, scanOf(messageBytes)('scanner@contoso.example', 'floor'));
    for (let round = 0; round < rounds; round++) {
      const inTurn = relay.mailboxes.slice(round * mailboxes, (round + 1) * mailboxes);
      const addresses = inTurn.map(({ address }) => address);
      const acceptMs = await handIn(relay, inTurn, sizes);
      await server.reset();
      const taken = server.taken(messages);
      const ms = await timed(() => Promise.all([taken, broker.ask({ order: 'work' })]));
      const { cpuMs } = await broker.ask<Took>({ order: 'rest' });
      done.push({ acceptMs, sent: { ms, cpuMs }, floor: await relay.sendByNodemailer({ ...same, addresses }) });
    }
    return done;
  } finally {
    await relay.close();
  }
};

const showUnbound = (what: string, { messages }: Sizes, rounds: readonly UnboundRound[]): void => {
  const middle = (pick: (round: UnboundRound) => number): number => median(rounds.map(pick));
  const [sent, floor] = [middle((round) => round.sent.ms), middle((round) => round.floor.ms)];
  const [sentCpu, floorCpu] = [middle((round) => round.sent.cpuMs), middle((round) => round.floor.cpuMs)];
  const accepted = middle(({ acceptMs }) => acceptMs);
  print(
    `Relay where no limit binds: ${what} (nodemailer straight from disk, the broker; medians of ${rounds.length}, by turns)`,
    [
      ['sent', rate(messages, floor), rate(messages, sent), ratio(floor, sent)],
      ['CPU of one', milliseconds(floorCpu / messages), milliseconds(sentCpu / messages), ratio(sentCpu, floorCpu)],
      ['handed in over HTTP and accepted before', '', rate(messages, accepted)],
      ['both, one after the other', '', rate(messages, accepted + sent)],
    ],
  );
};

/** A thousand messages: within Exchange Online's limits, and as fast as can be. */
export const benchManyMessages = async (sizes: Sizes = FULL): Promise<void> => {
  showPaced(sizes, await paced(sizes));
  const { messages, mailboxes, messageBytes } = sizes;
  const each = messages / mailboxes;
  const size = `${messageBytes / 1000} KB`;
  showUnbound(
    `${each} messages of ${size} for each of ${mailboxes} Gmail mailboxes`,
    sizes,
    await unbound('google', sizes),
  );
  const single = { ...sizes, messages: SINGLE_MAILBOXES, mailboxes: SINGLE_MAILBOXES };
  showUnbound(
    `one message of ${size} for each of ${SINGLE_MAILBOXES} mailboxes`,
    single,
    await unbound('microsoft', single),
  );
};
