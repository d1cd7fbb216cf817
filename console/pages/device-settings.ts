import { html } from 'hono/html';
import { facts } from '../elements.ts';
import { textsIn } from '../texts/index.ts';
import type { Html, View } from '../view.ts';

export interface DeviceSettings {
  readonly publicUrl: string;
  readonly clientId: string;
  /** Known only just after it was made. */
  readonly clientSecret: string | undefined;
}

const code = (text: string | number): Html => html`<code>${text}</code>`;

/** Ready-made settings: what to type where the device asks for an OAuth 2.0 server. */
export const deviceSettings = ({ language }: View, { publicUrl, clientId, clientSecret }: DeviceSettings): Html => {
  const { settings: words } = textsIn(language);
  const secret = clientSecret === undefined ? words.theSecret : code(clientSecret);
  const credential = `${clientId}:${clientSecret ?? 'CLIENT_SECRET'}`;
  return html`
<h2>${words.title}</h2>
<section class="card"><h3>${words.withOauth}</h3>
<p class="quiet">${words.withOauthHint}</p>
${facts([
  [words.tokenAddress, code(`${publicUrl}/oauth/token`)],
  ['client_id', code(clientId)],
  ['client_secret', secret],
  ['grant_type', code('client_credentials')],
  ['scope', code('smtp')],
])}
</section>
<section class="card"><h3>${words.tryIt}</h3>
<p class="quiet">${words.tryToken}</p>
<pre><code>curl -u ${credential} -d grant_type=client_credentials \\
  ${publicUrl}/oauth/token</code></pre>
<p class="quiet">${words.tryMessage}</p>
<pre><code>curl -u ${credential} -H "Content-Type: message/rfc822" \\
  --data-binary @message.eml ${publicUrl}/v1/messages</code></pre>
</section>`;
};
