import { createHmac } from 'node:crypto';

/** Standard Webhooks 1.0 (standardwebhooks.com): symmetric signatures, `v1`. */

const SECRET_PREFIX = 'whsec_';

export interface SignedContent {
  readonly id: string;
  /** Epoch seconds. */
  readonly timestamp: number;
  readonly body: string;
}

const signature = ({ id, timestamp, body }: SignedContent, secret: string): string => {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
};

/** The headers of a post; one signature for each secret, separated by blanks, while one takes the place of another. */
export const webhookHeaders = (content: SignedContent, secrets: readonly string[]): Record<string, string> => ({
  'webhook-id': content.id,
  'webhook-timestamp': String(content.timestamp),
  'webhook-signature': secrets.map((secret) => signature(content, secret)).join(' '),
});
