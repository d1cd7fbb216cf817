import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type ServerType, serve } from '@hono/node-server';
import type { Browser } from 'playwright-core';
import { TEST_PAUSE_SECONDS, type TestStep } from '../../shared/domain/connection-test.ts';
import { ok } from '../../shared/domain/result.ts';
import { ADMIN_KEY, type ConsoleOverMemory, consoleOverMemory, furnished } from '../fakes/console.ts';
import { assertAccessible, launchChromium, openPage, withoutChromium } from './chromium.ts';

const FACTS = { host: 'smtp.office365.com', port: 587, protocol: 'SMTP', account: 'scan@contoso.com' };
const CERTIFICATE = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  certificate: 'outlook.com, *.hotmail.com, *.internal.outlook.com, *.live.com, …',
  issuer: 'An authority with a name of some length',
  expires: '2027-05-20',
};
const REPLY =
  '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [AM0PR02CA0101.eurprd02.prod.outlook.com 2026-11-21T10:00:00.000Z 08DC0123456789AB]';

const STEPS: readonly TestStep[] = [
  { step: 'tls', durationMs: 30, outcome: 'passed', seen: 'tls', facts: { ...FACTS, ...CERTIFICATE } },
  {
    ...{ step: 'auth', durationMs: 345, outcome: 'failed', why: 'smtp_switched_off', facts: FACTS },
    error: { kind: 'smtp_switched_off', detail: REPLY, correlationId: '0f4a7e0c-33f4-4c1e-9f1e-0d6c2b8f7a11' },
  },
];

describe('the connection test in Chromium', { skip: withoutChromium }, () => {
  let browser: Browser;
  let broker: ConsoleOverMemory;
  let server: ServerType;
  let origin: string;
  let path: string;

  before(async () => {
    browser = await launchChromium();
    const known = { account: 'scan@contoso.com', durationMs: 400, route: 'smtp' } as const;
    const test = { ...known, direction: 'send', protocol: 'smtp', steps: STEPS } as const;
    broker = consoleOverMemory({ mailboxTester: { test: async () => ok(test) } });
    const { scan } = await furnished(broker);
    path = `/console/mailboxes/${scan.id}`;
    await new Promise<void>((ready) => {
      server = serve({ fetch: broker.app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }: AddressInfo) => {
        origin = `http://127.0.0.1:${port}`;
        ready();
      });
    });
  });
  after(async () => {
    server?.close();
    await browser?.close();
  });

  for (const [where, viewport] of [
    ['at a desk', { width: 1280, height: 800 }],
    ['on a phone', { width: 390, height: 844 }],
  ] as const) {
    it(`is made from the page of the mailbox, and its result can be read by everybody, ${where}`, async () => {
      const { page, context, complaints } = await openPage(browser, { viewport, bypassCSP: true });
      await page.goto(origin);
      await page.getByLabel('Admin key').fill(ADMIN_KEY);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      await page.goto(`${origin}${path}`);
      await page.getByRole('link', { name: 'Test connection' }).click();
      await page.getByLabel('What is tested').selectOption({ label: 'Sending (SMTP)' });
      await page.getByRole('button', { name: 'Test', exact: true }).click();
      await page.getByText('Failed at: Sign-in at the server.').waitFor();
      await page.getByText('SmtpClientAuthentication is disabled for the Tenant').waitFor();
      await assertAccessible(page);
      const isWide = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
      assert.equal(isWide, false);
      assert.deepEqual(complaints, []);
      await context.close();
      await broker.clock.advance(TEST_PAUSE_SECONDS * 1000);
    });
  }
});
