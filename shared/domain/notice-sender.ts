/**
 * In the place of a device's client id in the submissions that the broker makes itself. No device can have it: their ids are
 * longer, and have no `o`.
 */
export const BROKER_SENDER = 'broker';

/** What it sends, it sends as devices send their notifications. */
export const BROKER_SLOT = 'alerts';
