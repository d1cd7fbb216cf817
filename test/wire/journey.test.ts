import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { walkJourney } from '../../local/demo/journey.ts';
import { scannedPdf } from '../../local/demo/scan.ts';
import { PROVIDERS } from '../../shared/domain/provider.ts';
import { ADDRESSES, ADMIN_KEY, type WireBroker, wireBroker } from './support.ts';

const DEMO = fileURLToPath(new URL('../../local/demo/main.ts', import.meta.url));

describe('the whole journey', () => {
  let broker: WireBroker;
  before(async () => {
    broker = await wireBroker();
  });
  after(() => broker.close());

  for (const provider of PROVIDERS) {
    test(`is walked with a mailbox at ${provider}, from registration to the message in the inbox`, async () => {
      const steps: string[] = [];
      await walkJourney({
        broker: { url: broker.url, inbox: broker.inbox },
        adminKey: ADMIN_KEY,
        provider,
        address: ADDRESSES[provider],
        pdf: await scannedPdf(1),
        tell: (step) => steps.push(step),
      });
      assert.equal(steps.length, 8);
    });
  }

  test('stops at once when it is told to, and says goodbye with 0', async () => {
    assert.equal(await broker.stop(), 0);
  });
});

describe('the demo', () => {
  test('walks both journeys unattended and ends with 0', async () => {
    const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
    const env = { PATH, HOME, NODE_COMPILE_CACHE };
    const { stdout } = await promisify(execFile)(process.execPath, [DEMO], { env, timeout: 60_000 });
    assert.match(stdout, /^The journey works for both providers/m);
  });
});
