import type { Writable } from 'node:stream';
import { redactFields } from '../../domain/redaction.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log, LogFields } from '../../ports/log.ts';
import { correlation } from '../correlation/correlation.ts';

/** One JSON object a line, for one machine: time, level, event, what it belongs to, fields. */
export const streamLog = (stream: Writable, clock: Clock): Log => {
  const write = (level: string, event: string, fields: LogFields = {}) => {
    const time = new Date(clock.now()).toISOString();
    const line = { time, level, event, ...correlation(), ...redactFields(fields) };
    stream.write(`${JSON.stringify(line)}\n`);
  };
  return {
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
  };
};
