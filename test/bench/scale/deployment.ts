/** What the bill and the rates follow from besides the fleet. A test compares the first ones with the deployed code. */

/** functions/refresh-grants/sweep/handler.ts */
export const PACE = { periodSeconds: 60, grantsPerSecond: 600 };

/** infra/functions/triggers.ts: workers at once, and grants that one has in hand at once. */
export const REFRESHERS = 40;
export const BATCH_SIZE = 10;

/** infra/functions/broker-function.ts */
export const MEMORY_MB = 512;

/** The provider's answer takes 0.3 s, and the ten requests to table and vault 10 ms each; a batch waits for its slowest. */
export const REFRESH_SECONDS = 0.5;

/** A warm fetch. */
export const FETCH_SECONDS = 0.015;

/** One request to the table after the other: 32 shards of grants, 16 of submissions, and a few more. */
export const SWEEP_SECONDS = 0.3;

/** And 80 messages in each round of ten batches. */
export const SWEEP_SECONDS_PER_MESSAGE = 0.02 / 80;

/** Lambda asks a queue with so many pollers at the least; an empty answer comes after 20 s. */
export const POLLERS = 5;
export const EMPTY_RECEIVE_SECONDS = 20;

/** Of the two queues: twice for dead letters and waiting messages each, once more for what room is left. */
export const QUEUE_COUNTS_PER_SWEEP = 6;

/** START, REPORT, one line of ours, and the access log; of a refresh, batches share the first two. */
export const LOG_KB = { fetch: 1.6, refresh: 1 };

/** The reply with an access token in it twice: by itself and as SASL initial response. */
export const REPLY_KB = { microsoft: 6.5, google: 1.5 };

/** Warm processes, each of which reads its key rings every five minutes. */
export const WARM_PROCESSES = { least: 4, each: 0.5 };

/** Provider configuration, administrator's key, and three key rings. */
export const OWN_SECRETS = 5;

/** Grants that all workers together finish in a second. */
export const WORKED_PER_SECOND = (REFRESHERS * BATCH_SIZE) / REFRESH_SECONDS;
