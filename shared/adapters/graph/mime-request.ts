/** A request has 4 MB at most, and base64 makes a third more of a message (facts M69). */
export const MIME_LIMIT_BYTES = 3_000_000;

/** A whole message as Graph takes it: base64, and called plain text. */
export const mimeRequest = (message: Buffer) =>
  ({
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(message.toString('base64'), 'latin1'),
  }) as const;
