import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type BrokerProcess, startBroker } from '../../local/demo/broker-process.ts';
import { STAND_IN_PASSWORD } from '../../local/stand-ins/identity/accounts.ts';
import { launchChromium, openPage, withoutChromium } from './chromium.ts';

const ADMIN_KEY = 'browser-admin-key-0123456789';

const PROVIDERS = [
  { name: 'microsoft', label: 'Microsoft', address: 'scanner@contoso.example' },
  { name: 'google', label: 'Google', address: 'scanner@gmail.example' },
] as const;

describe('the journey in Chromium without JavaScript', { skip: withoutChromium }, () => {
  let browser: Browser;
  let broker: BrokerProcess;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-broker-browser-'));
    browser = await launchChromium();
    broker = await startBroker({
      BROKER_PORT: '0',
      STAND_IN_PORT: '0',
      STAND_IN_SMTP_PORT: '0',
      STAND_IN_POP_PORT: '0',
      STAND_IN_IMAP_PORT: '0',
      BROKER_DATA_DIR: folder,
      BROKER_ADMIN_KEY: ADMIN_KEY,
    });
  });

  after(async () => {
    await browser?.close();
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const { name, label, address } of PROVIDERS) {
    it(`leads from the login through a sign-in at ${label} to a message that arrived`, async () => {
      const { page, context, complaints } = await openPage(browser, { javaScriptEnabled: false });
      const status = (words: string) => page.locator('main').getByText(words, { exact: true }).first().waitFor();

      await page.goto(broker.ready.url);
      await page.getByLabel('Admin key').fill(ADMIN_KEY);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByRole('link', { name: 'New organization' }).click();
      await page.getByLabel('Name').fill(`Office with ${label}`);
      await page.getByRole('button', { name: 'New organization' }).click();
      await page.getByText('The organization was created.').waitFor();

      await page.getByRole('link', { name: 'Add mailbox' }).click();
      await page.getByLabel('Provider').selectOption(name);
      await page.getByLabel('Address', { exact: true }).fill(address);
      await page.getByRole('button', { name: 'Add mailbox' }).click();
      await status('Not acquired');

      await page.getByRole('button', { name: 'Sign in' }).click();
      const signIn = page.url();
      await page.getByRole('link', { name: 'Look at the mailbox' }).click();
      await status('Waiting for authentication');
      const mailbox = page.url();
      await page.goto(signIn);
      await page.getByRole('link', { name: `Continue to ${label}` }).click();
      await page.locator('input[name=username]').fill(address);
      await page.locator('input[name=password]').fill(STAND_IN_PASSWORD);
      await page.locator('button[value=sign-in]').click();
      await page.locator('button[value=accept]').click();
      await page.locator('main[data-result=completed]').waitFor();
      await page.goto(mailbox);
      await status('Acquired');

      await page.getByRole('link', { name: `Office with ${label}` }).click();
      await page.getByRole('link', { name: 'Add device' }).click();
      await page.getByLabel('Name').fill('Scanner at reception');
      await page.getByRole('button', { name: 'Add device' }).click();
      await page.getByText('This is shown only once.').waitFor();
      const [, clientId, secret] = /curl -u (\w{12}):(\w{24}) /.exec(await page.locator('main').innerText()) ?? [];
      assert.ok(clientId && secret, 'the page shows client id and secret');
      await page.getByRole('link', { name: 'Assign a mailbox' }).click();
      await page.getByLabel('Function').selectOption('scan');
      await page.getByLabel('Mailbox', { exact: true }).selectOption({ label: address });
      await page.getByRole('button', { name: 'Assign', exact: true }).click();
      await page.getByText('The mailbox was assigned.').waitFor();

      const message = `From: ${address}\r\nTo: you@example.org\r\nSubject: From the browser ${label}\r\n\r\nHello\r\n`;
      const accepted = await fetch(`${broker.ready.url}/v1/messages`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
          'content-type': 'message/rfc822',
        },
        body: message,
      });
      assert.equal(accepted.status, 202, await accepted.text());

      const row = page.getByRole('row').filter({ hasText: address });
      await page.goto(`${broker.ready.url}/console/submissions`);
      for (let look = 0; look < 50 && (await row.getByText('Sent', { exact: true }).count()) === 0; look++) {
        await page.waitForTimeout(100);
        await page.reload();
      }
      await row.getByText('Sent', { exact: true }).first().waitFor();
      await page.goto(broker.ready.inbox ?? '');
      await page.getByText(`From the browser ${label}`).first().waitFor();
      assert.deepEqual(complaints, []);
      await context.close();
    });
  }
});
