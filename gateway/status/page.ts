import { html } from 'hono/html';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import {
  badge,
  facts,
  type Html,
  inEnglish,
  type PageContent,
  page,
  size,
  table,
  time,
  timeAndDistance,
  type View,
} from './elements.ts';
import { asShownTo } from './privacy.ts';
import { paths, queueTable } from './queue-table.ts';
import type { BrokerContact, CertificateStatus, GatewayStatus, RecentError, SpoolStatus } from './status.ts';
import { textsIn } from './texts/index.ts';

const brokerFact = (view: View, contact: BrokerContact): Html => {
  const { state: words } = textsIn(view.language);
  const label = words.contact[contact.state];
  if (contact.state === 'unknown') return badge('idle', label);
  const since = html`<span class="because">${words.since} ${timeAndDistance(view, contact.since)}</span>`;
  if (contact.state === 'reachable') return html`${badge('good', label)}${since}`;
  const { detail } = contact;
  return html`${badge('bad', label)}${since}
<span class="because">${ERROR_TEXTS[view.language].broker_unreachable.join(' ')}</span>
${detail === undefined ? '' : html`<span class="because quiet">${inEnglish(detail)}</span>`}`;
};

const stateCard = (view: View, status: GatewayStatus, spool: SpoolStatus): Html => {
  const { state: words } = textsIn(view.language);
  const { brokerUrl, way, startedAt, version } = status.about();
  const fault = spool.isWritable
    ? undefined
    : html`${badge('bad', words.notWritable)}<span class="because quiet">${inEnglish(spool.reason)}</span>`;
  return html`<div class="card">
${facts([
  [words.broker, html`${brokerFact(view, status.broker())}<span class="because"><code>${brokerUrl}</code></span>`],
  [words.way, words.ways[way]],
  [words.spool, fault],
  [words.room, size(view, spool.freeBytes)],
  [words.startedAt, timeAndDistance(view, startedAt)],
  [words.version, version],
])}</div>`;
};

const errorRow = (view: View, { at, kind, detail, subject }: RecentError): readonly unknown[] => {
  const said = detail && asShownTo(view, detail);
  return [
    timeAndDistance(view, at),
    subject ?? '–',
    html`${kind === undefined ? '' : ERROR_TEXTS[view.language][kind].join(' ')}${
      said === undefined ? '' : html`<span class="because quiet">${inEnglish(said)}</span>`
    }`,
  ];
};

const errorsTable = (view: View, errors: readonly RecentError[]): Html => {
  const { errors: words } = textsIn(view.language);
  if (errors.length === 0) return html`<p class="card">${words.none}</p>`;
  return table(
    words.title,
    [words.when, words.subject, words.what],
    errors.map((one) => errorRow(view, one)),
  );
};

const devicesTable = (view: View, { devices }: Pick<GatewayStatus, 'devices'>): Html => {
  const { devices: words } = textsIn(view.language);
  const at = (seconds: number | undefined) => (seconds === undefined ? words.never : timeAndDistance(view, seconds));
  const rows = devices().map(({ clientId, name, address, tlsVersion, signedInAt, lastMessageAt }) => [
    html`${name ?? ''} <code>${clientId}</code>`,
    html`<code>${address}</code>`,
    tlsVersion ?? badge('wait', words.withoutTls),
    at(signedInAt),
    at(lastMessageAt),
  ]);
  if (rows.length === 0) return html`<p class="card">${words.none}</p>`;
  return table(words.title, [words.device, words.address, words.tls, words.signedIn, words.lastMessage], rows);
};

const listenersTable = (view: View, { listeners }: Pick<GatewayStatus, 'listeners'>): Html => {
  const { listeners: words } = textsIn(view.language);
  const rows = listeners().map(({ name, protocol, host, port, security, profile, isAccepting }) => [
    html`${protocol.toUpperCase()} <span class="because quiet"><code>${name}</code></span>`,
    html`${port} <span class="because quiet"><code>${host}</code></span>`,
    words.securities[security],
    profile === undefined ? '–' : words.profiles[profile],
    isAccepting ? badge('good', words.accepting) : badge('bad', words.notAccepting),
  ]);
  return table(words.title, [words.protocol, words.port, words.security, words.profile, words.state], rows);
};

/** From here on the end of a certificate is urgent. */
const URGENT_SECONDS = 14 * 86_400;

const certificateCard = (view: View, { notAfter, fingerprint, authority }: CertificateStatus): Html => {
  const { certificate: words } = textsIn(view.language);
  const isUrgent = notAfter - view.nowSeconds < URGENT_SECONDS;
  const end = timeAndDistance(view, notAfter);
  return html`<div class="card">
${facts([
  [words.expires, isUrgent ? html`<span class="badge bad">${end}</span>` : end],
  [words.fingerprint, html`<code>${fingerprint}</code>`],
  [words.rootExpires, authority && timeAndDistance(view, authority.notAfter)],
  [words.rootFingerprint, authority && html`<code>${authority.fingerprint}</code>`],
])}
<p>${authority === undefined ? words.own : words.made}</p>
${
  authority === undefined
    ? ''
    : html`<p>${words.download}: <a href="${paths.rootDer}">${words.forms.der}</a>, <a href="${paths.rootPem}">${words.forms.pem}</a></p>`
}</div>`;
};

/** All there is to see, on one page. */
export const statusPage = (
  view: View,
  status: GatewayStatus,
  spool: SpoolStatus,
  said: Pick<PageContent, 'notice' | 'problem'> = {},
): Html => {
  const texts = textsIn(view.language);
  const signIn = view.formToken === undefined ? html` · <a href="${paths.signIn}">${texts.signIn}</a>` : '';
  return page(view, {
    ...said,
    title: texts.title(status.about().name),
    body: html`
<p class="quiet">${texts.asOf} ${time(view.nowSeconds)} · <a href="${paths.home}">${texts.reload}</a>${signIn}</p>
<h2>${texts.state.title}</h2>
${stateCard(view, status, spool)}
<h2>${texts.queue.title}</h2>
${queueTable(view, status)}
<h2>${texts.errors.title}</h2>
${errorsTable(view, status.errors())}
<h2>${texts.devices.title}</h2>
${devicesTable(view, status)}
<h2>${texts.listeners.title}</h2>
${listenersTable(view, status)}
<h2>${texts.certificate.title}</h2>
${certificateCard(view, status.certificate())}`,
  });
};
