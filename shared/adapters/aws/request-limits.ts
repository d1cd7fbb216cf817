/** Within one region a connection takes some milliseconds; what takes a second is lost. */
const CONNECTION_MS = 1_000;

/**
 * How long a client waits for an answer, and how often it asks. The SDK by itself waits without end and only warns of it: a
 * single connection that hangs would hold a device until API Gateway hangs up, and a worker for its function's whole time.
 */
export const requestLimits = ({ attempts, answerMs }: { readonly attempts: number; readonly answerMs: number }) => ({
  maxAttempts: attempts,
  requestHandler: { connectionTimeout: CONNECTION_MS, requestTimeout: answerMs, throwOnRequestTimeout: true },
});
