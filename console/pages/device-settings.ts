import { html } from 'hono/html';
import { facts } from '../elements.ts';
import { textsIn } from '../texts/index.ts';
import type { Html, View } from '../view.ts';

/** Where devices that speak SMTP or POP3 find their gateway. */
export interface GatewaySettings {
  readonly host: string;
  readonly smtpPort?: number;
  readonly smtpsPort?: number;
  readonly pop3Port?: number;
}

export interface DeviceSettings {
  readonly publicUrl: string;
  /** Undefined where the gateway runs elsewhere. */
  readonly gateway: GatewaySettings | undefined;
  readonly clientId: string;
  /** Known only just after it was made. */
  readonly clientSecret: string | undefined;
}

const code = (text: string | number): Html => html`<code>${text}</code>`;

/** Ready-made settings: what to type at the panel, whichever way the device can go. */
export const deviceSettings = (
  { language }: View,
  { publicUrl, gateway, clientId, clientSecret }: DeviceSettings,
): Html => {
  const { settings: words } = textsIn(language);
  const secret = clientSecret === undefined ? words.theSecret : code(clientSecret);
  const port = (value: number | undefined) => (value === undefined ? undefined : code(value));
  const credential = `${clientId}:${clientSecret ?? 'CLIENT_SECRET'}`;
  return html`
<h2>${words.title}</h2>
<div class="columns">
<section class="card"><h3>${words.withPassword}</h3>
<p class="quiet">${words.withPasswordHint}</p>
${facts([
  [words.server, gateway === undefined ? words.gatewayElsewhere : code(gateway.host)],
  [words.portStartTls, port(gateway?.smtpPort)],
  [words.portTls, port(gateway?.smtpsPort)],
  [words.portPop3, port(gateway?.pop3Port)],
  [words.userName, code(clientId)],
  [words.password, secret],
])}
<p class="quiet">${words.otherSlot(`${clientId}+alerts`)}</p>
</section>
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
</div>
<section class="card"><h3>${words.tryIt}</h3>
<p class="quiet">${words.tryToken}</p>
<pre><code>curl -u ${credential} -d grant_type=client_credentials \\
  ${publicUrl}/oauth/token</code></pre>
<p class="quiet">${words.tryMessage}</p>
<pre><code>curl -u ${credential} -H "Content-Type: message/rfc822" \\
  --data-binary @message.eml ${publicUrl}/v1/messages</code></pre>
</section>`;
};
