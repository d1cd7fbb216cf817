import type { Writable } from 'node:stream';
import { redactFields } from '../../domain/redaction.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log, LogFields } from '../../ports/log.ts';

/** One JSON object a line, for one machine: time, level, event, fields. */
export const streamLog = (stream: Writable, clock: Clock): Log => {
  const write = (level: string, event: string, fields: LogFields = {}) => {
    const line = { time: new Date(clock.now()).toISOString(), level, event, ...redactFields(fields) };
    stream.write(`${JSON.stringify(line)}\n`);
  };
  return {
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
  };
};
