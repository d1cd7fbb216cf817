import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '../../local/demo/broker-process.ts';
import { walkJourney } from '../../local/demo/journey.ts';
import { scannedPdf } from '../../local/demo/scan.ts';
import { median, milliseconds, print, timed } from './figures.ts';

const ROUNDS = 5;

/** From nothing to the ready line, on an empty data folder; then one provider's journey with a 3 MB scan. */
export const benchJourney = async (): Promise<void> => {
  const pdf = await scannedPdf(6);
  const starts: number[] = [];
  const journeys: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
    const broker = await startBroker({
      BROKER_PORT: '0',
      STAND_IN_PORT: '0',
      STAND_IN_SMTP_PORT: '0',
      STAND_IN_POP_PORT: '0',
      STAND_IN_IMAP_PORT: '0',
      BROKER_DATA_DIR: folder,
      BROKER_ADMIN_KEY: 'bench-admin-key',
    });
    try {
      starts.push(broker.startedInMs);
      const options = { broker: broker.ready, adminKey: 'bench-admin-key', pdf, tell: () => undefined };
      journeys.push(
        await timed(() => walkJourney({ ...options, provider: 'microsoft', address: 'scanner@contoso.example' })),
      );
    } finally {
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  print(`One machine (medians of ${ROUNDS})`, [
    ['start to ready, process and stand-ins included', milliseconds(median(starts))],
    ['journey: set up, sign in, fetch, send 4.1 MB', milliseconds(median(journeys))],
  ]);
};
