/** A provider that asks for longer has made a mistake; its grant is tried again after a day. */
const LONGEST_SECONDS = 86_400;

/** RFC 9110 section 10.2.3: seconds, or an HTTP date. */
export const retryAfterSeconds = (header: string | null, nowMs: number): number | undefined => {
  if (header === null) return undefined;
  const text = header.trim();
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - nowMs) / 1000);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), LONGEST_SECONDS) : undefined;
};
