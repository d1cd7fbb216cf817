import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type ServerType, serve } from '@hono/node-server';
import type { Browser, Page } from 'playwright-core';
import { signInResultPage } from '../../console/pages/sign-in-result.ts';
import { pageHeaders } from '../../shared/adapters/http/pages.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import {
  ADMIN_KEY,
  type ConsoleOverMemory,
  consoleOverMemory,
  consolePages,
  type Furnished,
  furnished,
  troubled,
  troubledPages,
} from '../fakes/console.ts';
import { assertAccessible, launchChromium, openPage, withoutChromium } from './chromium.ts';

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };

/** What reaches over the edge of the page, or into its margin. */
const OVERFLOWING = `(() => {
  const main = document.querySelector('main');
  const edge = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight) + 1;
  const over = [...main.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > edge);
  const isWide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  return [...over.map((element) => element.outerHTML.slice(0, 200)), ...(isWide ? ['the page itself'] : [])];
})()`;

/** The console over memory behind a real server, with the page that ends a sign-in beside it. */
const serveConsole = async () => {
  const broker = consoleOverMemory();
  broker.app.use('/oauth/*', pageHeaders());
  broker.app.get('/oauth/completed', (c) =>
    c.html(
      signInResultPage({
        language: 'en',
        result: 'completed',
        mailboxAddress: 'scan@contoso.com',
        tokenStatus: 'acquired',
      }),
    ),
  );
  broker.app.get('/oauth/failed', (c) => {
    const problem = {
      message: 'The account is locked.',
      remedy: 'Unlock it.',
      code: 'AADSTS50053',
      correlationId: 'c-1',
    };
    return c.html(signInResultPage({ language: 'en', result: 'failed', ...problem }));
  });
  const server = await new Promise<{ server: ServerType; origin: string }>((ready) => {
    const listening = serve({ fetch: broker.app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }: AddressInfo) =>
      ready({ server: listening, origin: `http://127.0.0.1:${port}` }),
    );
  });
  return { broker, ...server };
};

const logIn = async (page: Page, origin: string): Promise<void> => {
  await page.goto(origin);
  await page.getByLabel('Admin key').fill(ADMIN_KEY);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
};

