import { Readable } from 'node:stream';
import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import { PAGE_HEADERS, renderPage } from '../layout.ts';
import { readMessage } from '../mail/message-parts.ts';
import type { MailStandIn } from '../mail/server.ts';
import type { ReceivedMessage } from '../mail/store.ts';

const BANNER =
  'Stand-in mailbox, running on this machine: what the stand-in mail server accepted. Nothing was sent any further.';

/** Shows what arrived, to people and to scripts. */
export const inboxApp = (mail: Pick<MailStandIn, 'list' | 'get' | 'open'>): Hono => {
  const app = new Hono();

  const show = async (context: Context, title: string, content: ReturnType<typeof html>, status: 200 | 404 = 200) =>
    context.body(await renderPage({ title, banner: BANNER, wide: true, content }), status, PAGE_HEADERS);

  const notFound = (context: Context) =>
    show(
      context,
      'Not found',
      html`<h1>Not found</h1><p>There is no such message. <a href="/">To the list of messages</a></p>`,
      404,
    );

  app.get('/', (context) => show(context, 'Messages received', listOf(mail.list())));

  app.get('/messages.json', (context) => {
    context.header('cache-control', 'no-store');
    return context.json({ messages: mail.list().map(wireForm) });
  });

  app.get('/messages/:id', async (context) => {
    const message = mail.get(context.req.param('id'));
    const content = message && mail.open(message.id);
    if (message === undefined || content === undefined) return notFound(context);
    return show(context, message.subject || 'Message', await detailsOf(message, content));
  });

  app.get('/messages/:id/raw', async (context) => {
    const message = mail.get(context.req.param('id'));
    const content = message && mail.open(message.id);
    if (message === undefined || content === undefined) return notFound(context);
    return context.body(Readable.toWeb(content) as ReadableStream, 200, {
      'content-type': 'message/rfc822',
      'content-length': String(message.sizeBytes),
      'content-disposition': `attachment; filename="${message.id}.eml"`,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
  });

  app.notFound(notFound);
  return app;
};

const wireForm = (message: ReceivedMessage) => ({
  id: message.id,
  provider: message.provider,
  user: message.user,
  envelope_from: message.envelopeFrom,
  envelope_to: message.envelopeTo,
  from: message.from,
  subject: message.subject,
  size_bytes: message.sizeBytes,
  sha256: message.sha256,
  received_at: message.receivedAt,
  tls_version: message.tlsVersion,
  cipher: message.cipher,
  mechanism: message.mechanism,
});

const sizeText = (bytes: number): string =>
  bytes < 10_240 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(0)} KB (${bytes} bytes)`;

const timeOf = ({ receivedAt }: ReceivedMessage) => html`<time datetime="${receivedAt}">${receivedAt}</time>`;

const listOf = (messages: readonly ReceivedMessage[]) => html`<h1>Messages received</h1>
${
  messages.length === 0
    ? html`<p>None yet. Messages that the broker or the gateway sends appear here; load the page again to see new ones.</p>`
    : html`<p>${messages.length === 1 ? '1 message' : `${messages.length} messages`}, newest first. Also as <a href="/messages.json">JSON</a>.</p>
<div class="scroll" role="region" aria-label="Messages" tabindex="0">
<table>
<thead><tr><th scope="col">Received</th><th scope="col">Provider</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Subject</th><th scope="col">Size</th><th scope="col">TLS</th><th scope="col">Sign-in</th></tr></thead>
<tbody>
${messages.map(
  (message) => html`<tr><td>${timeOf(message)}</td><td>${message.provider}</td><td>${message.envelopeFrom}</td>
<td>${message.envelopeTo.join(', ')}</td><td><a href="/messages/${message.id}">${message.subject || '(no subject)'}</a></td>
<td>${sizeText(message.sizeBytes)}</td><td>${message.tlsVersion}</td><td>${message.mechanism}</td></tr>
`,
)}
</tbody>
</table>
</div>`
}`;

const detailsOf = async (message: ReceivedMessage, content: Readable) => {
  const { headers, parts } = await readMessage(content);
  const facts: readonly (readonly [string, unknown])[] = [
    ['Received', timeOf(message)],
    ['Provider', message.provider],
    ['Signed in as', message.user],
    ['Envelope from', message.envelopeFrom],
    ['Envelope to', message.envelopeTo.join(', ')],
    ['Size', sizeText(message.sizeBytes)],
    ['SHA-256', message.sha256],
    ['Connection', `${message.tlsVersion}, ${message.cipher}, ${message.mechanism}`],
  ];
  const row = ([name, value]: readonly [string, unknown]) =>
    html`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`;
  return html`<h1>${message.subject || '(no subject)'}</h1>
<p><a href="/">All messages</a> · <a href="/messages/${message.id}/raw">The exact bytes</a></p>
<table>${facts.map(row)}</table>
<h2>Header</h2>
<table>${headers.map(({ name, value }) => row([name, value]))}</table>
<h2>Parts</h2>
${parts.map(
  ({ contentType, filename, encoding, sizeBytes, text }) =>
    html`<h3>${contentType}${filename === undefined ? '' : `, ${filename}`}</h3>
<p>${sizeText(sizeBytes)}, sent as ${encoding}</p>
${text === undefined ? '' : html`<pre>${text}</pre>`}
`,
)}`;
};
