/** A pattern of functions/routes.ts, with Hono's `:name` as API Gateway writes it. */
export const withBraces = (pattern: string): string => pattern.replaceAll(/:(\w+)/g, '{$1}');
