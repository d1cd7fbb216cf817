/**
 * RFC 5322 section 3.3, in UTC: `Sat, 07 Nov 2026 10:00:00 +0000`; `toUTCString` differs from it only in the zone's name.
 */
export const messageDate = (epochSeconds: number): string =>
  new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');

/** RFC 5322 section 3.6.4: with its angle brackets, and under the domain from which it goes. */
export const messageIdOf = (id: string, from: string): string => `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`;
