import { html } from 'hono/html';
import { type GatewayDescription, isSilent, LOCAL_GATEWAY_ID } from '../shared/domain/gateway.ts';
import { deviceLink, table, timeAndDistance } from './elements.ts';
import { gatewayTextsIn } from './texts/gateways.ts';
import { type Html, paths, type View } from './view.ts';

/** A gateway is a device, but for that of a broker on one machine. */
export const gatewayLink = ({ language }: View, gatewayId: string, name: string | undefined): Html =>
  gatewayId === LOCAL_GATEWAY_ID
    ? html`${gatewayTextsIn(language).ofBroker}`
    : deviceLink(gatewayId, name ?? html`<code>${gatewayId}</code>`);

const duration = ({ language }: View, seconds: number): string => {
  const minutes = Math.floor(seconds / 60);
  const [count, unit] =
    minutes < 60
      ? [minutes, 'minute']
      : minutes < 48 * 60
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day'];
  return new Intl.NumberFormat(language, { style: 'unit', unit: String(unit), unitDisplay: 'long' }).format(
    Number(count),
  );
};

const silentBadge = (view: View, gateway: GatewayDescription): Html =>
  isSilent(gateway, view.nowSeconds)
    ? html` <span class="badge badge-urgent">${gatewayTextsIn(view.language).silent}</span>`
    : html``;

/** Those of an organization; nothing where it has none. */
export const gatewaySection = (view: View, gateways: readonly GatewayDescription[]): Html => {
  if (gateways.length === 0) return html``;
  const words = gatewayTextsIn(view.language);
  const rows = gateways.map((gateway) => [
    gatewayLink(view, gateway.gatewayId, gateway.name),
    html`${timeAndDistance(view, gateway.lastSeenAt)}${silentBadge(view, gateway)}`,
    words.ways[gateway.way],
    gateway.version,
    String(gateway.queued),
    gateway.queued === 0 ? '–' : duration(view, gateway.oldestSeconds),
  ]);
  const columns = [words.gateway, words.lastSeen, words.way, words.version, words.queued, words.oldest];
  return html`<h2>${words.gateways}</h2>
${table(words.gateways, columns, rows)}`;
};

/** Those that somebody should look after; nothing where all is well. `nameOf`: of an organization. */
export const silentGateways = (
  view: View,
  gateways: readonly GatewayDescription[],
  nameOf: (organizationId: string) => string | undefined,
): Html | undefined => {
  const silent = gateways.filter((gateway) => isSilent(gateway, view.nowSeconds));
  if (silent.length === 0) return undefined;
  const words = gatewayTextsIn(view.language);
  const rows = silent.map((gateway) => {
    const { gatewayId, organizationId, name, lastSeenAt, queued } = gateway;
    const organization =
      organizationId === undefined
        ? ''
        : html`<a href="${paths.organization(organizationId)}">${nameOf(organizationId) ?? organizationId}</a>`;
    return [
      html`${gatewayLink(view, gatewayId, name)} ${organization}`,
      html`${timeAndDistance(view, lastSeenAt)}${silentBadge(view, gateway)}`,
      `${words.silentWhat(String(queued))} ${words.silentRemedy}`,
    ];
  });
  return table(words.silentTitle, [words.gateway, words.lastSeen, words.silentTitle], rows);
};
