import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenVerdict } from '../../../local/stand-ins/identity/token-check.ts';
import { startStandIns } from '../../../local/stand-ins/start.ts';
import { freePort } from '../support.ts';

/** A provider that issues tokens, and whose mail server is somebody else. */
export interface Provider {
  /** For whatever its test has to keep. */
  readonly folder: string;
  /** Whether the mail server would take it, and for whom. */
  verifyToken(accessToken: string): Promise<TokenVerdict>;
  /** For a broker that is to use the mail server, of which `ca` is what it trusts. */
  brokerEnv(server: {
    readonly host: string;
    readonly port: number;
    readonly ca: string;
  }): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

export const startProvider = async (): Promise<Provider> => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-provider-'));
  const port = await freePort();
  const callback = (name: string): readonly string[] => [`http://localhost:${port}/oauth/callback/${name}`];
  const { identity, providers, close } = await startStandIns({
    ...{ providers: ['microsoft'], host: '127.0.0.1', httpPort: 0, smtpPort: 0 },
    folder: join(folder, 'stand-ins'),
    redirectUris: { microsoft: callback('microsoft'), google: callback('google') },
  });
  return {
    folder,
    verifyToken: async (accessToken) =>
      (await identity.microsoft?.verifyToken(accessToken, 'smtp')) ?? { outcome: 'refused', why: 'unknown' },
    async brokerEnv({ host, port: smtpPort, ca }) {
      const [authority, config] = [join(folder, 'authority.pem'), join(folder, 'broker.json')];
      await writeFile(authority, ca);
      const smtp = { host, port: smtpPort, security: 'starttls', ca_file: authority };
      const { client_id, client_secret, endpoints } = providers.microsoft ?? {};
      await writeFile(
        config,
        JSON.stringify({ providers: { microsoft: { client_id, client_secret, endpoints, smtp } } }),
      );
      return { BROKER_PORT: port, BROKER_CONFIG: config };
    },
    async close() {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
