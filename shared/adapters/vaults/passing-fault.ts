/**
 * Whether an error says that a service behind the broker is throttling or out of order for the moment. By names, so that one
 * list serves AWS's services, SQLite and the sockets below them.
 */
export const isPassingFault = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { code, errcode, $metadata } = error as { code?: unknown; errcode?: unknown; $metadata?: unknown };
  if (PASSING_NAMES.has(error.name) || PASSING_CODES.has(String(code))) return true;
  if (code === 'ERR_SQLITE_ERROR') return errcode === SQLITE_BUSY;
  const status = typeof $metadata === 'object' && $metadata !== null && Object.entries($metadata);
  return !!status && status.some(([name, value]) => name === 'httpStatusCode' && (value === 429 || value >= 500));
};

/** Another process held the write lock for longer than the time-out (sqlite.org, result codes). */
const SQLITE_BUSY = 5;

/** API references, common errors; `TimeoutError` is the SDK's own for a request that took too long. */
const PASSING_NAMES: ReadonlySet<string> = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
  'ProvisionedThroughputExceededException',
  'TransactionConflictException',
  'TransactionInProgressException',
  'InternalServiceError',
  'InternalServerError',
  'InternalFailure',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
]);

/** Node's, of connections that broke, were refused, or found no way. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
