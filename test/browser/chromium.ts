import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { CHROMIUM_PATHS } from '../../scripts/browser.ts';

const places = process.env.CHROMIUM_PATH ? [process.env.CHROMIUM_PATH] : CHROMIUM_PATHS;

const executablePath = places.find((path) => existsSync(path));

/** For `describe`'s `skip`: false, or why there is no browser to test with. */
export const withoutChromium: false | string =
  executablePath === undefined && `no Chromium at ${places.join(', ')}: set CHROMIUM_PATH`;

/** A real Chromium that asks nothing of the network by itself. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Nothing beyond loopback is found, not even by its address; what was wished for is told in `complaints`.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    ],
  });

/**
 * A page in a context of its own that reaches loopback only. `complaints`: what the browser held against the pages, such
 * as a breach of the Content-Security-Policy.
 */
export const openPage = async (browser: Browser, options: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const complaints: string[] = [];
  context.on('request', (request) => {
    const { hostname } = new URL(request.url());
    if (hostname !== '127.0.0.1' && hostname !== 'localhost') complaints.push(`reached for ${hostname}`);
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, context, complaints };
};

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** Those of axe's category `cat.color` that it runs by itself. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

/**
 * No violations of any axe-core rule, its best practices among them; `ofColour`: of those that look at colours. The page
 * needs a context that allows scripts and bypasses its Content-Security-Policy, both only for axe.
 */
export const assertAccessible = async (page: Page, { ofColour = false } = {}): Promise<void> => {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(axeSource);
  // What passed is not described element by element, which takes three times as long as the rules.
  const options = { resultTypes: ['violations'], ...(ofColour && { runOnly: COLOUR_RULES }) };
  const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as AxeResults;
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(({ html }) => `  ${html}`).join('\n')}`,
  );
  assert.deepEqual(told, [], page.url());
};
