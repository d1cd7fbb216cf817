/** Values of a log line. Tokens and secrets are redacted at the adapter, by key and by shape; do not rely on it. */
export type LogFields = {
  readonly [name: string]: string | number | boolean | readonly string[] | undefined;
} & { readonly [name in OwnNames]?: never };

/** What a line says by itself, in the cloud or on one machine: a field of the same name would be lost, or stand in its place. */
type OwnNames =
  | ('time' | 'timestamp' | 'level' | 'event' | 'message' | 'service' | 'sampling_rate' | '_aws')
  | ('request_id' | 'correlation_id');

/** Structured lines: one stable, dotted event name (`grant.refreshed`) plus fields. Never throws. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
