import type { ErrorKind } from '../shared/domain/errors.ts';
import { GATEWAY_WAYS, type GatewayWay } from '../shared/domain/gateway.ts';
import type { ProxyMetrics } from './proxy/options.ts';
import type { SmtpMetrics } from './smtp/options.ts';
import { counter, histogram } from './status/exposition.ts';

type Protocol = 'smtp' | 'pop3' | 'imap';
const PROTOCOLS = ['smtp', 'pop3', 'imap'] as const;

/** What an attempt to send came to. */
export type DeliveryEvent =
  /** `seconds`: since the device was told that the message is accepted. */
  | { readonly outcome: 'sent'; readonly way: GatewayWay; readonly seconds: number }
  | { readonly outcome: 'deferred' | 'failed'; readonly way: GatewayWay; readonly reason: ErrorKind };

export interface GatewayMetrics {
  readonly smtp: SmtpMetrics;
  proxy(protocol: Protocol): ProxyMetrics;
  delivery(event: DeliveryEvent): void;
  /** In Prometheus' text format. */
  render(): string;
}

/** What a handshake may come to; whatever else a library may call it is one series. */
const TLS_OUTCOMES = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3', 'failed', 'other'] as const;

const tlsOutcome = (outcome: string): (typeof TLS_OUTCOMES)[number] =>
  TLS_OUTCOMES.find((known) => known === outcome) ?? 'other';

/** From a small scan on a good day to what waited for a sign-in over a weekend. */
const DELIVERY_SECONDS = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400, 259_200] as const;

const makeCounters = () => {
  const ways = GATEWAY_WAYS.map((way) => ({ way }));
  return {
    accepted: counter('mfp_gateway_messages_accepted_total', 'Messages taken from devices, on disk before the reply.', [
      {},
    ]),
    refused: counter<{ reason: ErrorKind }>(
      'mfp_gateway_messages_refused_total',
      'Messages that were not taken, by kind of error.',
    ),
    sent: counter<{ way: GatewayWay }>(
      'mfp_gateway_messages_sent_total',
      'Messages delivered to the provider (direct) or to the broker (relay).',
      ways,
    ),
    deferred: counter<{ way: GatewayWay; reason: ErrorKind }>(
      'mfp_gateway_messages_deferred_total',
      'Attempts after which a message waits for the next one.',
    ),
    failed: counter<{ way: GatewayWay; reason: ErrorKind }>(
      'mfp_gateway_messages_failed_total',
      'Messages that were given up.',
    ),
    signIns: counter<{ protocol: Protocol; outcome: 'accepted' | ErrorKind }>(
      'mfp_gateway_sign_ins_total',
      'Sign-ins of devices, by outcome.',
      PROTOCOLS.flatMap((protocol) => [
        { protocol, outcome: 'accepted' as const },
        { protocol, outcome: 'invalid_client' as const },
      ]),
    ),
    connections: counter<{ protocol: Protocol; outcome: 'accepted' | 'refused' }>(
      'mfp_gateway_connections_total',
      'Connections of devices. Of POP3 and IMAP, those that signed in or were turned away.',
      PROTOCOLS.flatMap((protocol) => [
        { protocol, outcome: 'accepted' as const },
        { protocol, outcome: 'refused' as const },
      ]),
    ),
    handshakes: counter<{ version: (typeof TLS_OUTCOMES)[number] }>(
      'mfp_gateway_tls_handshakes_total',
      'TLS handshakes of devices, by version agreed on.',
      TLS_OUTCOMES.map((version) => ({ version })),
    ),
    deliverySeconds: histogram(
      'mfp_gateway_delivery_duration_seconds',
      'From the reply that a message is accepted until it is delivered.',
      DELIVERY_SECONDS,
    ),
  };
};

/** What has happened since the start. How things stand is asked for when somebody looks (`status/gauges.ts`). */
export const makeMetrics = (): GatewayMetrics => {
  const counters = makeCounters();
  const { accepted, refused, sent, deferred, failed, signIns, connections, handshakes, deliverySeconds } = counters;
  return {
    smtp: {
      connection: (outcome) => connections.add({ protocol: 'smtp', outcome }),
      handshake: (outcome) => handshakes.add({ version: tlsOutcome(outcome) }),
      signIn: (outcome) => signIns.add({ protocol: 'smtp', outcome }),
      message: (outcome) => (outcome === 'accepted' ? accepted.add({}) : refused.add({ reason: outcome })),
    },
    proxy: (protocol) => ({
      signedIn() {
        signIns.add({ protocol, outcome: 'accepted' });
        connections.add({ protocol, outcome: 'accepted' });
      },
      refused: (outcome) => signIns.add({ protocol, outcome }),
      turnedAway: () => connections.add({ protocol, outcome: 'refused' }),
      ended: () => undefined, // the bytes of a session are in the log
    }),
    delivery(event) {
      if (event.outcome === 'sent') {
        sent.add({ way: event.way });
        deliverySeconds.observe(event.seconds);
      } else (event.outcome === 'deferred' ? deferred : failed).add({ way: event.way, reason: event.reason });
    },
    render: () =>
      Object.values(counters)
        .map((one) => one.render())
        .join(''),
  };
};
