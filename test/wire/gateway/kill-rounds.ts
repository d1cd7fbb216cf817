import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayWay } from '../../../shared/domain/gateway.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { eventually, type Json } from '../support.ts';
import { handIn, scanNamed } from './device.ts';
import { type Environment, type SpawnedGateway, type SpawnOptions, spawnGateway } from './gateway-process.ts';
import { bodySha256, type Copy, type Site, type SiteDevice } from './site.ts';

/** One message, as its device knows it. */
export interface Handed {
  readonly subject: string;
  readonly bodySha256: string;
  /** The device has read its 250, and in it this. */
  id?: string;
  /** How often all of it was on its way, and no answer came. */
  unheard: number;
}

export interface Kill {
  /** What had been sent by then may still arrive a moment later. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Whether it was still on its way to being ready. */
  readonly wasStarting: boolean;
}

export interface LaneReport {
  readonly handed: readonly Handed[];
  readonly kills: readonly Kill[];
  /** As the console lists them, by Message-ID. */
  readonly submissions: ReadonlyMap<string, Json>;
  readonly copies: readonly Copy[];
  /** Each start that was not cut short, with what it had to recover. */
  readonly startsMs: readonly number[];
}

export interface LaneOptions {
  readonly site: Site;
  readonly name: string;
  readonly way: GatewayWay;
  readonly rounds: number;
  readonly program: SpawnOptions;
  /** Of Node's compiled code: a process that is killed keeps none. */
  readonly compileCache: string;
}

const MAILBOXES = 10;
/** Two of them share a mailbox. */
const DEVICES = 11;

/** A mailbox takes 30 a minute, and what was repeated counts too, or may have been sent by a gateway that was killed. */
const MESSAGES_PER_MINUTE = 10;
const MINUTE_MS = 61_000;
/** Between two of one device's, at most. */
const PAUSE_MS = 2_000;

/** In bytes, and of a hundred messages how many are at most so large. */
const SIZES = [
  [500, 72],
  [300_000, 95],
  [5_000_000, 100],
] as const;

/** Of a hundred kills so many come while the gateway recovers. */
const STARTING = 35;

/** After it was ready; so that devices have handed something in, and some of it is on its way. */
const LONGEST_LIFE_MS = 1_000;

const sizeFor = (percent: number): number => SIZES.find(([, upTo]) => percent < upTo)?.[0] ?? 0;

/** What the console lists, all pages of it. */
export const allSubmissions = async ({ broker }: Site): Promise<readonly Json[]> => {
  const all: Json[] = [];
  let cursor = '';
  do {
    const page = await broker.administer('GET', `/submissions?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`);
    all.push(...(page.submissions as readonly Json[]));
    cursor = typeof page.cursor === 'string' ? page.cursor : '';
  } while (cursor !== '');
  return all;
};

/** Messages in a gateway's spool that have not ended. */
const waitingIn = async (folder: string): Promise<readonly string[]> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')));
  return texts.filter((text) => text !== '' && !/"status":\{"state":"(?:sent|failed)"/.test(text));
};

