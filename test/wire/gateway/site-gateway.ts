import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { eventually, type Json, signIn } from '../support.ts';
import { authPlain, type HandedIn, handIn, openCall, scanNamed } from './device.ts';
import { type Environment, type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import type { Site, SiteDevice } from './site.ts';

const QUICK_TIME = pathToFileURL(join(import.meta.dirname, 'quick-time.ts')).href;

/** So many times as fast goes the time of a quick gateway. */
export const SPEED = 10;

/** Of its time; and what a small machine needs for it in ours. */
export const withinSeconds = (seconds: number): number => (seconds * 1000) / SPEED + 6_000;

export interface SiteGatewayOptions {
  /** Of its settings file. */
  readonly settings?: Json;
  readonly env?: Environment;
  readonly isQuick?: boolean;
}

/** A gateway of a site, which can be stopped and started again. */
export interface SiteGateway {
  /** The one of just now. */
  readonly process: GatewayProcess;
  readonly env: Environment;
  readonly port: number;
  /** All that it has written since the first start. */
  output(): string;
  start(): Promise<void>;
  /** Changes its settings file; SIGHUP or a restart has it take effect. */
  configure(settings: Json): Promise<void>;
  /** What its status page shows an administrator. */
  page(path?: string): Promise<string>;
  handIn(
    device: SiteDevice,
    subject: string,
    changes?: { to?: readonly string[]; content?: string },
  ): Promise<HandedIn>;
  /** The same, and it is accepted: its submission's id. */
  accept(...args: Parameters<SiteGateway['handIn']>): Promise<string>;
  /** The reply to the device's AUTH. */
  signIn(device: Pick<SiteDevice, 'clientId' | 'clientSecret'>): Promise<string>;
  close(): Promise<void>;
}

export const startSiteGateway = async (
  site: Site,
  name: string,
  { settings = {}, env: more = {}, isQuick = false }: SiteGatewayOptions = {},
): Promise<SiteGateway> => {
  const env: Environment = {
    ...(await site.gatewayEnv(name, settings)),
    ...(isQuick ? { QUICK_TIME: String(SPEED) } : {}),
    ...more,
  };
  const start = () => startGatewayProcess(env, isQuick ? { nodeArgs: [`--import=${QUICK_TIME}`] } : {});
  let process = await start();
  let before = '';
  const port = Number(env.GATEWAY_SMTP_PORT);

  const hand: SiteGateway['handIn'] = (device, subject, { content = scanNamed(subject), ...changes } = {}) =>
    handIn({ ...device, port, content, ...changes });

  return {
    get process() {
      return process;
    },
    env,
    port,
    output: () => before + process.output(),
    async start() {
      before += process.output();
      process = await start();
    },
    configure: (changed) =>
      writeFile(
        String(env.GATEWAY_CONFIG),
        JSON.stringify({ name: 'localhost', provider_ca_file: site.caFile, ...changed }),
      ),
    async page(path = '/') {
      const password = (await readFile(join(String(env.GATEWAY_DATA_DIR), 'status-password'), 'utf8')).trim();
      const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
      const reply = await fetch(new URL(path, `http://127.0.0.1:${env.GATEWAY_STATUS_PORT}`), {
        headers: { authorization, 'accept-language': 'en' },
      });
      assert.equal(reply.status, 200, path);
      return reply.text();
    },
    handIn: hand,
    async accept(...args) {
      const handed = await hand(...args);
      const lastLines = process.output().split('\n').slice(-8).join('\n');
      assert.equal(handed.outcome, 'accepted', `${JSON.stringify(handed)}: ${lastLines}`);
      return handed.outcome === 'accepted' ? handed.id : '';
    },
    async signIn(device) {
      const call = await openCall(port);
      try {
        await call.reply();
        await call.say('EHLO printer');
        return (await call.say(authPlain(device))) ?? 'hung up';
      } finally {
        call.close();
      }
    },
    close: () => process.kill(),
  };
};

/** A sign-in is known by its second, and no person is back within the one of the last. */
const NEXT_SECOND_MS = 1_100;

export const signInAgain = async ({ broker }: Site, { mailboxId, from }: SiteDevice): Promise<void> => {
  await sleep(NEXT_SECOND_MS);
  await signIn(broker, mailboxId, { username: from });
};

/** As the console shows it; undefined: it knows of none. */
export const submissionOf = async ({ broker }: Site, id: string): Promise<Json | undefined> => {
  const { status, body } = await broker.admin('GET', `/submissions/${id}`);
  return status === 200 ? body : undefined;
};

/** Waits until the console shows a submission in this state. */
export const shownAs = async (site: Site, id: string, state: string, limitMs?: number): Promise<Json> => {
  let last: Json | undefined;
  try {
    return await eventually(
      `${id} is ${state}`,
      async () => {
        last = await submissionOf(site, id);
        return last?.state === state ? last : undefined;
      },
      limitMs,
    );
  } catch (error) {
    throw new Error(`${id} is not ${state}: ${JSON.stringify(last)}`, { cause: error });
  }
};

/** Waits until so many copies of it have arrived. */
export const arrives = (site: Site, subject: string, count = 1, limitMs?: number) =>
  eventually(
    `${count} times ${subject}`,
    async () => {
      const copies = await site.copies((one) => one === subject);
      return copies.length >= count ? copies : undefined;
    },
    limitMs,
  );
