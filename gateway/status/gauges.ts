import { SUBMISSION_STATES } from '../../shared/domain/submission.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import { type Family, gauge } from './exposition.ts';
import { askSpool } from './health.ts';
import type { GatewayStatus } from './status.ts';

const one = (name: string, help: string, value: number): Family => gauge(name, help, [[{}, value]]);

/** Sent messages are kept a while for the console, and are no queue. */
const QUEUED_STATES = SUBMISSION_STATES.filter((state) => state !== 'sent');

/** How things stand at this moment. */
export const gaugesOf = async (status: GatewayStatus, clock: Clock): Promise<readonly Family[]> => {
  const now = epochSeconds(clock);
  const { version, way, startedAt } = status.about();
  const { messages, bytes, oldestAcceptedAt } = status.totals();
  const { state } = status.broker();
  const { freeBytes, isWritable } = await askSpool(status, clock);
  return [
    gauge('mfp_gateway_info', 'Always 1; tells version and way out.', [[{ version, way }, 1]]),
    one('mfp_gateway_start_time_seconds', 'When the gateway started, in epoch seconds.', startedAt),
    gauge(
      'mfp_gateway_queue_messages',
      'Messages that are kept and not sent, by state.',
      QUEUED_STATES.map((name) => [{ state: name }, messages[name] ?? 0]),
    ),
    one('mfp_gateway_queue_bytes', 'What their contents take.', bytes),
    one(
      'mfp_gateway_queue_oldest_seconds',
      'Age of the oldest message still to be sent; 0 without one.',
      oldestAcceptedAt === undefined ? 0 : Math.max(0, now - oldestAcceptedAt),
    ),
    gauge(
      'mfp_gateway_listener_up',
      'Whether a listener accepts connections.',
      status.listeners().map(({ name, isAccepting }) => [{ listener: name }, Number(isAccepting)]),
    ),
    one('mfp_gateway_broker_reachable', 'Whether the broker answered last.', Number(state === 'reachable')),
    one(
      'mfp_gateway_certificate_expiry_timestamp_seconds',
      'When the certificate that the listeners serve expires.',
      status.certificate().notAfter,
    ),
    one('mfp_gateway_spool_free_bytes', 'Bytes left on the disk of the spool.', freeBytes),
    one('mfp_gateway_spool_writable', 'Whether the spool can be written.', Number(isWritable)),
  ];
};