describe('the console in Chromium', { skip: withoutChromium }, () => {
  let browser: Browser;
  let broker: ConsoleOverMemory;
  let server: ServerType;
  let origin: string;

  before(async () => {
    browser = await launchChromium();
  });

  after(() => browser?.close());

  describe('without JavaScript', () => {
    before(async () => {
      ({ broker, server, origin } = await serveConsole());
    });

    after(() => server.close());

    it('is walked through from the first login to a device with its mailbox', async () => {
      const { page, context, complaints } = await openPage(browser, { javaScriptEnabled: false });
      await logIn(page, origin);
      await page.getByRole('link', { name: 'New organization' }).click();
      await page.getByLabel('Name').fill('Contoso');
      await page.getByRole('button', { name: 'New organization' }).click();
      await page.getByText('The organization was created.').waitFor();

      await page.getByRole('link', { name: 'Add mailbox' }).click();
      assert.equal(await page.getByLabel('Provider').inputValue(), 'microsoft');
      await page.getByLabel('Address', { exact: true }).fill('scan@contoso.com');
      await page.getByRole('button', { name: 'Add mailbox' }).click();
      await page.getByText('The mailbox was created. Now sign it in.').waitFor();
      await page.getByText('Not acquired', { exact: true }).waitFor();

      await page.getByRole('button', { name: 'Sign in' }).click();
      const link = page.getByRole('link', { name: 'Continue to Microsoft' });
      assert.match((await link.getAttribute('href')) ?? '', /^http:\/\/localhost:8787\/sign-in\/sgn_/);
      await page.getByRole('link', { name: 'Look at the mailbox' }).click();
      await page.getByText('Waiting for authentication', { exact: true }).waitFor();

      await page.getByRole('link', { name: 'Contoso' }).click();
      await page.getByRole('link', { name: 'Add device' }).click();
      await page.getByLabel('Name').fill('Copier, 2nd floor');
      await page.getByRole('button', { name: 'Add device' }).click();
      await page.getByText('This is shown only once.').waitFor();
      await page.getByRole('link', { name: 'Assign a mailbox' }).click();
      await page.getByLabel('Function').selectOption('scan');
      await page.getByLabel('Mailbox', { exact: true }).selectOption({ label: 'scan@contoso.com' });
      await page.getByRole('button', { name: 'Assign', exact: true }).click();
      await page.getByText('The mailbox was assigned.').waitFor();

      await page.getByRole('link', { name: 'Audit log' }).click();
      await page.getByText('Mailbox assigned').waitFor();
      await page.getByRole('button', { name: 'Polski' }).click();
      await page.getByRole('heading', { level: 1, name: 'Dziennik zdarzeń' }).waitFor();
      await page.getByRole('button', { name: 'Wyloguj się' }).click();
      await page.getByRole('heading', { level: 1, name: 'Logowanie' }).waitFor();
      assert.deepEqual(complaints, []);
      await context.close();
    });
  });

  describe('on every page', () => {
    let state: Furnished;
    let troubles: readonly string[];

    before(async () => {
      ({ broker, server, origin } = await serveConsole());
      state = await furnished(broker);
      troubles = troubledPages(await troubled(broker));
    });

    after(() => server.close());

    const everywhere = () => [
      ...consolePages(state),
      ...troubles,
      '/oauth/completed',
      '/oauth/failed',
      '/console/nothing',
    ];

    /** Both schemes on one load: the pages have no scripts, so that nothing but their colours can follow the scheme. */
    const assertAccessibleInBothSchemes = async (page: Page): Promise<void> => {
      await page.emulateMedia({ colorScheme: 'light' });
      await assertAccessible(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      await assertAccessible(page, { ofColour: true });
    };

    it('has nothing that axe objects to, in the light and in the dark scheme', async () => {
      const { page, context } = await openPage(browser, { bypassCSP: true });
      await page.goto(origin);
      await assertAccessibleInBothSchemes(page);
      await logIn(page, origin);
      for (const path of everywhere()) {
        await page.goto(origin + path);
        await assertAccessibleInBothSchemes(page);
      }
      await page.goto(`${origin}/console/devices/${state.copier.clientId}/secret`);
      await page.getByRole('button', { name: 'Create new secret' }).click();
      await assertAccessibleInBothSchemes(page);
      await page.goto(`${origin}/console/organizations/${state.organization.id}/mailboxes/new`);
      await page.getByLabel('Address', { exact: true }).fill('scan@contoso');
      await page.getByLabel('Further sender addresses').fill('nonsense');
      await page.getByRole('button', { name: 'Add mailbox' }).click();
      await page.getByText('Not a mail address: nonsense').first().waitFor();
      await assertAccessibleInBothSchemes(page);
      await context.close();
    });

    for (const language of LANGUAGES) {
      it(`fits a telephone and a desk in ${language}`, async () => {
        const { page, context } = await openPage(browser, { bypassCSP: true });
        await logIn(page, origin);
        await context.addCookies([{ name: 'language', value: language, url: origin }]);
        for (const path of everywhere()) {
          await page.goto(origin + path);
          // Without scripts a page that is resized is laid out like one that is loaded at that size.
          for (const viewport of [DESK, PHONE]) {
            await page.setViewportSize(viewport);
            assert.deepEqual(await page.evaluate(OVERFLOWING), [], `${path} at ${viewport.width} px`);
          }
          if (language === 'en') await assertAccessible(page);
        }
        await context.close();
      });
    }

    it('keeps the Content-Security-Policy, and shows where the keyboard is', async () => {
      const { page, context, complaints } = await openPage(browser);
      await logIn(page, origin);
      for (const path of consolePages(state)) await page.goto(origin + path);
      assert.deepEqual(complaints, []);
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid');
      await context.close();
    });
  });
});
