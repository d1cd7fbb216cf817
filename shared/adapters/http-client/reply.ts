export class ReplyTooLarge extends Error {
  override readonly name = 'too large';
}

/** The body of a reply. Throws `ReplyTooLarge` for more than the limit, and what broke it off. */
export const replyText = async (reply: Response, limitBytes: number): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new ReplyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/**
 * Why there is no reply, in a short word: `time-out`, `ECONNREFUSED`, `too large`. `fetch` wraps the system's error as `cause`; its
 * code says what happened, and nothing secret.
 */
export const noReplyReason = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'time-out';
  if (error instanceof ReplyTooLarge) return error.name;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'connection failed';
};
