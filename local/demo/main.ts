/** `npm run demo`: the whole journey for both providers, unattended; the exit code tells. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProviderName } from '../../shared/domain/provider.ts';
import { startBroker } from './broker-process.ts';
import { walkJourney } from './journey.ts';
import { scannedPdf } from './scan.ts';

const ADDRESSES = { microsoft: 'scanner@contoso.example', google: 'scanner@gmail.example' } as const;

/** Six pages come to 3 MB, which is 4.1 MB in base64: near the 4.5 MB that one request takes. */
const PAGES = 6;

const folder = await mkdtemp(join(tmpdir(), 'token-broker-demo-'));
const adminKey = 'demo-admin-key-0123456789';
const env = {
  BROKER_PORT: '0',
  STAND_IN_PORT: '0',
  STAND_IN_SMTP_PORT: '0',
  STAND_IN_POP_PORT: '0',
  STAND_IN_IMAP_PORT: '0',
  BROKER_DATA_DIR: folder,
  BROKER_ADMIN_KEY: adminKey,
};
const startedAt = performance.now();
const broker = await startBroker(env);
let step = 0;
const tell = (text: string): void => console.log(`${String(++step).padStart(3)}. ${text}`);

try {
  tell(`the broker runs at ${broker.ready.url}, ready in ${Math.round(broker.startedInMs)} ms`);
  const pdf = await scannedPdf(PAGES);
  for (const provider of Object.keys(ADDRESSES) as ProviderName[]) {
    console.log(`\n${provider}`);
    await walkJourney({ broker: broker.ready, adminKey, provider, address: ADDRESSES[provider], pdf, tell });
  }
  console.log(`\nThe journey works for both providers (${Math.round(performance.now() - startedAt)} ms).`);
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}\n\nThe broker's log:\n${broker.output()}`);
  process.exitCode = 1;
} finally {
  await broker.stop();
  await rm(folder, { recursive: true, force: true });
}
