import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';

type Html = ReturnType<typeof html>;

/** Contrast of text and buttons is at least 4.5 to 1 (WCAG 2.2, 1.4.3). */
const STYLE = `
:root { color-scheme: light; font-family: system-ui, sans-serif; line-height: 1.5; color: #1c2430; background: #eef1f5; }
body { margin: 0; }
header { background: #5b3a00; color: #fff; padding: .75rem 1.5rem; }
header p { margin: 0; max-width: 60rem; }
main { background: #fff; max-width: 26rem; margin: 2rem auto; padding: 1.5rem 2rem 2rem; border-radius: .5rem; box-shadow: 0 1px 4px #0003; }
main.wide { max-width: 72rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
label { display: block; font-weight: 600; margin-top: 1rem; }
label.choice { font-weight: 400; margin-top: .5rem; }
input[type=text], input[type=password] { box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; border: 1px solid #59636e; border-radius: .25rem; }
.hint { color: #47515c; font-size: .9rem; margin: .25rem 0 0; }
.error { border-left: .3rem solid #b3261e; background: #fdecea; color: #7a1a14; padding: .5rem .75rem; }
.actions { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { font: inherit; padding: .5rem 1.25rem; border-radius: .25rem; border: 1px solid #1a56a6; background: #1a56a6; color: #fff; cursor: pointer; }
button.quiet { background: #fff; color: #1a56a6; }
:focus-visible { outline: .2rem solid #d97800; outline-offset: .1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid #d5dae1; overflow-wrap: anywhere; }
th { white-space: nowrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f6f8; padding: .75rem; }
a { color: #1a56a6; }
`;

/**
 * No script, nothing from elsewhere, no frames. `form-action` is left open: Chromium applies it to the redirects that
 * follow a form, and a sign-in ends with one to the broker.
 */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

/** A whole page; everything put into an `html` template is escaped. */
export const renderPage = async (page: {
  readonly title: string;
  readonly banner: string;
  readonly wide?: boolean;
  readonly content: Html;
}): Promise<string> =>
  String(
    await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header><p>${page.banner}</p></header>
<main${page.wide === true ? raw(' class="wide"') : ''}>
${page.content}
</main>
</body>
</html>
`,
  );
