import type { GatewayWay } from '../../shared/domain/gateway.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import { logDelivery } from '../../shared/usecases/mail/log-delivery.ts';
import type { ReportDelivery } from '../../shared/usecases/mail/report-delivery.ts';
import type { GatewayMetrics } from '../metrics.ts';

/**
 * What the gateway itself does with the outcome of an attempt: log and metrics. Who looks after the mailbox is told by the broker,
 * which hears of it by the next report.
 */
export const tellDelivery = ({
  log,
  metrics,
  way,
  clock,
}: {
  log: Log;
  metrics: Pick<GatewayMetrics, 'delivery'>;
  way: () => GatewayWay;
  clock: Clock;
}): ReportDelivery => {
  const lines = logDelivery(log);
  return {
    foretell: async () => undefined,
    async submission(submission) {
      lines.submission(submission);
      const { status, acceptedAt } = submission;
      if (status.state === 'sent') {
        metrics.delivery({ outcome: 'sent', way: way(), seconds: epochSeconds(clock) - acceptedAt });
      } else if (status.state === 'deferred' || status.state === 'failed') {
        metrics.delivery({ outcome: status.state, way: way(), reason: status.reason });
      }
    },
    async outbox(mailboxId, before, after) {
      lines.outbox(mailboxId, before, after);
    },
  };
};
