import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import {
  ADDRESSES,
  type Bound,
  bind,
  enrolmentToken,
  eventually,
  freePort,
  type Json,
  signedInDevice,
  type WireBroker,
  wireBroker,
} from '../support.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';

/** A broker with its stand-ins, a device with a signed-in mailbox, and a gateway: each a real process. */
export interface GatewayOffice extends Bound {
  readonly broker: WireBroker;
  /** The gateway of just now. */
  readonly gateway: GatewayProcess;
  readonly folder: string;
  readonly ports: { readonly smtp: number; readonly smtps: number; readonly pop3: number };
  /** Changes the settings file; SIGHUP or a restart has it take effect. */
  configure(settings: Json): Promise<void>;
  /** Starts the gateway again, on the same folder and ports, after it was stopped or killed. */
  restart(): Promise<void>;
  /** Asks the status page's server. */
  page(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export interface OfficeOptions {
  readonly provider?: ProviderName;
  /** Of the gateway's settings file. */
  readonly settings?: Json;
  readonly gatewayEnv?: Readonly<Record<string, string>>;
  readonly brokerEnv?: Readonly<Record<string, string>>;
  /** By which the gateway reaches the broker, in place of its own address. */
  readonly brokerUrl?: (url: string) => string | Promise<string>;
}

export const gatewayOffice = async (options: OfficeOptions = {}): Promise<GatewayOffice> => {
  const { provider = 'microsoft', settings = {}, gatewayEnv = {}, brokerEnv = {}, brokerUrl = (url) => url } = options;
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  // A port of its own, so that the broker can be away for a while and come back.
  const broker = await wireBroker({ BROKER_PORT: await freePort(), ...brokerEnv });
  const bound = await signedInDevice(broker, provider, ADDRESSES[provider]);
  await bind(broker, bound.device.clientId, 'receive', bound.mailboxId);
  const file = join(folder, 'gateway.json');
  const configure = (changed: Json): Promise<void> =>
    writeFile(
      file,
      JSON.stringify({
        provider_ca_file: join(broker.folder, 'stand-ins', 'stand-in.crt'),
        name: 'localhost',
        ...changed,
      }),
    );
  await configure(settings);
  const ports = { smtp: await freePort(), smtps: await freePort(), pop3: await freePort() };
  const env = {
    GATEWAY_CONFIG: file,
    GATEWAY_HOST: '127.0.0.1',
    GATEWAY_BROKER_URL: await brokerUrl(broker.url),
    GATEWAY_ENROLMENT_TOKEN: await enrolmentToken(broker, bound.organizationId),
    GATEWAY_DATA_DIR: join(folder, 'data'),
    GATEWAY_SMTP_PORT: ports.smtp,
    GATEWAY_SMTPS_PORT: ports.smtps,
    GATEWAY_POP3_PORT: ports.pop3,
    GATEWAY_STATUS_PORT: await freePort(),
    ...gatewayEnv,
  };
  let gateway = await startGatewayProcess(env).catch(async (error: unknown) => {
    await broker.close();
    throw error;
  });
  return {
    ...bound,
    broker,
    folder,
    ports: { smtp: Number(ports.smtp), smtps: Number(ports.smtps), pop3: Number(ports.pop3) },
    configure,
    get gateway() {
      return gateway;
    },
    async restart() {
      gateway = await startGatewayProcess(env);
    },
    page: (path, init) => fetch(new URL(path, gateway.ready.status), init),
    async close() {
      await gateway.kill();
      await broker.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** What the console lists, as soon as `fits` says so. */
export const listed = (
  { broker }: Pick<GatewayOffice, 'broker'>,
  what: string,
  fits: (submissions: readonly Json[]) => boolean,
): Promise<readonly Json[]> =>
  eventually(what, async () => {
    const { submissions } = await broker.administer('GET', '/submissions?limit=200');
    assert.ok(Array.isArray(submissions));
    return fits(submissions) ? submissions : undefined;
  });
