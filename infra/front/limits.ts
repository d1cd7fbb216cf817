/**
 * For each route of a front door. A million devices with twenty scans a day come to 230 requests a second on average and five
 * times as many in their busiest hour, and an office of 500 that wakes up to 500 at once. Above that it is no fleet; and the
 * account's limits, 10,000 requests a second and 1,000 functions at once, are shared with everything else there.
 */
export const REQUESTS_PER_SECOND = 2000;
export const REQUESTS_AT_ONCE = 1000;
