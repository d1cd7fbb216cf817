import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type BrokerProcess, startBroker } from '../../local/demo/broker-process.ts';
import { STAND_IN_PASSWORD } from '../../local/stand-ins/identity/accounts.ts';
import { assertAccessible, launchChromium, openPage, withoutChromium } from './chromium.ts';

const ADMIN_KEY = 'browser-admin-key-0123456789';

/** As small as the browsers of panels. */
const PANEL = { width: 480, height: 272 };

describe('pairing in Chromium without JavaScript', { skip: withoutChromium }, () => {
  let browser: Browser;
  let broker: BrokerProcess;
  let folder: string;
  let basic: string;

  const administer = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    return (await fetch(`${broker.ready.url}/v1/admin${path}`, init)).json() as Promise<Record<string, string>>;
  };
  const post = async (path: string, form: Record<string, string>) => {
    const init = { method: 'POST', headers: { authorization: basic }, body: new URLSearchParams(form) };
    return (await fetch(`${broker.ready.url}${path}`, init)).json() as Promise<Record<string, string>>;
  };

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
    const { organization_id } = await administer('/organizations', { name: 'Contoso' });
    const metadata = { client_name: 'Copier', vendor: 'Konica Minolta', model: 'bizhub C360i', location: '2nd floor' };
    const device = await administer(`/organizations/${organization_id}/devices`, metadata);
    basic = `Basic ${Buffer.from(`${device.client_id}:${device.client_secret}`).toString('base64')}`;
  });

  after(async () => {
    await browser?.close();
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [provider, address] of [
    ['Microsoft', 'jan@contoso.example'],
    ['Google', 'jan@gmail.example'],
  ] as const) {
    it(`leads from the code at the panel through a sign-in at ${provider} to a token, in Polish`, async () => {
      const begun = await post('/oauth/device_authorization', { slot: `user:${provider}` });
      const { page, context, complaints } = await openPage(browser, {
        javaScriptEnabled: false,
        locale: 'pl-PL',
        viewport: PANEL,
      });
      await page.goto(String(begun.verification_uri));
      await page.getByLabel('Kod').fill(String(begun.user_code).toLowerCase().replace('-', ' '));
      await page.getByRole('button', { name: 'Dalej' }).click();
      await page.getByText('bizhub C360i').waitFor();
      await page.getByText('2nd floor').waitFor();
      await page.locator('select[name=provider]').selectOption({ label: provider });
      await page.getByRole('button', { name: 'Dalej i zaloguj się' }).click();
      await page.locator('input[name=username]').fill(address);
      await page.locator('input[name=password]').fill(STAND_IN_PASSWORD);
      await page.locator('button[value=sign-in]').click();
      await page.locator('button[value=accept]').click();
      await page.locator('main[data-result=completed]').waitFor();
      await page.getByText('wrócić do urządzenia').waitFor();
      const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
      const token = await post('/oauth/token', { grant_type, device_code: String(begun.device_code) });
      assert.equal(token.account, address);
      assert.deepEqual(complaints, []);
      await context.close();
    });
  }

  it('can be used by everybody, in another language if the person likes', async () => {
    const begun = await post('/oauth/device_authorization', { slot: 'user:eva' });
    const { page, context, complaints } = await openPage(browser, { viewport: PANEL, bypassCSP: true });
    await page.goto(String(begun.verification_uri_complete));
    await assertAccessible(page);
    await page.getByRole('button', { name: 'Dansk' }).click();
    await page.getByRole('heading', { name: 'Tilslut en enhed' }).waitFor();
    await page.getByRole('button', { name: 'Fortsæt' }).click();
    await page.getByText('Er det din enhed?').first().waitFor();
    await assertAccessible(page);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(Number(overflow) <= 0, `the page is ${overflow} pixels too wide`);
    assert.deepEqual(complaints, []);
    await context.close();
  });
});
