import { Logger } from '@aws-lambda-powertools/logger';
import { redactFields } from '../../domain/redaction.ts';
import type { Log, LogFields } from '../../ports/log.ts';

/** Structured JSON lines as CloudWatch Logs Insights reads them; whole events are never logged. */
export const powertoolsLog = (serviceName: string): Log => {
  const logger = new Logger({ serviceName });
  const clean = (fields: LogFields = {}) => redactFields(fields);
  return {
    info: (event, fields) => logger.info(event, clean(fields)),
    warn: (event, fields) => logger.warn(event, clean(fields)),
    error: (event, fields) => logger.error(event, clean(fields)),
  };
};
