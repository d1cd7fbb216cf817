/** Values of a log line. Tokens and secrets are redacted at the adapter, by key and by shape; do not rely on it. */
export type LogFields = { readonly [name: string]: string | number | boolean | readonly string[] | undefined };

/** Structured lines: one stable, dotted event name (`grant.refreshed`) plus fields. Never throws. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
