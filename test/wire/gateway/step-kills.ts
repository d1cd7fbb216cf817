import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { GatewayWay } from '../../../shared/domain/gateway.ts';
import type { ProxyStep } from '../../fakes/fault-proxy.ts';
import { eventually } from '../support.ts';
import { type HandedIn, handIn, scanNamed } from './device.ts';
import { type Environment, type SpawnedGateway, spawnGateway } from './gateway-process.ts';
import type { Copy, Site, SiteDevice } from './site.ts';

/** When a gateway dies. */
export type Death =
  /** By itself, at the step of this name. */
  | { readonly by: 'itself'; readonly step: string; readonly sizeBytes: number }
  /** While it waits for the mail server, which has not heard of the step, or has answered. */
  | { readonly by: 'server'; readonly step: ProxyStep; readonly side: 'before' | 'after' };

export interface StepRound {
  readonly death: Death;
  /** False: it did not come to that step, and was killed later. */
  readonly wasReached: boolean;
  /** As the device saw it at first. */
  readonly outcome: HandedIn['outcome'];
  /** It was not heard of, and so handed in again. */
  readonly wasRepeated: boolean;
  /** How often each message arrived that a gateway has made of it. */
  readonly copies: readonly number[];
}

export interface StepLane {
  /** The steps that one message takes from its device to the end, with nobody dying. */
  calm(sizeBytes: number): Promise<readonly string[]>;
  /** Kills the gateway, and starts it again. */
  round(death: Death): Promise<StepRound>;
  close(): Promise<void>;
}

const STEPS = pathToFileURL(join(import.meta.dirname, 'doomed-steps.ts')).href;

/** Its report, which is the last, it makes a second after its message is sent. */
const REACHED_WITHIN_MS = 8_000;

/** Each with a mailbox: what may have been sent when a gateway died counts for its 30 a minute as well. */
const DEVICES = 3;

/** When its files are gone, it still makes sure that they are. */
const LAST_STEPS_MS = 150;

/** Of no step. */
const NOBODY = 'nobody';

const sizeOf = (death: Death): number => (death.by === 'itself' ? death.sizeBytes : 0);

/** A gateway with a device that dies again and again, and each time inherits what it has left. */
export const startStepLane = async (
  site: Site,
  { name, way, script, compileCache }: { name: string; way: GatewayWay; script: string; compileCache: string },
): Promise<StepLane> => {
  const doomFile = join(site.world.folder, `${name}.doom`);
  const own = { NODE_COMPILE_CACHE: compileCache, DOOM_FILE: doomFile };
  const env: Environment = { ...(await site.gatewayEnv(name, { way })), ...own };
  const port = Number(env.GATEWAY_SMTP_PORT);
  const spool = join(String(env.GATEWAY_DATA_DIR), 'spool', 'submissions');
  const devices: SiteDevice[] = [];
  for (let number = 0; number < DEVICES; number++) devices.push(await site.addDevice(`${name}-${number}`));
  let count = 0;
  let gateway: SpawnedGateway;
  let steps: string[] = [];
  let armed = (): void => undefined;

  const start = async (): Promise<void> => {
    gateway = spawnGateway(env, { script, nodeArgs: [`--import=${STEPS}`] });
    gateway.onLine((line) => {
      if (line.startsWith('{"step"')) steps.push(String(JSON.parse(line).step));
      if (line.startsWith('{"armed"')) armed();
    });
    await gateway.ready;
  };

  /** Sent, told, and done with. */
  const settled = async (): Promise<void> => {
    try {
      await eventually(`${name} has sent all`, async () =>
        (await readdir(spool)).some((file) => file.startsWith('sub_')) ? undefined : true,
      );
    } catch (error) {
      throw new Error(`${await readdir(spool)} is left by ${gateway.output()}`, { cause: error });
    }
    await sleep(LAST_STEPS_MS);
  };

  const arm = async (doom: string): Promise<void> => {
    await writeFile(doomFile, doom);
    const { promise, resolve } = Promise.withResolvers<void>();
    armed = resolve;
    gateway.signal('SIGUSR2');
    await promise;
    steps = [];
  };

  const deviceOf = (round: number): SiteDevice => devices[round % DEVICES] as SiteDevice;

  const give = (device: SiteDevice, subject: string, sizeBytes: number): Promise<HandedIn> =>
    handIn({ ...device, port, content: scanNamed(subject, sizeBytes) });

  await start();
  return {
    async calm(sizeBytes) {
      await arm(NOBODY);
      const handed = await give(deviceOf(0), `${name}-calm-${count++}`, sizeBytes);
      assert.equal(handed.outcome, 'accepted', JSON.stringify(handed));
      await settled();
      return steps;
    },

    async round(death) {
      const device = deviceOf(count);
      const subject = `${name}-${count++}`;
      await arm(death.by === 'itself' ? death.step : NOBODY);
      const onStrike = (): void => gateway.signal('SIGKILL');
      const set =
        death.by === 'server'
          ? site.line.at(death.step, { kind: 'drop', side: death.side }, { user: device.from, onStrike })
          : undefined;
      const handed = await give(device, subject, sizeOf(death));
      const late = setTimeout(() => gateway.signal('SIGKILL'), REACHED_WITHIN_MS);
      assert.equal(await gateway.ended, null, `it ended by itself: ${gateway.output()}`);
      clearTimeout(late);
      const wasReached = death.by === 'server' ? set?.strikes() === 1 : steps.at(-1) === death.step;
      await start();
      const wasRepeated = handed.outcome !== 'accepted' && count % 2 === 0;
      if (wasRepeated) {
        const again = await give(device, subject, sizeOf(death));
        assert.equal(again.outcome, 'accepted', JSON.stringify(again));
      }
      await settled().catch((error: unknown) => {
        throw new Error(`after ${JSON.stringify(death)}`, { cause: error });
      });
      const arrived = await eventually(`${subject} arrives`, async () => {
        const copies = await site.copies((one) => one === subject);
        // By the relay it has been handed over, and is on its way.
        return copies.length > 0 || (handed.outcome !== 'accepted' && !wasRepeated) ? copies : undefined;
      });
      const groups = Map.groupBy(arrived, ({ messageId }: Copy) => messageId);
      const copies = [...groups.values()].map(({ length }) => length);
      return { death, wasReached, outcome: handed.outcome, wasRepeated, copies };
    },

    async close() {
      gateway.signal('SIGKILL');
      await gateway.ended;
    },
  };
};
