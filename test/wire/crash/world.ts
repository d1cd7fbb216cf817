import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { tokensFromText } from '../../../shared/adapters/envelope/token-version.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import { LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { type RotatingOAuth, type Rotation, startRotatingOAuth } from '../../fakes/rotating-oauth.ts';
import { type Broker, composeBroker, type Place, type Registration, TABLE_NAME, VAULT_PREFIX } from './composition.ts';
import { bundledBroker } from './program.ts';

export type VaultKind = Place['vault'];

/** Long enough to be killed in, short enough for hundreds of rounds. */
const PROVIDER_LATENCY_MS = 10;

const CLIENT = { clientId: 'the-broker', clientSecret: 'a-client-secret-that-nobody-may-see' };

/** One vault and one provider, and what can be asked of them whoever is dead. */
export interface Setting {
  readonly place: Place;
  readonly registration: Registration;
  readonly server: RotatingOAuth;
  /** A broker of its own, whose clock is ahead of the system's, or behind it. */
  composed(aheadSeconds: number): Promise<Broker>;
  /** Every refresh token that a reader of the vault could still come by. */
  durableTokens(mailboxId: string): Promise<readonly string[]>;
}

const startAws = async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'aws.ts'), TABLE_NAME], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const endpoints: { readonly dynamodb: string; readonly secretsManager: string } = JSON.parse(line);
  const close = async (): Promise<void> => {
    child.stdin.end();
    await once(child, 'close');
  };
  return { endpoints, close };
};

/** What outlives every process. */
export const startWorld = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-crash-'));
  const aws = await startAws();
  const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: aws.endpoints.secretsManager });
  const serverOf = (rotation: Rotation) => startRotatingOAuth({ ...CLIENT, rotation, latencyMs: PROVIDER_LATENCY_MS });
  const servers = {
    strict: await serverOf('strict'),
    lenient: await serverOf('lenient'),
    none: await serverOf('none'),
  };

  const labelled = async (mailboxId: string, VersionStage: string): Promise<readonly string[]> => {
    try {
      const sent = new GetSecretValueCommand({ SecretId: VAULT_PREFIX + mailboxId, VersionStage });
      const { SecretString = '' } = await secrets.send(sent);
      return [tokensFromText(SecretString).tokens.refreshToken];
    } catch {
      return [];
    }
  };

  return {
    program: await bundledBroker(folder),

    settingOf(vault: VaultKind, rotation: Rotation): Setting {
      const server = servers[rotation];
      const place: Place = vault === 'envelope' ? { vault, folder } : { vault, folder, ...aws.endpoints };
      const registration: Registration = {
        ...CLIENT,
        provider: rotation === 'none' ? 'google' : 'microsoft',
        endpoints: server.endpoints,
        refreshTokenRotation: rotation === 'lenient' ? 'lenient' : 'strict',
      };
      const composed = (aheadSeconds: number): Promise<Broker> => {
        const clock = { ...systemClock, now: () => systemClock.now() + aheadSeconds * 1000 };
        return composeBroker({ place, registration }, { clock, log: memoryLog() });
      };
      const inEnvelope = async (mailboxId: string): Promise<readonly string[]> => {
        const broker = await composed(0);
        const stored = await broker.vault.read(mailboxId);
        broker.close();
        return stored ? [stored.refreshToken] : [];
      };
      const inSecret = async (mailboxId: string) =>
        (await Promise.all(['AWSCURRENT', 'AWSPENDING'].map((label) => labelled(mailboxId, label)))).flat();
      return {
        ...{ place, registration, server, composed },
        durableTokens: vault === 'envelope' ? inEnvelope : inSecret,
      };
    },

    async close(): Promise<void> {
      secrets.destroy();
      await Promise.all([aws, ...Object.values(servers)].map((server) => server.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export type World = Awaited<ReturnType<typeof startWorld>>;
