import { Logger } from '@aws-lambda-powertools/logger';
import { redactFields } from '../../domain/redaction.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log, LogFields } from '../../ports/log.ts';
import { correlation } from '../correlation/correlation.ts';
import { systemClock } from '../system/system-clock.ts';
import { embeddedMetrics } from './embedded-metrics.ts';

/**
 * Structured JSON lines as CloudWatch Logs Insights reads them, each with what it is counted as; whole events are never
 * logged. Powertools writes to the process's own streams, past the `console` to which Lambda's runtime adds time and level
 * in front of each line: CloudWatch counts only what is JSON from its first character on.
 */
export const powertoolsLog = (serviceName: string, broker: string, clock: Clock = systemClock): Log => {
  const logger = new Logger({ serviceName });
  const line = (event: string, fields: LogFields = {}) => {
    const clean = redactFields(fields);
    // Last, so that no field stands in the place of a metric.
    return { ...correlation(), ...clean, ...embeddedMetrics(event, clean, { broker, now: clock.now() }) };
  };
  return {
    info: (event, fields) => logger.info(event, line(event, fields)),
    warn: (event, fields) => logger.warn(event, line(event, fields)),
    error: (event, fields) => logger.error(event, line(event, fields)),
  };
};
