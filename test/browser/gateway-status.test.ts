import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type StatusServer, startStatusServer } from '../../gateway/status/server.ts';
import type { GatewayStatus } from '../../gateway/status/status.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { desk, entry, goodDay, NOW, PASSWORD, statusOffice } from '../unit/gateway/status-support.ts';
import { assertAccessible, launchChromium, openPage, withoutChromium } from './chromium.ts';

const STATES = ['queued', 'sending', 'deferred', 'held', 'failed'] as const;

/** Everything that may go wrong, with names that hardly fit. */
const badDay = (): GatewayStatus => {
  const fingerprint = Array.from({ length: 32 }, () => 'A7').join(':');
  return goodDay({
    broker: () => ({ state: 'unreachable', since: NOW - 300, detail: 'connect ECONNREFUSED 192.0.2.7:443' }),
    queue: () =>
      STATES.map((state) =>
        entry({ state }, { id: `sub_${state}`, account: 'scanner.of.the.second.floor@a-long-name.contoso.example' }),
      ),
    listeners: () =>
      goodDay()
        .listeners()
        .map((one) => ({ ...one, isAccepting: false })),
    certificate: () => ({
      notAfter: NOW + 86_400,
      fingerprint,
      authority: { certificate: 'not looked at here', fingerprint, notAfter: NOW + 900 * 86_400 },
    }),
    spool: async () => ({ isWritable: false, freeBytes: 0, reason: 'ENOSPC' }),
  });
};

const VIEWPORTS = [
  ['desk', { width: 1280, height: 800 }],
  ['phone', { width: 390, height: 844 }],
] as const;

describe('the status page of a gateway in a browser', { skip: withoutChromium }, () => {
  const { done, actions } = desk();
  let browser: Browser;
  let server: StatusServer;
  let origin: string;
  before(async () => {
    browser = await launchChromium();
    server = await startStatusServer({
      host: '127.0.0.1',
      port: 0,
      app: statusOffice({ status: badDay(), actions }).app,
    });
    origin = `http://127.0.0.1:${server.port}`;
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
  const httpCredentials = { username: 'admin', password: PASSWORD };

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing that axe objects to, in the ${colorScheme} scheme`, async () => {
      const { page, context } = await openPage(browser, { colorScheme, bypassCSP: true, httpCredentials });
      for (const path of ['/', '/?done=resent', '/messages/sub_held/remove']) {
        await page.goto(origin + path);
        await assertAccessible(page);
      }
      await context.close();
    });
  }

  for (const [place, viewport] of VIEWPORTS) {
    it(`fits the screen at a ${place}, in every language`, async () => {
      for (const locale of LANGUAGES) {
        const { page, context, complaints } = await openPage(browser, { viewport, locale, httpCredentials });
        await page.goto(origin);
        assert.equal(await page.getAttribute('html', 'lang'), locale);
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        assert.equal(overflow, 0, locale);
        assert.deepEqual(complaints, []);
        await context.close();
      }
    });
  }

  it('sends a message again, and removes one after a question, with its policy in force', async () => {
    const { page, context, complaints } = await openPage(browser, { httpCredentials });
    await page.goto(origin);
    await page.getByRole('button', { name: 'Send again sub_failed' }).click();
    await page.getByText('The message will be sent again.').waitFor();
    await page.getByRole('link', { name: 'Remove sub_held' }).click();
    await page.getByRole('button', { name: 'Remove message sub_held' }).click();
    await page.getByText('The message was removed.').waitFor();
    assert.deepEqual(done, ['resend sub_failed', 'remove sub_held']);
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
