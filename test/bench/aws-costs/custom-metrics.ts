import { EVENT_METRICS, type EventMetric } from '../../../shared/config/metrics.ts';
import { PROVIDERS } from '../../../shared/domain/provider.ts';

/** Kinds of refusals that a deployment has seen (docs/errors.md has them all): each is a metric from then on. */
export const KINDS_SEEN = 6;

/** Each as a whole; and for each value of a further dimension. */
export const customMetrics = (): number => {
  const catalog = new Map<string, EventMetric>();
  for (const metric of Object.values(EVENT_METRICS).flat()) catalog.set(metric.metric, metric);
  const values: Readonly<Record<string, number>> = { Provider: PROVIDERS.length, Kind: KINDS_SEEN };
  return [...catalog.values()].reduce((sum, { by }) => {
    const further = by === undefined ? 0 : values[by.dimension];
    if (further === undefined)
      throw new Error(`how many values has ${by?.dimension}? (test/bench/aws-costs/custom-metrics.ts)`);
    return sum + 1 + further;
  }, 0);
};
