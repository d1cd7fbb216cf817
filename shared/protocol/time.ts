/** Epoch seconds as RFC 3339 in UTC, whole seconds. */
export const rfc3339 = (epochSeconds: number): string =>
  new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z');

/** The same for a time that may be absent: `null` on the wire, so that the field is always there. */
export const rfc3339OrNull = (epochSeconds: number | undefined): string | null =>
  epochSeconds === undefined ? null : rfc3339(epochSeconds);