/** A gateway that is killed time and again on the same folder, while devices hand in messages. */
export const runLane = async ({ site, name, way, rounds, program, compileCache }: LaneOptions): Promise<LaneReport> => {
  const random = seededRandom(name);
  const env: Environment = { ...(await site.gatewayEnv(name, { way })), NODE_COMPILE_CACHE: compileCache };
  const port = Number(env.GATEWAY_SMTP_PORT);
  const spool = join(String(env.GATEWAY_DATA_DIR), 'spool', 'submissions');
  const devices: SiteDevice[] = [];
  for (let count = 0; count < DEVICES; count++) {
    devices.push(await site.addDevice(`${name}-${count}`, devices[count - MAILBOXES]));
  }

  const handed: Handed[] = [];
  const begun = new Map<string, number[]>();
  let isOver = false;

  /** False: the mailbox has had its share of this minute. */
  const mayBegin = ({ mailboxId }: SiteDevice): boolean => {
    const recent = (begun.get(mailboxId) ?? []).filter((at) => at > Date.now() - MINUTE_MS);
    if (recent.length < MESSAGES_PER_MINUTE) recent.push(Date.now());
    else return false;
    begun.set(mailboxId, recent);
    return true;
  };

  /** As devices do: again where nobody answers, for a while; some give up once the line broke. */
  const handOver = async (device: SiteDevice, content: string, message: Handed): Promise<void> => {
    const repeats = random.fraction() < 0.5 ? 1 : 0;
    while (!isOver) {
      const handed = await handIn({ ...device, port, content });
      if (handed.outcome === 'accepted') message.id = handed.id;
      if (handed.outcome === 'unheard') message.unheard += 1;
      if (message.id !== undefined || message.unheard > repeats) return;
      // Nothing is refused for good here.
      if (handed.outcome === 'refused') assert.match(handed.reply, /^4/);
      await sleep(20);
    }
  };

  const work = async (device: SiteDevice): Promise<void> => {
    while (!isOver) {
      if (!mayBegin(device)) {
        await sleep(100);
        continue;
      }
      const subject = `${name}-${String(handed.length).padStart(5, '0')}`;
      const content = scanNamed(subject, sizeFor(random.fraction() * 100));
      const message: Handed = { subject, bodySha256: bodySha256(content), unheard: 0 };
      handed.push(message);
      await handOver(device, content, message);
      await sleep(random.fraction() * PAUSE_MS);
    }
  };

  const kills: Kill[] = [];
  const startsMs: number[] = [];
  const start = async (): Promise<SpawnedGateway> => {
    const from = performance.now();
    const gateway = spawnGateway(env, program);
    await gateway.ready;
    startsMs.push(performance.now() - from);
    return gateway;
  };
  const killed = async (gateway: SpawnedGateway, wasStarting: boolean): Promise<void> => {
    const fromMs = Date.now();
    gateway.signal('SIGKILL');
    await gateway.ended;
    kills.push({ fromMs, toMs: Date.now(), wasStarting });
  };
  const round = async (): Promise<void> => {
    if (random.fraction() * 100 < STARTING) {
      const gateway = spawnGateway(env, program);
      let isReady = false;
      gateway.ready.then(
        () => {
          isReady = true;
        },
        () => undefined,
      );
      await sleep(random.fraction() * Math.min(...startsMs));
      await killed(gateway, !isReady);
    } else {
      const gateway = await start();
      await sleep(random.fraction() * LONGEST_LIFE_MS);
      await killed(gateway, false);
    }
  };

  const first = await start();
  first.signal('SIGTERM');
  assert.equal(await first.ended, 0, first.output());
  const working = devices.map(work);
  for (let count = 0; count < rounds; count++) await round();
  const heir = await start();
  isOver = true;
  await Promise.all(working);
  try {
    await eventually(
      `all that ${name} has is sent`,
      async () => {
        const w = await waitingIn(spool);
        if (process.env.DBG && w.length) {
          await sleep(5000);
          console.log(heir.output().split('\n').slice(-12).join('\n'));
        }
        return w.length === 0 ? true : undefined;
      },
      90_000,
    );
    const ofLane = (subject: string): boolean => subject.startsWith(`${name}-`);
    const clientIds = devices.map(({ clientId }) => clientId);
    const submissions = await eventually('all is told', async () => {
      const all = (await allSubmissions(site)).filter(({ client_id }) => clientIds.includes(String(client_id)));
      return all.every(({ state }) => state === 'sent' || state === 'failed') ? all : undefined;
    });
    return {
      handed,
      kills,
      submissions: new Map(submissions.map((one) => [String(one.message_id), one])),
      copies: await site.copies(ofLane),
      startsMs,
    };
  } finally {
    heir.signal('SIGKILL');
    await heir.ended;
  }
};
