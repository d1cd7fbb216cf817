import type { Log, LogFields } from '../../shared/ports/log.ts';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
}

export interface MemoryLog extends Log {
  readonly lines: readonly LogLine[];
  of(event: string): readonly LogLine[];
}

/** Keeps every line as it was given, unredacted. */
export const memoryLog = (): MemoryLog => {
  const lines: LogLine[] = [];
  const add =
    (level: LogLine['level']) =>
    (event: string, fields: LogFields = {}): void => {
      lines.push({ level, event, fields });
    };
  return {
    lines,
    of: (event) => lines.filter((line) => line.event === event),
    info: add('info'),
    warn: add('warn'),
    error: add('error'),
  };
};
